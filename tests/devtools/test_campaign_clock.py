"""One time for campaigns and for the made-up vendors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from campaigns import clock
from campaigns.models import ClockSetting
from devtools.campaign_clock import agree
from devtools.texting import clock_from
from sandbox import Sandbox, SandboxConfig

WORDS = "2026-09-15T15:00Z/20"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-12-01T01:30:00+00:00", "2026-12-01T18:00Z/20"),
        ("2026-12-01T18:00:01+00:00", "2026-12-08T18:00Z/20"),
        ("2026-12-06T23:00:00-05:00", "2026-12-08T18:00Z/20"),
    ],
)
def test_a_demos_clock_is_never_before_now(now: str, words: str) -> None:
    """What is bought now, and signed now, counts for calls from now on."""
    assert clock_from(datetime.fromisoformat(now)) == words


def database_url() -> str:
    """Of the test's database."""
    connection.ensure_connection()
    info = connection.connection.info
    return make_conninfo(host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password)


@pytest.mark.django_db(transaction=True)
def test_the_sandbox_goes_by_the_campaigns_clock_also_after_a_jump(settings: Any) -> None:
    settings.CAMPAIGN_CLOCK = (datetime(2026, 9, 15, 15, tzinfo=UTC), 20)
    with Sandbox(SandboxConfig(generate=10)) as sandbox:
        agree(database_url(), sandbox.base_url, WORDS)
        theirs = sandbox.messaging.clock
        assert timedelta(0) <= clock.now() - datetime(2026, 9, 15, 15, tzinfo=UTC) < timedelta(minutes=5)
        assert (theirs.speed, abs(theirs.now() - clock.now()) < timedelta(minutes=1)) == (20, True)
        ClockSetting.objects.update(shown_at=datetime(2026, 9, 18, 15, tzinfo=UTC))
        agree(database_url(), sandbox.base_url, WORDS)
        assert abs(theirs.now() - clock.now()) < timedelta(minutes=1)
        assert theirs.now().day == 18
