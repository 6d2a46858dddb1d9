"""Whom a campaign is for: leads of a bucket, of a saved view, of a set expression, or chosen ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from accounts.access import Access, access_in
from accounts.models import User
from buckets.filling.algebra import SetError, Sets, check_sets
from buckets.models import Bucket
from campaigns.planning.owners import keys_of, same_owners
from campaigns.planning.refusals import CampaignError
from leads.listing.saved_views import BESIDE
from leads.models import Lead
from leads.querysets import ENRICHED, HAS_PHONE
from leads.selection.filters import BadFilter, matching
from leads.selection.search import sought
from leads.selection.sorting import BadSort, sort_of

MOST = 2_000  # people of one campaign
LEADS_MOST = 50_000  # leads of an audience that is split: 25 campaigns
SMS_READY, HIGH_VALUE = "smsReady", "highValue"
HIGH_VALUE_FROM = 500_000  # US dollars
PRESETS = {
    SMS_READY: "Enriched, with a phone, not contacted yet",
    HIGH_VALUE: "Enriched, with a phone, worth $500,000 or more, high equity; most equity first",
}


@dataclass(frozen=True, slots=True)
class Audience:
    """One of bucket_id, view (a saved view's query, kept as it was), sets, lead_ids; then preset and filters narrow it.

    Order: highValue's is by equity, the greatest first; a view's its own; else the oldest lead first. limit: leads.
    """

    bucket_id: UUID | None = None
    view: str | None = None
    view_name: str = ""
    sets: Sets | None = None
    lead_ids: tuple[UUID, ...] | None = None
    preset: str = ""
    filters: Mapping[str, Any] | None = None
    limit: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For the campaign's column, in the API's names."""
        told: dict[str, Any] = {
            "bucketId": str(self.bucket_id) if self.bucket_id else None,
            "view": {"name": self.view_name, "query": self.view} if self.view is not None else None,
            "sets": self.sets.as_json() if self.sets else None,
            "leadIds": [str(one) for one in self.lead_ids] if self.lead_ids is not None else None,
            "preset": self.preset,
            "filters": dict(self.filters) if self.filters else None,
            "limit": self.limit,
        }
        return {name: value for name, value in told.items() if value not in (None, "")}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Audience:
        """Of `as_json`."""
        view: Mapping[str, str] = stored.get("view") or {}
        ids = stored.get("leadIds")
        return cls(
            bucket_id=UUID(stored["bucketId"]) if stored.get("bucketId") else None,
            view=view.get("query"),
            view_name=view.get("name", ""),
            sets=Sets.from_json(stored["sets"]) if stored.get("sets") else None,
            lead_ids=tuple(map(UUID, ids)) if ids is not None else None,
            preset=stored.get("preset", ""),
            filters=stored.get("filters"),
            limit=stored.get("limit"),
        )


@dataclass(frozen=True, slots=True)
class Sizes:
    """leads of it; people: those that stay when an owner and a number count once; parts: campaigns it takes."""

    leads: int
    people: int
    parts: int


def leads_of(audience: Audience, *, team_id: int, owner: User) -> QuerySet[Lead]:
    """The leads of the team that it holds at this moment, in the order they are contacted.

    owner: who drafted the campaign: `assignedTo=me` is she, and days end by her clock. Raises CampaignError, SetError
    or BadFilter, each naming the field.
    """
    rows, order = _chosen_from(audience, team_id=team_id, owner=owner)
    if audience.preset == SMS_READY:
        rows = rows.filter(ENRICHED, HAS_PHONE, status=Lead.Status.NEW)
    elif audience.preset == HIGH_VALUE:
        rows = rows.filter(ENRICHED, HAS_PHONE, estimated_value__gte=HIGH_VALUE_FROM, high_equity=True)
        order = F("estimated_equity").desc(nulls_last=True)
    elif audience.preset:
        raise CampaignError("INVALID", f"There is no such preset: {', '.join(PRESETS)}.", "preset")
    if audience.filters:
        rows = _matching(rows, audience.filters, owner, team_id)
    rows = rows.order_by(*([order] if order is not None else []), "pk")
    return rows[: audience.limit] if audience.limit is not None else rows


def _chosen_from(audience: Audience, *, team_id: int, owner: User) -> tuple[QuerySet[Lead], Any]:
    rows = Lead.objects.filter(team_id=team_id)
    if audience.bucket_id is not None:
        if not Bucket.objects.filter(team_id=team_id, pk=audience.bucket_id).exists():
            raise CampaignError("NOT_FOUND", "There is no such bucket.", "bucketId")
        return rows.filter(bucket_id=audience.bucket_id), None
    if audience.view is not None:
        return _of_view(rows, audience.view, access_in(owner, team_id), owner)
    if audience.sets is not None:
        check_sets(team_id=team_id, sets=audience.sets)
        return rows.filter(pk__in=_of_sets(audience.sets)), None
    if audience.lead_ids is not None:
        return rows.filter(pk__in=_these(audience.lead_ids)), None
    raise CampaignError("INVALID", "Say whom to contact: a bucket, a saved view, a combination or leads.", "bucketId")


def missing(lead_ids: Collection[UUID], team_id: int | None) -> int:
    """How many of these the team has not, or shows no more: such as another team's."""
    mine = Lead.objects.filter(team_id=team_id) if team_id is not None else Lead.objects.none()
    return len(lead_ids) - mine.filter(pk__in=_these(lead_ids)).count()


def _these(lead_ids: Collection[UUID]) -> RawSQL:
    return RawSQL("SELECT unnest(%s::uuid[])", [list(lead_ids)])


def _of_view(rows: QuerySet[Lead], query: str, access: Access, owner: User) -> tuple[QuerySet[Lead], Any]:
    """As the list of leads shows it: filters, search, bucket and order."""
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query):
        given.setdefault(name, []).append(value)
    beside = {name: given.pop(name)[0] for name in BESIDE if name in given}
    if "bucket" in beside:
        rows = rows.filter(bucket_id=beside["bucket"])
    if "q" in beside:
        rows = rows.filter(sought(beside["q"], by=access, contacts=True).matches)
    rows = _matching(rows, {name: many if len(many) > 1 else many[0] for name, many in given.items()}, owner,
                     access.team_id)  # fmt: skip
    try:
        return rows, sort_of(beside["sort"]).ordering if "sort" in beside else None
    except BadSort:  # saved when there was such an order
        return rows, None


