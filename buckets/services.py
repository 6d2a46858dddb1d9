"""What can be done to buckets: make, change, fill, empty, delete. Filling costs nothing."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from buckets.models import Bucket, Fill
from buckets.rules import IDS_PER_REQUEST, Slice, halves
from config.common.bell import ring
from config.common.faultpoints import commit
from integrations import services as vendors
from integrations.errors import Category
from integrations.pace import database_now
from leads.counters import COUNTERS, hold_bucket
from leads.services import insert_ids

log = logging.getLogger(__name__)
FILL_LEASE = timedelta(seconds=90)
SEEN_THROUGH = 5.0  # seconds
MAX_ATTEMPTS = 8  # with waits doubling from 2 s: about four minutes of a vendor that is away
PROPERTY_ID = r"[A-Za-z0-9_-]{1,64}"


class _Overtaken(Exception):
    """Another worker has gone on with the fill since, or its bucket is gone: nothing of ours may be written."""


def create_bucket(
    *,
    by: Any,
    name: str,
    property_ids: Sequence[str] = (),
    description: str = "",
    source: str = Bucket.Source.REAL_ESTATE,
    filters: Mapping[str, Any] | None = None,
    signals: Mapping[str, Any] | None = None,
) -> tuple[Bucket, int]:
    """Makes a bucket of these property ids (checked by the caller; duplicates allowed).

    Returns it and how many were new.
    """
    with transaction.atomic():
        bucket = Bucket.objects.create(
            owner=by,
            name=name,
            description=description,
            source=source,
            filters=dict(filters or {}),
            signals=dict(signals or {}),
        )
        inserted = add_ids(bucket=bucket, property_ids=property_ids)
    return bucket, inserted


def create_bucket_from_search(
    *, by: Any, name: str, criteria: Mapping[str, Any], limit: int | None = None, **options: Any
) -> tuple[Bucket, Fill]:
    """Makes an empty bucket and has a worker save what the search finds into it. `options` as for `create_bucket`."""
    with transaction.atomic():
        bucket, _ = create_bucket(by=by, name=name, **({"filters": criteria} | options))
        return bucket, start_fill(bucket=bucket, criteria=criteria, limit=limit)


def add_ids(*, bucket: Bucket, property_ids: Sequence[str]) -> int:
    """Saves property ids to a bucket. The same ids again are free and change nothing. Returns how many were new."""
    with transaction.atomic():
        inserted = insert_ids(
            bucket_id=bucket.pk, owner_id=bucket.owner_id, property_ids=property_ids, source=bucket.source
        )
    bucket.refresh_from_db()
    return inserted


def edit_bucket(*, bucket: Bucket, changes: Mapping[str, Any]) -> Bucket:
    """Changes `name`, `description`, `filters` or `signals`."""
    for field in ("name", "description", "filters", "signals"):
        if field in changes:
            setattr(bucket, field, changes[field])
    bucket.save(
        update_fields=[*(f for f in changes if f in ("name", "description", "filters", "signals")), "updated_at"]
    )
    return bucket


def delete_bucket(*, bucket: Bucket) -> None:
    """Deletes a bucket with its leads and stops its runs before their next paid call. What was bought stays owned.

    The runs themselves stay as history. PostgreSQL carries out the cascade: a million leads fit in no worker's memory.
    """
    with transaction.atomic():
        stopped = _stop_runs(bucket)
    _see_through(stopped)
    with transaction.atomic():
        hold_bucket(bucket.pk)
        _stop_runs(bucket)
        with connection.cursor() as cursor:
            # leads before the bucket, as everybody locks them: the cascade alone would begin with the bucket
            cursor.execute("DELETE FROM leads_lead WHERE bucket_id = %s", [bucket.pk])
            cursor.execute("DELETE FROM buckets_bucket WHERE id = %s", [bucket.pk])


def _stop_runs(bucket: Bucket) -> list[UUID]:
    """Cancels the bucket's open runs and returns their ids."""
    runs: Any = bucket.runs  # the reverse of enrichment's key: no import upwards
    open_runs = runs.filter(status__in=["queued", "running", "paused"]).order_by("pk").select_for_update()
    stopped = [run.pk for run in open_runs]
    runs.filter(pk__in=stopped).update(
        status="cancelled", paused_by="", reason="Its bucket was deleted", finished_at=database_now()
    )
    return stopped


