"""The bell. Every task is idempotent and finds its work in the database; losing all messages costs ten seconds."""

from __future__ import annotations

from celery import shared_task

from enrichment import lanes, purchase
from enrichment.pump import work


@shared_task(name="enrichment.pump")
def pump(stage: int) -> None:
    work(stage)
    lanes.ring_if_quiet(stage)


@shared_task(name="enrichment.ring")
def ring() -> None:
    for stage in lanes.STAGES:
        lanes.ring_if_quiet(stage)


@shared_task(name="enrichment.reap")
def reap() -> None:
    purchase.reap()
