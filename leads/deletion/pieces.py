"""A piece of a deleted bucket's leads."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from leads.deletion.table import BucketDeletion
from leads.locks import LEADS_TO_DELETE
from leads.registries import tell_leads_go


def next_leads(job: BucketDeletion, most: int) -> list[UUID]:
    """The bucket's next leads, in the order of their ids, hidden ones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM leads_lead WHERE bucket_id = %s AND id > %s ORDER BY id LIMIT %s",
            [job.bucket_id, job.after or UUID(int=0), most],
        )
        return [pk for (pk,) in cursor.fetchall()]


def delete_leads(lead_ids: Sequence[UUID]) -> int:
    """Deletes these leads with what hangs on them, by PostgreSQL's own cascade; returns how many. In the transaction of
    the caller, who holds their bucket and their runs. No counter changes: the bucket's are nobody's any more.
    """
    tell_leads_go(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM leads_lead l WHERE l.id = ANY(%s) {LEADS_TO_DELETE}", [list(lead_ids)])
        cursor.execute("DELETE FROM leads_lead WHERE id = ANY(%s)", [list(lead_ids)])
        return int(cursor.rowcount)
