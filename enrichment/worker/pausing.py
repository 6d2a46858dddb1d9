"""Runs that pause by another cause than a person: no money, a vendor that refuses, an error of our own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from common.logs import safe_traceback
from enrichment.locks import lock_run
from enrichment.models import Run, RunItem
from enrichment.worker.events import tell_paused

log = logging.getLogger(__name__)


def pause(run: Run, cause: Run.Pause, reason: str) -> None:
    run.status, run.paused_by, run.reason = Run.Status.PAUSED, cause, reason[:300]
    run.save(update_fields=["status", "paused_by", "reason", "updated_at"])
    tell_paused(run)


def pause_waiting_runs(stage: int, reason: str) -> None:
    """Pauses every run with items at this stage, whose vendor refuses, until a person acts."""
    waiting = RunItem.objects.filter(stage=stage).exclude(stage=0).values("run_id")
    for run_id in Run.objects.filter(status__in=Run.ACTIVE, pk__in=waiting).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            run = lock_run(run_id)
            if run is not None and run.status in Run.ACTIVE:
                pause(run, Run.Pause.VENDOR, reason)


def pause_broken(run_ids: Sequence[UUID], error: Exception) -> None:
    """Pauses the runs that an unforeseen error is about."""
    log.error("Runs %s broke: %s", [str(run_id) for run_id in run_ids], safe_traceback(error))
    for run_id in run_ids:
        with transaction.atomic():
            run = lock_run(run_id)
            if run is not None and run.status in Run.ACTIVE:
                pause(run, Run.Pause.FAULT, f"System error: {type(error).__name__}. The log has more.")
