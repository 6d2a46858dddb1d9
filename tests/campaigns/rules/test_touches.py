"""Who opened an e-mail or followed its links: a person, a machine, or nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaigns.rules.touches import Asked, Mark, by_itself, together

AT = datetime(2026, 9, 15, 16, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
)
LATER = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("asked", "kind", "why"),
    [
        (Asked("GET", CHROME, after=LATER), "unknown", ""),
        (Asked("GET", CHROME, after=None), "unknown", ""),
        (Asked("GET", "", after=LATER), "unknown", ""),
        (Asked("HEAD", CHROME, after=LATER), "machine", "method"),
        (Asked("OPTIONS", CHROME, after=LATER), "machine", "method"),
        (Asked("GET", CHROME, after=timedelta(seconds=9)), "machine", "too_soon"),
        (Asked("GET", CHROME, after=timedelta(seconds=10)), "unknown", ""),
        (Asked("GET", CHROME, hidden=True, after=LATER), "machine", "hidden_link"),
        (Asked("GET", "Barracuda Sentinel (EE)", after=LATER), "machine", "scanner"),
        (Asked("GET", "Mozilla/5.0 (compatible; Googlebot/2.1)", after=LATER), "machine", "scanner"),
        (Asked("GET", "python-requests/2.32", after=LATER), "machine", "scanner"),
        (Asked("GET", CHROME, is_open=True, after=timedelta(seconds=1)), "unknown", ""),
        (Asked("GET", "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", is_open=True),
         "unknown", "picture_proxy"),
        (Asked("GET", "Mozilla/5.0", is_open=True), "unknown", "apple_relay"),
        (Asked("HEAD", "Mozilla/5.0", is_open=True), "machine", "method"),
    ],
)  # fmt: skip
def test_one_request_by_itself(asked: Asked, kind: str, why: str) -> None:
    assert by_itself(asked) == (kind, why)


def marks(*said: tuple[float, int | None, str, str, str]) -> list[Mark]:
    """(seconds, link, kind, why, network)"""
    return [
        Mark(n, UUID(int=link) if link is not None else None, AT + timedelta(seconds=at), kind, why, network)
        for n, (at, link, kind, why, network) in enumerate(said)
    ]


def kinds(rows: Sequence[Mark], speed: float = 1) -> list[str]:
    """What stands after all have been looked at together: kind and why."""
    found = together(rows, speed=speed)
    return [" ".join(found.get(row.id, (row.kind, row.why))).strip() for row in rows]


U = "unknown"


def test_three_links_within_two_seconds_were_a_machine_the_first_of_them_too() -> None:
    assert kinds(marks((0, 1, U, "", "a"), (1, 2, U, "", "b"))) == ["unknown", "unknown"]
    assert kinds(marks((0, 1, U, "", "a"), (1, 2, U, "", "b"), (2, 3, U, "", "c"))) == ["machine burst"] * 3
    assert kinds(marks((0, 1, U, "", "a"), (1, 1, U, "", "b"), (2, 1, U, "", "c"))) == ["unknown"] * 3  # one link
    assert kinds(marks((0, 1, U, "", "a"), (1, 2, U, "", "b"), (2.5, 3, U, "", "c"))) == ["unknown"] * 3


def test_a_second_click_later_than_a_minute_is_a_persons() -> None:
    assert kinds(marks((0, 1, U, "", "a"), (60, 1, U, "", "a"))) == ["unknown", "unknown"]
    assert kinds(marks((0, 1, U, "", "a"), (61, 1, U, "", "a"))) == ["unknown", "human again"]
    assert kinds(marks((0, 1, "machine", "scanner", "a"), (61, 1, U, "", "b"))) == ["machine scanner", "unknown"]
    assert kinds(marks((0, None, U, "", "a"), (61, 1, U, "", "b"))) == ["unknown", "unknown"]  # an open is no click


def test_later_evidence_says_anew_what_came_before() -> None:
    """A scanner that comes back: its first link of a burst looks like a second click until the others follow."""
    rows = marks((0, 1, U, "", "a"), (300, 1, "human", "again", "s"), (301, 2, U, "", "s"), (301.5, 3, U, "", "s"))
    assert kinds(rows) == ["unknown", "machine burst", "machine burst", "machine burst"]
    # what its network followed around the link that no person sees was its own, and so is what it follows later
    rows = marks((0, 1, U, "", "s"), (20, 9, "machine", "hidden_link", "s"), (400, 1, U, "", "s"), (900, 2, U, "", "h"))
    assert kinds(rows) == ["machine same_network", "machine hidden_link", "unknown", "human again"]
    # a landing page's script tells a person whatever else came
    rows = marks((0, 1, "human", "script", "a"), (0.5, 2, U, "", "b"), (1, 3, U, "", "c"))
    assert kinds(rows) == ["human script", "machine burst", "machine burst"]
    assert together(rows[:1]) == {}


def test_without_networks_which_go_after_a_day_nothing_is_thought_a_machine() -> None:
    assert kinds(marks((0, 9, "machine", "hidden_link", ""), (1, 1, U, "", ""), (90, 1, U, "", ""))) == [
        "machine hidden_link", "unknown", "human again",
    ]  # fmt: skip


def test_by_a_clock_that_goes_faster_spans_are_longer() -> None:
    assert by_itself(Asked("GET", CHROME, after=timedelta(seconds=100)), speed=20).why == "too_soon"
    assert kinds(marks((0, 1, U, "", "a"), (61, 1, U, "", "a")), speed=20) == ["unknown", "unknown"]
    assert kinds(marks((0, 1, U, "", "a"), (20, 2, U, "", "b"), (40, 3, U, "", "c")), speed=20) == ["machine burst"] * 3
