"""What can be done to buckets: make, change, add ids, delete, count anew. What fills them later: `buckets.filling`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from buckets.models import Bucket
from integrations import services as vendors
from integrations.ledger.pace import database_now
from leads.counters import COUNTERS, hold_bucket
from leads.services import insert_ids

SEEN_THROUGH = 5.0  # seconds
PROPERTY_ID = r"[A-Za-z0-9_-]{1,64}"


class BucketGone(Exception):
    """The bucket was deleted at the same moment, or is somebody else's."""


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
    """Locks the bucket's runs, cancels those that are open and returns the ids of these.

    Ended runs are locked too: what was in flight for a cancelled one is settled run, items, leads, and the cascade from
    a lead to its items would meet it from the other side.
    """
    runs: Any = bucket.runs  # the reverse of enrichment's key: no import upwards
    locked = runs.order_by("pk").select_for_update(no_key=True).values_list("pk", "status")
    stopped = [pk for pk, status in locked if status in ("queued", "running", "paused")]
    runs.filter(pk__in=stopped).update(
        status="cancelled", paused_by="", reason="Its bucket was deleted", finished_at=database_now()
    )
    return stopped


def _see_through(run_ids: Sequence[UUID]) -> None:
    """Waits a while for what is in flight: deleting a million leads takes seconds, in which a settlement that wants one
    of them would hold everybody's budgets.
    """
    deadline = time.monotonic() + SEEN_THROUGH
    while run_ids and vendors.in_flight(run_ids) and time.monotonic() < deadline:
        time.sleep(0.05)


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
                          count(*) FILTER (WHERE l.status <> 'new'), count(l.enriched_at), count(l.phone)
                     FROM leads_lead l WHERE l.bucket_id = b.id) n
             WHERE b.id = %s
            """,  # noqa: S608  # names of our own
            [bucket_id],
        )
        row: Any = cursor.fetchone() or 2 * len(COUNTERS) * (0,)
    pairs = zip(COUNTERS, row[: len(COUNTERS)], row[len(COUNTERS) :], strict=True)
    return {name: (stored, real) for name, stored, real in pairs if stored != real}
