"""Deleting the leads of a deleted bucket, piece by piece, each in a transaction of its own.

A worker that is killed loses the piece it was at, which the next one deletes. Two workers at once wait for each other
at the bucket's hold and delete one piece after the other.
"""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F

from buckets.registries import tell_piece_goes
from common.db.clock import database_now
from common.faultpoints import commit
from integrations import services as vendors
from leads.deletion.pieces import delete_leads, next_leads
from leads.locks import hold_bucket
from leads.models import BucketDeletion

TASK = "buckets.delete"
PIECE = 5_000  # leads: 0.7 s of PostgreSQL's CPU with facts, names and keys (measured); their runs wait meanwhile
LEASE = timedelta(seconds=90)  # many times what a piece takes
# A settlement that waits for a run of the bucket holds everybody's pace and budgets: the job begins once what was in
# flight when the bucket was deleted has ended. A request that never ends is given up by its lease long before this.
SEEN_THROUGH = timedelta(minutes=10)


def open_deletions() -> list[UUID]:
    """Those that no worker has, the oldest first."""
    return list(BucketDeletion.objects.free().order_by("at").values_list("pk", flat=True))


def continue_deletion(bucket_id: UUID, *, seconds: float | None = None) -> bool:
    """Deletes pieces of a deleted bucket for a turn, one at least, unless another worker does or a request for one of
    its runs is out. Returns whether it is to go on at once.
    """
    rows = BucketDeletion.objects.filter(pk=bucket_id)
    if not rows.take(LEASE):
        return False
    job = rows.first()
    if job is None or (database_now() < job.at + SEEN_THROUGH and vendors.in_flight(job.stopped)):
        rows.update(lease_until=None)
        return False
    until = time.monotonic() + (settings.PUMP_SECONDS if seconds is None else seconds)
    while _delete_piece(bucket_id):
        if time.monotonic() >= until:
            rows.update(lease_until=None)
            return True
    return False


def _delete_piece(bucket_id: UUID) -> bool:
    """Whether there may be more.

    1. Holds the bucket, and reads where the one before stopped.
    2. Locks the runs that count the next leads, then deletes these.
    3. Where none is left, deletes the bucket's own row, with its searches and imports.
    """
    with commit("bucket.delete"):
        hold_bucket(bucket_id)
        job = BucketDeletion.objects.filter(pk=bucket_id).first()
        if job is None:
            return False
        lead_ids = next_leads(job, PIECE)
        if lead_ids:
            tell_piece_goes(lead_ids)
            done = delete_leads(lead_ids)
            BucketDeletion.objects.filter(pk=bucket_id).update(
                done=F("done") + done, after=lead_ids[-1], lease_until=database_now() + LEASE
            )
        if len(lead_ids) < PIECE:
            with connection.cursor() as cursor:  # PostgreSQL carries out the cascade
                cursor.execute("DELETE FROM buckets_bucket WHERE id = %s", [bucket_id])
            job.delete()
    return len(lead_ids) == PIECE
