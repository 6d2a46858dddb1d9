"""Imports that change the leads that are there: what they changed is noted, so that undoing changes it back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from buckets.models import Import, ImportedChange, ImportedLead
from leads.facts.incoming import Incoming
from leads.facts.restoring import restore_leads
from leads.facts.updating import Change, update_leads
from leads.keys.contact_keys import Ids
from leads.models import Lead

BATCH = 5_000  # leads that a transaction changes back


def update_there(job: Import, leads: Sequence[tuple[UUID, Incoming]], keys: Ids) -> int:
    """Has rows change the leads they name, in the transaction that saves their piece of the file; returns how many.

    The first row of a lead counts: what this import has added or changed already stays. keys: as `update_leads` takes.
    """
    ids = [lead_id for lead_id, _ in leads]
    own = {lead_id for model in (ImportedLead, ImportedChange)
           for lead_id in model.objects.filter(job=job, lead_id__in=ids).values_list("lead_id", flat=True)}  # fmt: skip
    changes = update_leads(
        bucket_id=job.bucket_id,
        owner_id=job.bucket.owner_id,
        team_id=job.bucket.team_id,
        leads=leads,
        at=job.created_at,
        but=own,
        keys=keys,
    )
    _note(job, changes)
    return len(changes)


def _note(job: Import, changes: Sequence[Change]) -> None:
    table = ImportedChange._meta.db_table
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} (lead_id, job_id, before, after) FROM STDIN") as copy,
    ):
        for change in changes:
            copy.write_row((change.lead_id, job.pk, json.dumps(change.before), json.dumps(change.after)))


def restore_batch(job: Import) -> int:
    """Changes the next leads back, in the caller's transaction, which holds bucket and import. Returns how many of them
    keep what was changed since.
    """
    noted = list(ImportedChange.objects.filter(job=job).order_by("lead_id")[:BATCH])
    here = set(
        Lead.every.filter(pk__in=[one.lead_id for one in noted], bucket=job.bucket_id).values_list("pk", flat=True)
    )
    changes = [Change(one.lead_id, one.before, one.after) for one in noted if one.lead_id in here]
    kept = restore_leads(bucket_id=job.bucket_id, changes=changes) + len(noted) - len(changes)  # moved meanwhile
    ImportedChange.objects.filter(pk__in=[one.pk for one in noted]).delete()
    return kept
