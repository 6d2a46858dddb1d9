"""What has changed about the team's leads, for a program that keeps a copy of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, Problem, invalid
from common.api.paging import CURSOR_MAX, PAGE, PAGE_MAX, cursor_of, place_at
from common.api.schema import refusal
from common.api.serializers import MomentField, StrictSerializer, WholeField
from common.dates import iso
from leads.api.rows import context_of, leads_list
from leads.changes.reading import Gone, NotYet, Place, TooOld, changes, gone_of
from leads.models import Lead
from leads.rules import BadTime, moment_of

_ORDER = "changes of leads"


class ChangesQuery(StrictSerializer):
    limit = WholeField(default=PAGE, min_value=1, max_value=PAGE_MAX, help_text=f"Leads of a page, at most {PAGE_MAX}")
    cursor = serializers.CharField(
        required=False, max_length=CURSOR_MAX, help_text="`nextCursor` of the answer before, of whichever day"
    )
    updatedSince = MomentField(
        required=False,
        help_text="Instead of a cursor: from this time on; without an offset by your own clock. Neither: from now on",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "cursor" in attrs and "updatedSince" in attrs:
            raise serializers.ValidationError({"updatedSince": ["Give a cursor or updatedSince, not both."]})
        return attrs


class GoneSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    why = serializers.ChoiceField(choices=[("deleted", "Deleted"), ("merged", "Merged into another lead")])
    mergedInto = serializers.UUIDField(allow_null=True, help_text="The lead that stands for it now")
    at = MomentField(help_text="When that, or an earlier change of it, was written")


CHANGES = leads_list(ChangesQuery, has_order=False)


class LeadChangesView(ApiView):
    """Callers have none: what is taken from a caller would be told her as gone, with what was never hers."""

    @extend_schema(
        operation_id="listLeadChanges",
        summary="Leads that have changed since, as they are now, and those that are gone: for a copy kept elsewhere",
        parameters=[CHANGES.query],
        responses={
            200: CHANGES.answer(
                "LeadChanges",
                gone=GoneSerializer(many=True),
                nextCursor=serializers.CharField(help_text="For the next time, whenever that is; never null"),
                hasMore=serializers.BooleanField(help_text="true: ask again at once with nextCursor"),
            ),
            410: refusal("The cursor or time is older than what is kept: read all leads anew"),
        },
    )
    def get(self, request: Request) -> Response:
        query = self.query(CHANGES.query)
        team = self.access.team_id
        try:
            page = changes(team, after=_place(query.get("cursor")), since=self._since(query), limit=query["limit"])
        except TooOld:
            raise _too_old("cursor" if "cursor" in query else "updatedSince") from None
        except NotYet:
            raise invalid("updatedSince", "This time has not come yet.") from None
        found = {lead.pk: lead for lead in Lead.objects.seen_by(self.access).filter(pk__in=page.touched)}
        rows = [found[lead_id] for lead_id in page.touched if lead_id in found]
        gone = gone_of(team, page.touched, found)
        return CHANGES.render(
            self, query, rows, _cursor(page.place), context=context_of(self, rows), count=lambda: (0, True),
            more={"gone": [_told(one) for one in gone], "hasMore": page.more},
        )  # fmt: skip

    def _since(self, query: dict[str, Any]) -> datetime | None:
        if "updatedSince" not in query:
            return None
        try:
            return moment_of(query["updatedSince"], self.user.time_zone)
        except BadTime as error:
            raise invalid("updatedSince", str(error)) from error


def _told(gone: Gone) -> dict[str, Any]:
    into = str(gone.merged_into) if gone.merged_into else None
    return {"id": str(gone.lead_id), "why": "merged" if into else "deleted", "mergedInto": into, "at": iso(gone.at)}


def _cursor(place: Place | None) -> str | None:
    return cursor_of(_ORDER, place.lead_id, str(place)) if place else None


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    lead_id, text = place_at(_ORDER, cursor)
    try:
        return Place.read(UUID(int=lead_id.int), text)
    except (ValueError, OverflowError, OSError) as error:
        raise invalid("cursor", "This is no cursor of this list.") from error


def _too_old(field: str) -> Problem:
    words = (
        f"Changes are kept for {settings.KEEP_CHANGES_DAYS} days, and not across a restored backup. Take a cursor "
        "without updatedSince, read all leads anew by GET /api/leads, then go on from the cursor."
    )
    return Problem("CURSOR_EXPIRED", f"{field}: {words}", status=410, fields={field: [words]})
