"""Many leads deleted, each by the rule for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts.access import Access, Scope
from enrichment.worker.lead_deletion import delete_leads
from leads.bulk.kinds import Arguments, Done, Kind, Work, said
from leads.models import BulkJob, Lead

PIECE = 1_000  # leads: their buckets' runs wait meanwhile
BUSY = "wait for a vendor’s answer or a billing check: delete them when that is over"
FINAL = (
    "They go with their activity and tags, for good: there is no undo. Enrichment jobs continue without them. "
    "Purchased data is kept: other buckets get it for $0."
)


def _read(_access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given)
    return {}


def _buckets(_job: BulkJob, lead_ids: Sequence[UUID]) -> Collection[UUID]:
    return set(Lead.objects.filter(pk__in=list(lead_ids)).values_list("bucket_id", flat=True))


def _do(work: Work) -> Done:
    done = delete_leads(lead_ids=work.lead_ids, held=work.held, by=work.access.user)
    return Done(done.leads, {BUSY: done.busy} if done.busy else {})


DELETE = Kind("delete", _read, _do, (Scope.MANAGE,), whole_team=True, piece=PIECE, holds=_buckets, final=FINAL)
