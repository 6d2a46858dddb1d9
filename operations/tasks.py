"""Checks that beat asks for. The task keeps the name it has in beat's database."""

from __future__ import annotations

import logging

from celery import shared_task

from common.enqueue import enqueue_on_commit
from operations import retention
from operations.reconcile import find_drift

log = logging.getLogger(__name__)


@shared_task(name="enrichment.reconcile")
def reconcile() -> None:
    for drift in find_drift():
        log.error("Drift: %s", drift)


@shared_task(name="operations.retention")
def apply_retention() -> None:
    if retention.apply():
        enqueue_on_commit("operations.retention")
