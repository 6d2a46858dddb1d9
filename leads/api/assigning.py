"""Giving leads to the people who work them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import How, idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.schema import answer
from common.api.serializers import IdField, IdListField, ObjectField, StrictSerializer
from common.contact_access import sees_contacts
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.assignment import NotAMember, Place, assign_leads, members_named
from leads.selection.filters import matching

IDS_MAX = 10_000
MEMBERS_MAX = 100


@translates(NotAMember)
def _not_a_member(error: NotAMember) -> Problem:
    return invalid("to", str(error))


@extend_schema_field(
    {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": MEMBERS_MAX}]}
)
class MembersField(serializers.Field[list[str], Any, Any, Any]):
    """A member's id or user name, a list of them, or null."""

    def to_internal_value(self, data: object) -> list[str]:
        given = data if isinstance(data, list) else [data]
        names = [str(one) if type(one) is int else one for one in given]
        if not names or len(names) > MEMBERS_MAX or not all(isinstance(name, str) and name.strip() for name in names):
            raise serializers.ValidationError(f"Give a member's id or user name, or 1 to {MEMBERS_MAX} of them.")
        return [str(name) for name in names]

    def to_representation(self, value: list[str]) -> Any:
        return value


class AssignInput(StrictSerializer):
    to = MembersField(allow_null=True, help_text="Member by id or user name; several: in turn; null: nobody")
    leadIds = IdListField(most=IDS_MAX, required=False)
    bucketId = IdField(required=False, help_text="Instead of leadIds: all of its leads that pass the filters")
    filters = ObjectField(required=False, help_text="The list's filters, by the same names")
    after = serializers.RegexField(
        r"^[0-9a-fA-F-]{36}:[0-9]{1,3}\Z", required=False, help_text="`next` of the answer before: continues from there"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("leadIds" in attrs) == ("bucketId" in attrs):
            raise serializers.ValidationError({"leadIds": ["Give leadIds, or a bucketId."]})
        if "filters" in attrs and "bucketId" not in attrs:
            raise serializers.ValidationError({"filters": ["Filters go with a bucketId."]})
        return attrs


class AssignView(ApiView):
    @extend_schema(
        operation_id="assignLeads",
        summary="Give leads to a member, to several in turn, or to nobody",
        request=AssignInput,
        responses={
            200: answer(
                "LeadsAssigned",
                leads=serializers.IntegerField(help_text="Looked at"),
                changed=ObjectField(help_text="How many are new to whom, by user id; nobody: under none"),
                next=serializers.CharField(allow_null=True, help_text="Not all are done: send it as `after`"),
            )
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request) -> Response:
        given = self.body(AssignInput)
        people = members_named(self.access.team_id, given["to"] or [])
        done = assign_leads(
            leads=self._leads(request, given), to=people, by=self.access, place=_place(given.get("after"))
        )
        rest = f"{done.rest.after}:{done.rest.turn}" if done.rest else None
        changed = {str(member or "none"): count for member, count in done.changed.items()}
        return ok(leads=done.leads, changed=changed, next=rest)

    def _leads(self, request: Request, given: dict[str, Any]) -> QuerySet[Lead]:
        mine = Lead.objects.worked_by(self.access)
        if "leadIds" in given:
            leads = mine.filter(pk__in=given["leadIds"])
            if missing := len(given["leadIds"]) - leads.count():
                raise not_found(f"lead: {missing} of these", "leadIds")
            return leads
        bucket = buckets_of(self.access).filter(pk=given["bucketId"], team=self.access.team_id).first()
        if bucket is None:
            raise not_found("bucket", "bucketId")
        return matching(
            mine.filter(bucket=bucket),
            given.get("filters", {}),
            time_zone=self.user.time_zone,
            contacts=sees_contacts(request),
            me=self.user.pk,
            team_id=self.access.team_id,
        )


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    after, _, turn = text.partition(":")
    try:
        return Place(UUID(after), int(turn))
    except ValueError as error:
        raise invalid("after", "This is no `next` of an earlier answer.") from error
