"""The counters of a bucket, changed with the leads they count. The room that keeps them registers who writes them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from leads.registries import COUNTER_WRITERS


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
