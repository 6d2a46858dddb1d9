"""A run watched as it goes on."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from buckets.services import create_bucket
from enrichment.api import events
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import cancel_run, pause_run, start_run


@pytest.fixture
def run(ann: Any) -> Run:
    bucket, _ = create_bucket(by=ann, name="Leads", property_ids=["1", "2"])
    return start_run(bucket=bucket, by=ann, options=RunOptions())[0]


def told(stream: Any) -> list[tuple[str, Any]]:
    text = b"".join(stream).decode()
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [(b["event"], json.loads(b["data"])) for b in blocks if "event" in b]


def test_every_change_is_told_once_until_the_run_is_over(api, run, monkeypatch):
    steps = iter([lambda: None, lambda: pause_run(run=run), lambda: cancel_run(run=run)])
    monkeypatch.setattr(time, "sleep", lambda _: next(steps)())

    answer = api.send("GET", f"/api/runs/{run.pk}/events", Accept="text/event-stream")

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    happened = told(answer.streaming_content)
    assert [(name, data["status"], data["counts"]["done"]) for name, data in happened] == [
        ("run", "queued", 0),
        ("run", "paused", 0),
        ("run", "cancelled", 2),
    ]


def test_a_stream_ends_after_a_minute_and_asks_to_come_back(run, monkeypatch):
    monkeypatch.setattr(events, "LONGEST", 0.05)
    monkeypatch.setattr(events, "LOOK", 0.02)

    stream = list(events.run_events(run.pk))

    assert stream[0] == b"retry: 1000\n\n"
    assert len(stream) == 2


def test_a_run_that_is_gone_says_so(run):
    pk = run.pk
    run.delete()

    assert told(events.run_events(pk)) == [("gone", {})]
