"""Waking a worker. The work itself stands in the database, so a message that cannot be sent loses nothing."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def enqueue_on_commit(task: str, **arguments: object) -> None:
    """Asks a worker to run a task, once the transaction is committed; without a broker, beat does it later."""
    transaction.on_commit(lambda: _send(task, arguments))


def _send(task: str, arguments: dict[str, object]) -> None:
    try:
        current_app.send_task(task, kwargs=arguments, ignore_result=True)
    except OperationalError as error:
        log.warning("The broker is away (%s); beat enqueues %s later", type(error).__name__, task)
