"""Deleting a bucket."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from buckets.deleting.working import PIECE, TASK, continue_deletion
from buckets.locks import lock_bucket
from buckets.models import Bucket
from buckets.registries import BEFORE_DELETE
from common.enqueue import enqueue_on_commit
from leads.calendar.callbacks import end_of_bucket as end_callbacks_of_bucket
from leads.locks import hold_bucket
from leads.models import BucketDeletion


def delete_bucket(*, bucket: Bucket, by: User | None = None) -> None:
    """Deletes a bucket with its leads and stops its runs before their next paid call. What was bought stays owned, and
    the runs themselves stay as history.

    Nobody sees the bucket or its leads from the commit on (`BucketDeletion`); PostgreSQL deletes them by pieces
    (`buckets.deleting.working`): few ones before this returns, many by a worker.
    """
    with transaction.atomic():
        hold_bucket(bucket.pk)
        if not Bucket.objects.filter(pk=bucket.pk).exists():  # by two at once: once
            return
        stopped = [one for stop in BEFORE_DELETE for one in stop(bucket.pk, by)]
        end_callbacks_of_bucket(bucket.pk)
        mine = lock_bucket(bucket.pk)  # whoever copies its leads ends first (`keep_buckets`)
        leads = mine.total_leads if mine else 0
        BucketDeletion.objects.create(bucket_id=bucket.pk, leads=leads, stopped=stopped)
        after = {"leads": leads}
        record("bucket.deleted", by=by, team_id=bucket.team_id, about=bucket, name=bucket.name, after=after)
    if leads > PIECE or continue_deletion(bucket.pk, seconds=0):
        enqueue_on_commit(TASK, bucket_id=str(bucket.pk))
