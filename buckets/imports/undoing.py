"""Undoing an import, a batch of leads at a time: what it added goes, unless somebody has worked on it since."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Lower

from buckets.imports.steps import hold, moved
from buckets.imports.updates import restore_batch
from buckets.models import Import
from leads.counters import change_counters
from leads.locks import hold_bucket, lock_leads_to_delete
from leads.merging.rows import relatives, sum_of
from leads.merging.services import keys_before, part_all
from leads.models import Activity, Lead
from leads.registries import KEEPERS

UNDO_BATCH = 5_000
Status = Import.Status


def _why_kept(job: Import) -> Case:
    """Why undoing an import leaves a lead; null where it does not. The first that holds is told.

    Notes the import wrote are as old as the import, and its tags stand among the sources of the lead's facts: neither
    is anybody's work.
    """
    bought = Q(enriched_at__isnull=False) | Q(skip_traced_at__isnull=False) | Q(apollo_enriched_at__isnull=False)
    from_file = Func(OuterRef("fact_sources__tags__value"), Lower("tag__name"), function="jsonb_exists")
    through: Any = Lead.tags.through
    tags = through.objects.filter(lead=OuterRef("pk"))
    tagged = Exists(
        tags.alias(brought=Coalesce(from_file, Value(value=False), output_field=BooleanField())).filter(brought=False)
    )
    noted = Exists(Activity.objects.filter(lead=OuterRef("pk")).exclude(created_at=job.created_at))
    return Case(
        When(bought, then=Value("bought")),
        *(When(condition, then=Value(reason)) for reason, condition in KEEPERS),
        When(Q(noted) | Q(tagged), then=Value("worked")),
        When(updated_at__gt=F("created_at"), then=Value("edited")),
        default=None,
    )


def undo_batch(job: Import) -> bool:
    with transaction.atomic():
        hold_bucket(job.bucket_id)  # nobody starts a run over these leads meanwhile
        mine = hold(job, Status.UNDOING)
        if mine.changes.exists():  # a batch of its own: leads are locked in one order
            mine.kept["changed"] = mine.kept.get("changed", 0) + restore_batch(mine)
            moved(mine, Status.UNDOING)
            job.lease_until = mine.lease_until
            return True
        ids = list(mine.leads.order_by("lead_id").values_list("lead_id", flat=True)[:UNDO_BATCH])
        # Locked first, looked at after: what somebody has just added to a lead is seen, what comes later is refused.
        here = list(Lead.every.filter(pk__in=ids, bucket=job.bucket_id).order_by("pk").values_list("pk", flat=True))
        relations = relatives(here)
        keys = keys_before(relations)
        list(lock_leads_to_delete(relations).values_list("pk"))
        parted = part_all(here, keys)  # each is judged, and goes or stays, as a lead of its own
        reasons = dict.fromkeys(ids, "moved") | dict(Lead.every.filter(pk__in=here).values_list("pk", _why_kept(job)))
        untouched = [lead_id for lead_id, reason in reasons.items() if reason is None]
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM leads_lead WHERE id = ANY(%s) RETURNING phone IS NOT NULL, status", [untouched])
            removed = cursor.fetchall()
        with_phone = sum(has_phone for has_phone, _ in removed)
        contacted = sum(status in Lead.CONTACTED_STATUSES for _, status in removed)
        mine.leads.filter(pk__in=ids).delete()
        kept = [reason for reason in reasons.values() if reason]
        mine.removed += len(untouched)
        mine.kept = {name: mine.kept.get(name, 0) + kept.count(name) for name in {*mine.kept, *kept}}
        more = len(ids) == UNDO_BATCH
        if not more:
            mine.pieces.all().delete()
        moved(mine, Status.UNDOING if more else Status.UNDONE)
        gone = {"total_leads": -len(untouched), "phone_leads": -with_phone, "contacted_leads": -contacted}
        change_counters(mine.bucket_id, **sum_of(parted, gone))
    job.lease_until = mine.lease_until
    return more
