import io
import sys
import threading
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from common.commands import progress
from common.commands.progress import LocalWorkers, Tick, follow


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOOK_EVERY", 0.001)


def reader(*ticks: Tick) -> Any:
    left = list(ticks)
    return lambda: left.pop(0)


STEPS = (Tick(0, None), Tick(500, 2000, "$1.00 spent"), Tick(1000, 2000, "$2.00 spent"), Tick(2000, 2000, over=True))


def test_a_log_gets_plain_lines_not_oftener_than_every_few_seconds():
    out = io.StringIO()

    follow(reader(*STEPS), out=OutputWrapper(out), label="Leads")

    assert out.getvalue().splitlines() == ["Leads: 0 of ?", "Leads: 2,000 of 2,000"]


def test_every_change_is_a_line_where_time_allows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    out = io.StringIO()

    follow(reader(*STEPS), out=OutputWrapper(out), label="Leads")

    assert out.getvalue().splitlines()[1:3] == [
        "Leads: 500 of 2,000, $1.00 spent",
        "Leads: 1,000 of 2,000, $2.00 spent",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    follow(reader(*STEPS), out=OutputWrapper(terminal), label="Leads")

    assert "Leads" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


@pytest.mark.django_db(transaction=True)
def test_what_breaks_in_a_helping_thread_is_told():
    def job(stop: threading.Event) -> None:
        raise ValueError("no more")

    with LocalWorkers(job) as local_workers, pytest.raises(ValueError, match="no more"):
        for _ in range(1000):
            local_workers.check()
            threading.Event().wait(0.01)


@pytest.mark.django_db(transaction=True)
def test_helping_threads_stop_with_the_block():
    turns: list[bool] = []

    with LocalWorkers(lambda stop: turns.append(stop.is_set())):
        while len(turns) < 3:
            threading.Event().wait(0.005)
    after = len(turns)
    threading.Event().wait(0.05)

    assert len(turns) == after
    assert not any(turns)
