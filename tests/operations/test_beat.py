"""Beat is stopped like any process: by one signal, whatever it is at."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from config.celery import app

LONGEST = 20  # seconds, after which beat has not stopped


class StillRunningError(BaseException):
    """Not an Exception: beat goes on after those."""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """A test's beat has this process's signals."""

    def too_late(*_: Any) -> None:
        raise StillRunningError

    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [3, 5, 8, 11])
def test_a_stop_while_beat_writes_its_schedule_is_a_stop(number: int) -> None:
    beat = app.Beat(scheduler_cls="django_celery_beat.schedulers:DatabaseScheduler", quiet=True)
    statements = []

    def stop_at(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        statements.append(sql)
        if len(statements) == number:
            os.kill(os.getpid(), signal.SIGTERM)
        return answer

    with connection.execute_wrapper(stop_at), pytest.raises(SystemExit):
        beat.start_scheduler()

    assert number <= len(statements) < number + 5  # what it was at goes back, and no entry is written after it
    assert connection.in_atomic_block is False and PeriodicTask.objects.count() < number
