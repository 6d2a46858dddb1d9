"""Which leads the vendor says have changed since their facts were bought: asked by ids, for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from buckets.models import Bucket
from integrations.services import property_ids
from integrations.vendors import normalise

IDS = 1000  # of one question: the most that any RealEstateAPI endpoint takes (docs/vendors/realestateapi.md 1.4)
SECONDS = 300  # the other leads are asked about at the next tick; at the usual pace that is 1,500 questions


@dataclass(frozen=True, slots=True)
class Changes:
    """lead_ids: those that have changed, longest owned first. asked: how many were asked about."""

    asked: int
    lead_ids: tuple[UUID, ...]

    def words(self, days: int) -> str:
        """For a person."""
        older = f"data older than {days} day{'s' if days > 1 else ''}"
        if not self.asked:
            return f"Nothing to do: no lead has {older}."
        return f"{len(self.lead_ids):,} of {self.asked:,} leads with {older} have changed at the vendor."


@dataclass(frozen=True, slots=True)
class _Group:
    """Leads whose facts were bought on the same day (UTC), by the vendor's id."""

    day: date
    leads: dict[int, UUID]


def changed_leads(bucket: Bucket, older_than: datetime, *, limit: int) -> Changes:
    """Asks about the bucket's leads whose detail is older, until `limit` have changed. Free; never in a transaction.

    The vendor tells changes by the day (`last_update_date_min`, included), so a change on the very day of a purchase
    counts as one after it. Raises NotNow where the vendor does not answer.
    """
    asked, changed = 0, []
    ends = time.monotonic() + SECONDS
    for group in _groups(bucket, older_than):
        criteria: dict[str, object] = {"ids": list(group.leads), "last_update_date_min": group.day.isoformat()}
        answer = property_ids(criteria, user_id=bucket.owner_id, by_worker=True)
        asked += len(group.leads)
        changed += [group.leads[int(found)] for found in answer.ids if int(found) in group.leads]
        if len(changed) >= limit or time.monotonic() > ends:
            break
    return Changes(asked, tuple(changed[:limit]))


def _groups(bucket: Bucket, older_than: datetime) -> Iterator[_Group]:
    rows = bucket.leads.filter(enriched_at__lt=older_than).order_by("enriched_at", "pk")
    group: _Group | None = None
    for pk, property_id, bought_at in rows.values_list("pk", "property_id", "enriched_at").iterator():
        number = normalise.property_id(property_id)
        if number is None or bought_at is None:  # the filter leaves no lead without
            continue
        day = bought_at.astimezone(UTC).date()
        if group is not None and (group.day != day or len(group.leads) >= IDS):
            yield group
            group = None
        group = group or _Group(day, {})
        group.leads[int(number)] = pk
    if group is not None:
        yield group
