"""Tasks of leads. Idempotent: rows say what is left."""

from __future__ import annotations

import time
from uuid import UUID

from celery import shared_task

from common.enqueue import enqueue_on_commit
from leads.bulk import working
from leads.calendar import planning, reminding
from leads.keys.key_refresh import refresh_piece
from leads.merging import services
from leads.permission import importing
from leads.privacy import forgetting
from leads.services import tell_callbacks_due

SECONDS = 20.0  # of one sweep of owner keys, which comes every 30


@shared_task(name="leads.refresh_owner_keys")
def refresh_owner_keys() -> None:
    """Gives leads of an older release their keys; where none is left it costs one look."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and refresh_piece() is not None:
        pass


@shared_task(name="leads.merge")
def merge() -> None:
    services.sweep()


@shared_task(name="leads.merge_bucket")
def merge_bucket(bucket_id: str) -> None:
    services.merge_bucket(UUID(bucket_id))


@shared_task(name="leads.forget")
def forget(job_id: str) -> None:
    if forgetting.continue_job(UUID(job_id)):
        enqueue_on_commit("leads.forget", job_id=job_id)


@shared_task(name="leads.continue_forgetting")
def continue_forgetting() -> None:
    for job_id in forgetting.open_jobs():
        enqueue_on_commit("leads.forget", job_id=str(job_id))


@shared_task(name="leads.tell_callbacks")
def tell_callbacks() -> None:
    tell_callbacks_due()


@shared_task(name="leads.import_upload")
def import_upload(upload_id: str) -> None:
    if importing.continue_upload(UUID(upload_id)):
        enqueue_on_commit("leads.import_upload", upload_id=upload_id)


@shared_task(name="leads.continue_uploads")
def continue_uploads() -> None:
    importing.forget_abandoned()
    for upload_id in importing.open_uploads():
        enqueue_on_commit("leads.import_upload", upload_id=str(upload_id))


@shared_task(name="leads.remind")
def remind() -> None:
    reminding.remind()
    planning.miss_overdue()


@shared_task(name="leads.bulk")
def bulk(job_id: str) -> None:
    if working.continue_job(UUID(job_id)):
        enqueue_on_commit("leads.bulk", job_id=job_id)


@shared_task(name="leads.continue_bulk")
def continue_bulk() -> None:
    for job_id in working.open_jobs():
        enqueue_on_commit("leads.bulk", job_id=str(job_id))


@shared_task(name="leads.forget_bulk")
def forget_bulk() -> None:
    while working.forget_old():
        pass
