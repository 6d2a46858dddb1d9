"""The counters of a bucket, changed with the leads they count. The room that keeps them registers who writes them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from leads.registries import COUNTER_WRITERS


def hold_bucket(bucket_id: UUID) -> None:
    """Waits until nobody else adds leads to this bucket, starts a run over it or deletes it, and keeps them waiting
    until the caller's transaction ends. The first of all locks. Who only changes leads or counters need not ask.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(bucket_id)])


def change_counters(bucket_id: UUID | None, **deltas: int) -> None:
    """Adds the deltas to the bucket's counters, in the caller's transaction: one statement, taken last of all locks."""
    changes = {name: delta for name, delta in deltas.items() if delta}
    if bucket_id is None or not changes:
        return
    for write in COUNTER_WRITERS:
        write(bucket_id, changes)


def count_facts(grown: Mapping[UUID, Mapping[str, int]]) -> None:
    """Adds what `save_facts` brought, bucket by bucket, in the caller's transaction: taken last of all locks."""
    for bucket_id, deltas in sorted(grown.items()):
        change_counters(bucket_id, **deltas)