def _see_through(run_ids: Sequence[UUID]) -> None:
    """Waits a while for what is in flight: deleting a million leads takes seconds, in which a settlement that wants one
    of them would hold everybody's purses.
    """
    deadline = time.monotonic() + SEEN_THROUGH
    while run_ids and vendors.in_flight(run_ids) and time.monotonic() < deadline:
        time.sleep(0.05)


def start_fill(
    *, bucket: Bucket, criteria: Mapping[str, Any], limit: int | None = None, once: UUID | None = None
) -> Fill:
    """Has a worker save everything a search finds into the bucket, by free ids, in the background."""
    slices = [Slice(dict(criteria)).as_json()]
    fill = Fill.objects.create(bucket=bucket, criteria=dict(criteria), limit=limit, pending_slices=slices, once=once)
    ring("buckets.fill", fill_id=str(fill.pk))
    return fill


class BucketGone(Exception):
    """The bucket was deleted at the same moment, or is somebody else's."""


def save_search(
    *,
    by: Any,
    criteria: Mapping[str, Any],
    press: UUID,
    bucket: Bucket | None = None,
    name: str = "",
    limit: int | None = None,
) -> Fill:
    """Saves what a search finds to a bucket of one's own, or to a new one called `name`. Raises BucketGone.

    `press` names the press of the button. The same press with the same wishes is one fill, however often and however
    close together it comes: the fill's unique `once` undoes the later transaction, with the bucket it made.
    """
    if bucket is not None and bucket.owner_id != by.pk:
        raise BucketGone
    wishes = json.dumps([criteria, str(bucket.pk) if bucket else name, limit], sort_keys=True)
    once = uuid5(press, wishes)
    mine = Fill.objects.filter(once=once, bucket__owner=by).select_related("bucket")
    if fill := mine.first():
        return fill
    try:
        with transaction.atomic():
            if bucket is None:
                bucket, _ = create_bucket(by=by, name=name, filters=criteria)
            return start_fill(bucket=bucket, criteria=criteria, limit=limit, once=once)
    except IntegrityError as error:
        if fill := mine.first():
            return fill
        raise BucketGone from error


def continue_fill(fill_id: UUID) -> bool:
    """Works on a fill for one lease, unless another worker has it. Returns whether there is more to do."""
    fill = _take(fill_id)
    if fill is None:
        return False
    deadline = database_now() + timedelta(seconds=settings.PUMP_SECONDS)
    try:
        while fill.pending_slices and database_now() < deadline:
            _next_slice(fill)
    except vendors.NotNow as refusal:
        _postpone(fill, refusal)
        return False
    except _Overtaken:
        return False
    except ValueError as unaskable:  # also TooManyAlike
        _fail(fill, str(unaskable))
        return False
    Fill.objects.filter(pk=fill.pk).update(lease_until=None)
    return bool(fill.pending_slices)


def _take(fill_id: UUID) -> Fill | None:
    now = database_now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    open_fills = Fill.objects.filter(free, due, pk=fill_id, status__in=[Fill.Status.QUEUED, Fill.Status.RUNNING])
    if not open_fills.update(lease_until=now + FILL_LEASE, status=Fill.Status.RUNNING):
        return None
    return Fill.objects.select_related("bucket").filter(pk=fill_id).first()


def _next_slice(fill: Fill) -> None:
    """Fetches the ids of the slice on top of the stack, or cuts it. The stack changes with the leads, or not at all."""
    top = Slice.from_json(fill.pending_slices[-1])
    rest = fill.pending_slices[:-1]
    user_id = fill.bucket.owner_id
    count = vendors.count_properties(top.request(), user_id=user_id)
    found = count if fill.found is None else fill.found
    if count > IDS_PER_REQUEST:
        parts = [part.as_json() for part in reversed(halves(top))]
        _store(fill, stack=[*rest, *parts], ids=[], found=found)
        return
    ids = vendors.property_ids(top.request(), user_id=user_id).ids if count else ()
    if fill.limit is not None:
        ids = ids[: max(fill.limit - fill.fetched, 0)]
        rest = rest if fill.fetched + len(ids) < fill.limit else []
    _store(fill, stack=rest, ids=ids, found=found)


