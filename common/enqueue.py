"""Waking a worker. The work itself stands in the database, so a message that cannot be sent loses nothing."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import current_app
from celery.utils.nodenames import worker_direct
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
# Seconds that `enqueue_soon` waits for more of the same: a message to the broker and a task of a worker cost more than
# the row they are about, and at 200 posts a second one in twenty wakes a worker soon enough.
SOON = 0.1
FOR_ONE = 90  # seconds until a message to one worker is void; a worker's clock may be a minute fast
_waiting: set[str] = set()  # tasks that this process is about to ask for
_lock = threading.Lock()


def enqueue_on_commit(task: str, **arguments: object) -> None:
    """Asks a worker to run a task, once the transaction is committed; without a broker, beat does it later."""
    transaction.on_commit(lambda: _send(task, arguments))


def enqueue_to_worker(host: str, task: str, **arguments: object) -> None:
    """As `enqueue_on_commit`, for one worker alone, by its name. One that is gone leaves the message for its return."""
    transaction.on_commit(lambda: _send(task, arguments, queue=worker_direct(host), expires=FOR_ONE))


def enqueue_soon(task: str) -> None:
    """As `enqueue_on_commit`, once for all that ask within SOON; for a process that dies meanwhile beat does it."""
    transaction.on_commit(lambda: _send_soon(task))


def _send_soon(task: str) -> None:
    with _lock:
        if task in _waiting:
            return
        _waiting.add(task)
    timer = threading.Timer(SOON, _send_waiting, [task])
    timer.daemon = True
    timer.start()


def _send_waiting(task: str) -> None:
    with _lock:
        _waiting.discard(task)  # before it is sent: who asks from here on is asked for anew
    _send(task, {})


def _send(task: str, arguments: dict[str, object], **options: Any) -> None:
    try:
        current_app.send_task(task, kwargs=arguments, ignore_result=True, **options)
    except OperationalError as error:
        log.warning("The broker is away (%s); beat enqueues %s later", type(error).__name__, task)
