"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from leads.models import Lead

# At the end of a query over `leads_lead l` inside a statement that then changes these leads: locks as `lock_leads`.
LEADS_IN_ORDER = "ORDER BY l.id FOR NO KEY UPDATE OF l"


def hold_bucket(bucket_id: UUID) -> None:
    """Waits until no other transaction adds leads to this bucket, starts a run over it or deletes it, and keeps others
    waiting. Bucket hold: the first of all locks. A transaction that only changes leads or counters need not ask.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(bucket_id)])


def lock_leads(lead_ids: Iterable[UUID]) -> QuerySet[Lead]:
    """Leads, in the order of their ids, against every other change; a new activity or item may still refer to them.

    Locked as the queryset is read.
    """
    return Lead.objects.filter(pk__in=list(lead_ids)).order_by("pk").select_for_update(no_key=True)


def lock_leads_to_delete(lead_ids: Iterable[UUID]) -> QuerySet[Lead]:
    """As `lock_leads`, and no new row may refer to them either."""
    return Lead.objects.filter(pk__in=list(lead_ids)).order_by("pk").select_for_update()
