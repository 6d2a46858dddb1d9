"""What is due lives in rows alone (T11): no task of campaigns carries a time of its own."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from django.conf import settings

ROOM = Path(__file__).resolve().parents[3] / "campaigns"
TIMERS = {"eta", "countdown", "expires"}


def test_no_task_is_called_with_a_time() -> None:
    found = [
        f"{file.relative_to(ROOM)}:{node.lineno} {word.arg}"
        for file in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in TIMERS or (isinstance(node.func, ast.Attribute) and node.func.attr in ("retry", "apply_async"))
    ]
    assert found == []


def test_periodic_work_of_campaigns_expires() -> None:
    every: list[Any] = list(settings.CELERY_BEAT_SCHEDULE.values())
    entries = {one["task"]: one for one in every if "campaigns." in one["task"]}
    assert {"campaigns.send", "campaigns.reap", "campaigns.reconcile"} <= entries.keys()
    assert (entries["campaigns.send"]["schedule"], entries["campaigns.reap"]["schedule"]) == (5.0, 10.0)
    assert entries["campaigns.reconcile"]["options"]["expire_seconds"] < entries["campaigns.reconcile"]["schedule"]
    for one in entries.values():
        period = one["schedule"] if isinstance(one["schedule"], float) else 24 * 3600  # a crontab: once a day
        assert one["options"]["expire_seconds"] <= max(90, period)  # 90 s: a worker's clock may be a minute fast
