"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from buckets.models import Bucket, Fill, Import


def lock_bucket(bucket_id: UUID) -> Bucket | None:
    """The bucket's row with its counters. The last of all locks."""
    return Bucket.objects.select_for_update().filter(pk=bucket_id).first()


def lock_fill(fill_id: UUID, **still: object) -> Fill | None:
    """The fill, where these columns still are what the worker read: else another has gone on since."""
    return Fill.objects.select_for_update().filter(pk=fill_id, **still).first()


def lock_import(import_id: UUID, **still: object) -> Import | None:
    """The import, where these columns still are what the worker read: else another has gone on since."""
    return Import.objects.select_for_update().filter(pk=import_id, **still).first()


def keep_buckets(bucket_ids: Sequence[UUID], team_id: int) -> int:
    """Keeps these buckets of this team from being deleted, in the order of their ids; returns how many there are.

    A key share lock: it stops a deletion, which locks the bucket's row, but no transaction that counts or renames.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM buckets_bucket WHERE id = ANY(%s) AND team_id = %s ORDER BY id FOR KEY SHARE",
            [list(bucket_ids), team_id],
        )
    # a statement of its own: one that has waited for a deletion does not see it
    return Bucket.objects.filter(pk__in=list(bucket_ids), team_id=team_id).count()
