"""One time for campaigns and for the made-up vendors, where CAMPAIGN_CLOCK sets it."""

from __future__ import annotations

import json
import urllib.request

import psycopg

from sandbox.clock import parse


def agree(database_url: str, sandbox_url: str, words: str) -> None:
    """The campaigns' clock is set in the database, if it is not, and the sandbox's to the same moment and speed.

    words: CAMPAIGN_CLOCK. A clock that an earlier stack set goes on. Again after the row was changed: a jump forward.
    """
    starts_at, speed = parse(words)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO campaigns_clocksetting (id, real_at, shown_at, speed) VALUES (1, clock_timestamp(), %s, %s) "
            "ON CONFLICT (id) DO NOTHING",
            [starts_at, speed],
        )
        row = connection.execute(
            "SELECT shown_at + (clock_timestamp() - real_at) * speed, speed FROM campaigns_clocksetting WHERE id = 1"
        ).fetchone()
    assert row is not None
    order = json.dumps({"clock": f"{row[0].isoformat()}/{row[1]}"}).encode()
    request = urllib.request.Request(f"{sandbox_url}/sandbox/clock", data=order, method="POST")
    with urllib.request.urlopen(request, timeout=10):
        pass