def _matching(rows: QuerySet[Lead], filters: Mapping[str, Any], owner: User, team_id: int | None) -> QuerySet[Lead]:
    return matching(rows, filters, time_zone=owner.time_zone, contacts=True, me=owner.pk, team_id=team_id)


def _of_sets(sets: Sets) -> RawSQL:
    """Its leads' ids. RawSQL takes parameters by place alone."""
    sql, params = sets.sql("id")
    names = re.findall(r"%\((\w+)\)s", sql)
    by_place = re.sub(r"%\(\w+\)s", "%s", sql)
    return RawSQL(by_place, [params[name] for name in names])  # noqa: S611  # the expression's own SQL


def ids_of(audience: Audience, *, team_id: int, owner: User) -> list[UUID]:
    """Its leads, in the order they are contacted. Raises as `leads_of`; CampaignError where they are too many."""
    ids = list(leads_of(audience, team_id=team_id, owner=owner).values_list("pk", flat=True)[: LEADS_MOST + 1])
    if len(ids) > LEADS_MOST:
        words = f"It holds more than {LEADS_MOST:,} leads, the most a campaign and its parts can have: narrow it."
        raise CampaignError("INVALID", words, "audience")
    return ids


def sizes_of(audience: Audience, *, team_id: int, owner: User) -> Sizes:
    """Raises as `ids_of`."""
    ids = ids_of(audience, team_id=team_id, owner=owner)
    people = len(ids) - len(same_owners(ids, keys_of(ids)))
    return Sizes(leads=len(ids), people=people, parts=max(1, -(-people // MOST)))


def parts_of(audience: Audience, *, team_id: int, owner: User) -> list[list[UUID]]:
    """The leads of each part of a split: MOST people a part. Who shares an owner or a number with an earlier lead is in
    that one's part, where the dry run says so.
    """
    ids = ids_of(audience, team_id=team_id, owner=owner)
    others = same_owners(ids, keys_of(ids))
    people = [lead_id for lead_id in ids if lead_id not in others]
    part_of = {lead_id: place // MOST for place, lead_id in enumerate(people)}
    parts: list[list[UUID]] = [[] for _ in range(max(1, -(-len(people) // MOST)))]
    for lead_id in ids:
        parts[part_of[others.get(lead_id, lead_id)]].append(lead_id)
    return parts


def check(audience: Audience, *, team_id: int, owner: User) -> Sizes:
    """Its sizes, where it can be meant. Raises CampaignError naming the field."""
    if audience.limit is not None and not 1 <= audience.limit <= LEADS_MOST:
        raise CampaignError("INVALID", f"A limit is from 1 to {LEADS_MOST:,} leads.", "limit")
    try:
        return sizes_of(audience, team_id=team_id, owner=owner)
    except BadFilter as error:
        raise CampaignError("INVALID", str(error), "filters") from error
    except SetError as error:
        raise CampaignError(error.code, str(error), f"sets.{error.field}" if error.field else "sets") from error
