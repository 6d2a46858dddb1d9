"""What each step of an import does first and last: it holds the import's row, and writes how far it has come."""

from __future__ import annotations

from datetime import timedelta

from buckets.locks import lock_import
from buckets.models import Import
from common.db.clock import database_now

LEASE = timedelta(seconds=90)


class Overtaken(Exception):
    """Another worker has gone on since, it is being undone, or its bucket is gone: nothing of ours may be written."""


def hold(job: Import, status: Import.Status) -> Import:
    """Locks the import's row, after its bucket. Raises Overtaken where it is no longer at this stage."""
    mine = lock_import(job.pk, status=status)
    if mine is None:
        raise Overtaken
    return mine


def moved(mine: Import, status: Import.Status) -> None:
    mine.status, mine.attempts = status, 0
    if status in (Import.Status.UNDOING, Import.Status.UNDONE):
        mine.error = ""
    mine.lease_until = database_now() + LEASE
    mine.save()