def _store(fill: Fill, *, stack: list[Any], ids: Sequence[str], found: int) -> None:
    with commit("fill.store"):
        hold_bucket(fill.bucket_id)
        mine = Fill.objects.select_for_update().filter(pk=fill.pk, pending_slices=fill.pending_slices).first()
        if mine is None:
            raise _Overtaken
        saved = 0
        if ids:
            bucket = fill.bucket
            saved = insert_ids(bucket_id=bucket.pk, owner_id=bucket.owner_id, property_ids=ids, source=bucket.source)
        mine.pending_slices, mine.found, mine.attempts, mine.error = stack, found, 0, ""
        mine.fetched += len(ids)
        mine.saved += saved
        mine.status = Fill.Status.RUNNING if stack else Fill.Status.COMPLETED
        mine.lease_until = database_now() + FILL_LEASE
        mine.save()
    mine.bucket = fill.bucket
    fill.__dict__.update(mine.__dict__)


def _postpone(fill: Fill, refusal: vendors.NotNow) -> None:
    attempts = fill.attempts + 1
    if refusal.category in (Category.AUTH_ERROR, Category.INVALID_DATA) or attempts >= MAX_ATTEMPTS:
        _fail(fill, f"{refusal.category}: {refusal.reason}")
        return
    Fill.objects.filter(pk=fill.pk).update(
        attempts=attempts,
        lease_until=None,
        not_before=database_now() + timedelta(seconds=2**attempts),
        error=f"{refusal.category}: {refusal.reason}"[:300],
    )


def _fail(fill: Fill, reason: str) -> None:
    Fill.objects.filter(pk=fill.pk).update(status=Fill.Status.FAILED, lease_until=None, error=reason[:300])


def retry_fill(*, fill: Fill) -> Fill:
    """Goes on with a fill that failed, where it stopped."""
    if Fill.objects.filter(pk=fill.pk, status=Fill.Status.FAILED).update(
        status=Fill.Status.QUEUED, attempts=0, not_before=None, error=""
    ):
        ring("buckets.fill", fill_id=str(fill.pk))
    fill.refresh_from_db()
    return fill


def open_fills() -> list[UUID]:
    """Fills with work that nobody has and that are due."""
    now = database_now()
    return list(
        Fill.objects.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lte=now),
            Q(not_before__isnull=True) | Q(not_before__lte=now),
            status__in=[Fill.Status.QUEUED, Fill.Status.RUNNING],
        ).values_list("pk", flat=True)
    )


def recount(*, bucket_ids: Sequence[UUID] | None = None, mend: bool = True) -> dict[UUID, dict[str, tuple[int, int]]]:
    """Counts leads anew. Returns {bucket: {counter: (stored, real)}} for what differs, and corrects it if `mend`."""
    wrong: dict[UUID, dict[str, tuple[int, int]]] = {}
    chosen = Bucket.objects.all() if bucket_ids is None else Bucket.objects.filter(pk__in=bucket_ids)
    for bucket_id in chosen.order_by("pk").values_list("pk", flat=True).iterator():
        if differences := _differences(bucket_id):
            wrong[bucket_id] = _mend(bucket_id) if mend else differences
    return wrong


def _mend(bucket_id: UUID) -> dict[str, tuple[int, int]]:
    """Corrects the counters, with everybody who changes them kept waiting meanwhile. Returns what differed."""
    with transaction.atomic():
        rows = Bucket.objects.filter(pk=bucket_id)
        list(rows.select_for_update())
        differences = _differences(bucket_id)
        rows.update(**{name: real for name, (_, real) in differences.items()})
    return differences


def _differences(bucket_id: UUID) -> dict[str, tuple[int, int]]:
    """Stored and real, of one moment: a statement sees leads and the counters that changed with them together."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {", ".join(COUNTERS)}, n.*
              FROM buckets_bucket b, LATERAL (
                   SELECT count(*), count(*) FILTER (WHERE l.enrichment_status = 'completed'),
                          count(*) FILTER (WHERE EXISTS (
                              SELECT 1 FROM enrichment_runitem i WHERE i.lead_id = l.id AND i.stage <> 0)),
                          count(*) FILTER (WHERE l.status <> 'new')
                     FROM leads_lead l WHERE l.bucket_id = b.id) n
             WHERE b.id = %s
            """,  # noqa: S608  # names of our own
            [bucket_id],
        )
        row: Any = cursor.fetchone() or 2 * len(COUNTERS) * (0,)
    pairs = zip(COUNTERS, row[: len(COUNTERS)], row[len(COUNTERS) :], strict=True)
    return {name: (stored, real) for name, stored, real in pairs if stored != real}
