"""What the rooms above add to leads: each registers it in its `apps.ready()`, so that nothing here looks upwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, QuerySet

from accounts.models import User

Writer = Callable[[UUID, Mapping[str, int]], None]
COUNTER_WRITERS: list[Writer] = []
KEEPERS: list[tuple[str, Exists]] = []
QUEUES: list[Exists] = []
_buckets: list[Callable[[Any], QuerySet[Any]]] = []


def write_counters_with(writer: Writer) -> None:
    """Registers who adds deltas, by counter, to what is stored of a bucket, in the caller's transaction."""
    COUNTER_WRITERS.append(writer)


def keeps_lead(reason: str, condition: Exists) -> None:
    """Registers why a lead must stay when the import that added it is undone. `condition` is about a lead's `pk`."""
    KEEPERS.append((reason, condition))


def counts_as_queued(condition: Exists) -> None:
    """Registers what a lead waits in. `condition` is about a lead's `pk`."""
    QUEUES.append(condition)


def find_buckets_with(buckets_of: Callable[[Any], QuerySet[Any]]) -> None:
    """Registers which buckets a person may see."""
    _buckets.append(buckets_of)


def buckets_of(user: User) -> QuerySet[Any]:
    """The buckets whose leads this person may see."""
    return _buckets[0](user)
