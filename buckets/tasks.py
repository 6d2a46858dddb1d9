"""The bell for fills. Idempotent: the fill's row says what is left."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from buckets import services
from config.common.bell import ring


@shared_task(name="buckets.fill")
def fill(fill_id: str) -> None:
    if services.continue_fill(UUID(fill_id)):
        ring("buckets.fill", fill_id=fill_id)


@shared_task(name="buckets.continue_fills")
def continue_fills() -> None:
    for fill_id in services.open_fills():
        ring("buckets.fill", fill_id=str(fill_id))
