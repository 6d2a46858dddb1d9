"""What has come of runs: waiting for them, and what Apollo found. Reads only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from common.server.threads import stopping
from enrichment.models import Run, RunItem

POLL = 0.25  # seconds between two looks: one read by primary key
ERRORS_SHOWN = 100
Outcome = RunItem.Outcome


def wait_for(run_ids: Iterable[UUID], seconds: float, *, keeps_lock: bool = False) -> bool:
    """Waits until none of the runs is at work any more. False: some still are. Holds no transaction.

    A run whose last leads wait for a person's billing check is not at work. Between two looks it holds no connection
    either, unless that has a lock which is to be kept. A server that is to stop does not wait.
    """
    ids, deadline = list(run_ids), time.monotonic() + seconds
    while Run.objects.at_work().filter(pk__in=ids).exists():
        left = deadline - time.monotonic()
        if left <= 0 or stopping.is_set():
            return False
        if not (keeps_lock or connection.in_atomic_block):
            connection.close()
        time.sleep(min(POLL, left))
    return True


@dataclass(frozen=True, slots=True)
class ApolloResults:
    """`results` of docs/requirements.md 2.

    enriched: Apollo knew them. failed: it did not, or could not be asked; `errors` says which.
    """

    total: int
    enriched: int
    with_phones: int
    with_emails: int
    failed: int
    errors: list[str] = field(default_factory=list)


def apollo_results(run_ids: Iterable[UUID]) -> ApolloResults:
    ids = list(run_ids)
    sums: dict[str, Any] = Run.objects.filter(pk__in=ids).aggregate(
        total=Sum("total", default=0), phones=Sum("enriched", default=0), emails=Sum("with_emails", default=0)
    )
    done = RunItem.objects.filter(run__in=ids, stage=RunItem.Stage.DONE)
    known = Q(outcome__in=[Outcome.ENRICHED, Outcome.PARTIAL], category="")
    failed = done.exclude(known).exclude(outcome=Outcome.SKIPPED)
    shown = failed.order_by("run_id", "lead_id").values_list("lead_id", "category")[:ERRORS_SHOWN]
    return ApolloResults(
        total=sums["total"],
        enriched=done.filter(known).count(),
        with_phones=sums["phones"],
        with_emails=sums["emails"],
        failed=failed.count(),
        errors=[f"{lead_id}: {category or 'FAILED'}" for lead_id, category in shown],
    )
