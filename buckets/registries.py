"""What the rooms above add to buckets: each registers it in its `apps.ready()`, so that nothing here looks upwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db.models import Q

from accounts.models import User

BeforeDelete = Callable[[UUID, User | None], Sequence[UUID]]
BeforePiece = Callable[[Sequence[UUID]], object]
Narrow = Callable[[UUID, UUID], Q | None]
BEFORE_DELETE: list[BeforeDelete] = []
_before_piece: list[BeforePiece] = []
_by_run: list[Narrow] = []


def before_bucket_delete(stop: BeforeDelete) -> None:
    """Registers what stops the work on a bucket, in the transaction that deletes it for everybody: its leads go later.

    It locks its rows that refer to the bucket or its leads, in its own order, as leads are locked after them, takes the
    bucket off those that stay, and returns the ids of those it stopped: those for whom a request to a vendor may be
    out. It is told who deletes it.
    """
    BEFORE_DELETE.append(stop)


def before_bucket_piece(lock: BeforePiece) -> None:
    """Registers what is locked before the next leads of a deleted bucket are, in the transaction that deletes them:
    called with their ids.
    """
    _before_piece.append(lock)


def tell_piece_goes(lead_ids: Sequence[UUID]) -> None:
    """Calls what is registered."""
    for lock in _before_piece:
        lock(lead_ids)


def find_run_leads_with(narrow: Narrow) -> None:
    """Registers how the leads of a run are found: by ids of bucket and run; None: it is no run of this bucket."""
    _by_run.append(narrow)


def leads_of_run(bucket_id: UUID, run_id: UUID) -> Q | None:
    """Which leads of this bucket this run took; None: it is no run of this bucket."""
    return next((found for narrow in _by_run if (found := narrow(bucket_id, run_id)) is not None), None)
