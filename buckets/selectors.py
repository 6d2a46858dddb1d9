"""What is read about buckets. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.access import Access
from buckets.models import Bucket, Fill, Import
from common.db.ids import uuid7_floor
from common.needs import RECENT, SHOWN, Need, of_team
from leads.models import Lead


def buckets_seen_by(access: Access) -> QuerySet[Bucket]:
    """Her team's buckets and those shared with it; superusers see all."""
    return Bucket.objects.all() if access.user.is_superuser else Bucket.objects.looked_into_by(access)


def with_latest_fill(buckets: Sequence[Bucket]) -> Sequence[Bucket]:
    """Sets `latest_fill` (None: its ids were sent by hand) on each bucket, in one query."""
    fills = Fill.objects.filter(bucket__in=buckets).order_by("bucket_id", "-pk").distinct("bucket_id")
    latest = {fill.bucket_id: fill for fill in fills}
    for bucket in buckets:
        bucket.latest_fill = latest.get(bucket.pk)  # type: ignore[attr-defined]
    return buckets


def total_matching(bucket: Bucket, matching: QuerySet[Lead], filters: Mapping[str, Any]) -> int:
    """How many leads pass the filters (`leads.filters.understood`): by the bucket's own counter where one answers them,
    else by a real count.
    """
    if not filters:
        return bucket.total_leads
    if filters == {"enrichedOnly": True}:
        return bucket.enriched_leads
    if filters == {"hasPhone": True}:
        return bucket.phone_leads
    return matching.count()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fill has come. `percent` is None while nobody has counted; `note`: why it waits or failed."""

    fill: Fill
    goal: int | None
    percent: int | None
    open: bool
    note: str


def progress(fill: Fill) -> Progress:
    """What a person is told of a fill."""
    goal = fill.found
    if goal is not None and fill.limit is not None:
        goal = min(goal, fill.limit)
    is_open = fill.status in (Fill.Status.QUEUED, Fill.Status.RUNNING)
    done = fill.status == Fill.Status.COMPLETED
    percent = 100 if done else None if goal is None else min(99, 100 * fill.fetched // max(goal, 1))
    return Progress(fill, goal, percent, is_open, fill.error)


def stopped_fills(access: Access, now: datetime) -> Iterable[Need]:
    fills = Fill.objects.filter(pk__gte=uuid7_floor(now - RECENT), status=Fill.Status.FAILED).select_related("bucket")
    for fill in of_team(fills, access, "bucket__team").order_by("-pk")[:SHOWN]:
        yield Need(f"Saving stopped: {fill.bucket}", f"{fill.saved:,} ids are saved. {fill.error}", fill)


def failed_imports(access: Access, now: datetime) -> Iterable[Need]:
    jobs = Import.objects.filter(pk__gte=uuid7_floor(now - RECENT), status=Import.Status.FAILED)
    for job in of_team(jobs, access, "bucket__team").order_by("-pk")[:SHOWN]:
        yield Need(f"Import failed: {job.file_name}", f"{job.read:,} of {job.total:,} rows are read. {job.error}", job)
