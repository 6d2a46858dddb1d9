"""Who must not be contacted: added by anybody in a team, changed and deleted by nobody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, FlagField, IdField, MomentField, StrictSerializer, WholeField
from common.api.throttles import UserThrottle
from leads.models import Suppression
from leads.permission.adding import (
    REASONS,
    WORDS_MOST,
    OfLead,
    add_suppression,
    check_contact,
    suppressions_seen_by,
    told,
)
from leads.permission.suppressing import BadSuppression


@translates(BadSuppression)
def _bad_suppression(error: BadSuppression) -> Problem:
    return invalid(error.field, error.message)


PLACES_MOST = 1_000  # more contacts than any lead has


def text(most: int, help_text: str) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=most, help_text=help_text)


class ContactInput(StrictSerializer):
    phone = text(40, "A phone, in any spelling")
    email = text(254, "Instead: an e-mail")


class SuppressionInput(ContactInput):
    """A phone, an e-mail, or a contact of a lead by its place: a masked number can be suppressed as it is."""

    reason = serializers.ChoiceField(
        choices=[(name, Suppression.Reason(name).label) for name in REASONS], default="dnc_request", help_text="Why"
    )
    scope = serializers.ChoiceField(choices=Suppression.Scope.choices, default="any", help_text="By which channel not")
    words = text(WORDS_MOST, "What they said: kept as evidence, and shown to nobody by this API")
    leadId = IdField(required=False, help_text="Instead: a lead that you may see, and which contact of it")
    phonePosition = WholeField(
        required=False,
        min_value=1,
        max_value=PLACES_MOST,
        help_text="Of the lead's phones: 1 is the best",
    )
    emailPosition = WholeField(
        required=False, min_value=1, max_value=PLACES_MOST, help_text="Of the lead's e-mails, from 1"
    )
    everything = FlagField(
        required=False, help_text="Every phone and e-mail of the lead's owner, and of the owner's other leads"
    )
    masked = text(260, "The contact as the lead shows it masked: refused where another stands there by now")

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """With `of_lead` in the place of what names a lead's contact."""
        given: list[str] = [name for name in ("phonePosition", "emailPosition") if name in said]
        given += ["everything"] if said.get("everything") else []
        if "leadId" not in said:
            for name in (*given, *(["masked"] if said.get("masked") else [])):
                raise serializers.ValidationError({name: "Say of which lead: leadId."})
        elif len(given) != 1:
            name = given[1] if given else "phonePosition"
            raise serializers.ValidationError({name: "Give one: phonePosition, emailPosition, or everything: true."})
        elif given == ["everything"] and said.get("masked"):
            raise serializers.ValidationError({"masked": "This is for one phone or e-mail."})
        place = {name: said.pop(f"{name}Position", None) for name in ("phone", "email")}
        said.pop("everything", None)
        lead_id, masked = said.pop("leadId", None), said.pop("masked", "")
        return said | ({"of_lead": OfLead(lead_id, **place, masked=masked)} if lead_id else {})


class SuppressionSerializer(CamelModelSerializer[Suppression]):
    kind = serializers.SerializerMethodField(help_text="phone or email")
    hint = serializers.SerializerMethodField(help_text="By which it is told from others: …0143")
    reason = serializers.SerializerMethodField(
        help_text="Of those that people of your team have added; of others opted_out or suppressed, and no more"
    )

    class Meta:
        model = Suppression
        fields = ["id", "kind", "hint", "scope", "reason", "created_at", "expires_at"]

    def get_kind(self, row: Model) -> str:
        return {1: "phone", 2: "email"}.get(row.kind, "owner")  # type: ignore[attr-defined]

    def get_reason(self, row: Any) -> str:
        return row.reason if row.is_ours else told(row).replace(" ", "_")

    def get_hint(self, row: Model) -> str:
        return getattr(row, "hint", None) or ""


class CheckThrottle(UserThrottle):
    """A list of numbers is not to be asked for one by one."""

    scope = "check"
    rate = "30/min"


_ALL = ("POST", "PUT", "PATCH", "DELETE")  # of which only the first is there: the others are a 405 for everybody


SUPPRESSIONS = ListOf("suppressions", SuppressionSerializer)


class SuppressionsView(ApiView):
    scopes = dict.fromkeys(("GET", *_ALL), Scope.READ)  # whoever hears "stop" may write it down
    for_callers = ("GET", *_ALL)

    @extend_schema(
        operation_id="listSuppressions",
        summary="Suppressed contacts of your team's leads, and those its people added, newest first; none is taken off",
        parameters=[SUPPRESSIONS.query],
        responses=SUPPRESSIONS.answer("SuppressionPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(SUPPRESSIONS.query)
        found = suppressions_seen_by(self.access)
        return SUPPRESSIONS.respond(self, found, query=query)

    @extend_schema(
        operation_id="addSuppression",
        summary="Suppress a phone or an e-mail for everybody on this installation, for good",
        description="With dnc_request and complaint also the other numbers and e-mails of the leads that share it. "
        "A contact that you are shown masked is named by its lead and its place there.",
        request=SuppressionInput,
        responses={201: answer("SuppressionAdded", added=serializers.IntegerField(help_text="New ones; 0: known"))},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        done = add_suppression(access=self.access, **self.body(SuppressionInput))
        return ok(201, added=len(done.added))


class SuppressionView(ApiView):
    """One, to look at. Who wants it gone gets a 405: the person herself lifts it, by START or a signed form."""

    scopes = dict.fromkeys(("GET", *_ALL), Scope.READ)
    for_callers = ("GET", *_ALL)

    @extend_schema(
        operation_id="getSuppression",
        summary="One of your team's leads, or that its people have added",
        responses=answer("SuppressionSeen", suppression=SuppressionSerializer()),
    )
    def get(self, request: Request, suppression_id: UUID) -> Response:
        row = suppressions_seen_by(self.access).filter(pk=suppression_id).first()
        if row is None:
            raise not_found("suppression of your team")
        return ok(suppression=SuppressionSerializer(row).data)


class SuppressionCheckView(ApiView):
    for_callers = ("GET",)
    throttle_classes = [UserThrottle, CheckThrottle]

    @extend_schema(
        operation_id="checkSuppression",
        summary="Whether a phone or an e-mail is suppressed, and since when; 30 a minute, written to the audit",
        parameters=[ContactInput],
        responses=answer(
            "SuppressionChecked",
            suppressed=serializers.BooleanField(),
            since=MomentField(allow_null=True),
        ),
    )
    def get(self, request: Request) -> Response:
        since: Any = check_contact(access=self.access, **self.query(ContactInput))
        return ok(suppressed=since is not None, since=since)
