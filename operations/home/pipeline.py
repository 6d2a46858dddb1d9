"""Leads by status, as far as a page counts. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum

from accounts.access import Access, Scope
from buckets.models import Bucket
from common.values.percent import percent
from leads.models import Lead

MOST = 10_000  # counted of a status; an index has them (`lead_of_team_by_status`)


@dataclass(frozen=True, slots=True)
class Stage:
    """Leads of one status. is_more: there are more than that. share: whole percent of all that are counted."""

    code: str
    words: str
    many: int
    is_more: bool
    share: int


def pipeline(access: Access) -> list[Stage]:
    """Of the leads she sees, in the order of statuses; empty: there are none, or she sees none."""
    if access.team_id is None or not access.can(Scope.READ):
        return []
    counts = _assigned(access) if access.only_assigned else _of_team(access)
    whole = sum(counts.values())
    if not whole:
        return []
    new = Lead.Status.NEW
    return [
        Stage(
            str(one), str(one.label), min(counts[one], MOST) if one != new else counts[one],
            one != new and counts[one] > MOST, percent(counts[one], whole),
        )
        for one in Lead.Status
    ]  # fmt: skip


def _assigned(access: Access) -> dict[Lead.Status, int]:
    """A caller's, among the MOST leads that were assigned to her first."""
    first = Lead.objects.seen_by(access).order_by("pk").values("pk")[:MOST]
    rows = Lead.objects.filter(pk__in=first).order_by().values_list("status").annotate(many=Count("pk"))
    found = dict(rows)
    return {one: int(found.get(one, 0)) for one in Lead.Status}


def _of_team(access: Access) -> dict[Lead.Status, int]:
    """New ones by the buckets' counters, the others by an index, each to MOST."""
    rows = Lead.objects.seen_by(access)
    parts = [rows.filter(status=one).order_by().values("status")[: MOST + 1] for one in Lead.CONTACTED_STATUSES]
    counts = {one: int(part.count()) for one, part in zip(Lead.CONTACTED_STATUSES, parts, strict=True)}
    sums = Bucket.objects.filter(team=access.team_id).aggregate(all=Sum("total_leads"), moved=Sum("contacted_leads"))
    new = max(0, (sums["all"] or 0) - (sums["moved"] or 0))
    return {Lead.Status.NEW: new, **counts}
