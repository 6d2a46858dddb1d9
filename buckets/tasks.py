"""Tasks of fills, imports and deletions. Idempotent: their rows say what is left."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from buckets.deleting import working
from buckets.filling import fills
from buckets.imports import services as imports
from common.enqueue import enqueue_on_commit


@shared_task(name="buckets.fill")
def fill(fill_id: str) -> None:
    if fills.continue_fill(UUID(fill_id)):
        enqueue_on_commit("buckets.fill", fill_id=fill_id)


@shared_task(name="buckets.continue_fills")
def continue_fills() -> None:
    for fill_id in fills.open_fills():
        enqueue_on_commit("buckets.fill", fill_id=str(fill_id))


@shared_task(name="buckets.import")
def import_file(import_id: str) -> None:
    if imports.continue_import(UUID(import_id)):
        enqueue_on_commit("buckets.import", import_id=import_id)


@shared_task(name="buckets.continue_imports")
def continue_imports() -> None:
    imports.forget_abandoned()
    for import_id in imports.open_imports():
        enqueue_on_commit("buckets.import", import_id=str(import_id))


@shared_task(name="buckets.delete")
def delete(bucket_id: str) -> None:
    if working.continue_deletion(UUID(bucket_id)):
        enqueue_on_commit("buckets.delete", bucket_id=bucket_id)


@shared_task(name="buckets.continue_deletions")
def continue_deletions() -> None:
    for bucket_id in working.open_deletions():
        enqueue_on_commit("buckets.delete", bucket_id=str(bucket_id))
