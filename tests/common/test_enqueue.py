"""Waking a worker once for many."""

from __future__ import annotations

from queue import Queue
from typing import Any

import pytest
from celery import current_app

from common import enqueue


def test_many_who_ask_soon_after_each_other_wake_a_worker_once(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = Queue[str]()

    def send(task: str, **_: Any) -> None:
        woken.put(task)

    monkeypatch.setattr(current_app, "send_task", send)
    for task in [*["some.task"] * 20, "other.task"]:
        enqueue._send_soon(task)
    assert sorted([woken.get(timeout=60), woken.get(timeout=60)]) == ["other.task", "some.task"]
    enqueue._send_soon("some.task")  # after it was sent: anew
    assert woken.get(timeout=60) == "some.task"
    assert woken.empty()
