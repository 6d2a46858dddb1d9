"""The counters of a bucket, changed with the leads they count. `leads` does not import `buckets`; the key leads there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F

from leads.models import Lead

COUNTERS = ("total_leads", "enriched_leads", "queued_leads", "contacted_leads")


def change_counters(bucket_id: UUID | None, **deltas: int) -> None:
    """Adds the deltas to the bucket's counters, in the caller's transaction: one statement, taken last of all locks."""
    changes = {name: F(name) + delta for name, delta in deltas.items() if delta}
    if bucket_id is None or not changes:
        return
    bucket: Any = Lead._meta.get_field("bucket").related_model
    bucket.objects.filter(pk=bucket_id).update(**changes)
