"""How days and times are written, and by whose clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import engines
from django.utils import timezone

from common.dates import clock, day, moment, own_zone, use_zone_of
from tests.dates import odd_dates

AT = datetime(2026, 12, 1, 21, 30, tzinfo=UTC)
DENVER: Any = SimpleNamespace(time_zone="America/Denver")  # a user, as far as zones go


@pytest.fixture(autouse=True)
def _in_2026(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 11, 29, 12, tzinfo=UTC))


def test_a_moment_says_day_time_and_zone() -> None:
    with timezone.override("America/Denver"):
        assert moment(AT) == "Tue, Dec 1, 2:30 PM MST"
    assert moment(AT) == "Tue, Dec 1, 9:30 PM UTC"
    assert moment(None) == ""


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("America/New_York", "Tue, Dec 1, 4:30 PM EST"),
        ("Pacific/Honolulu", "Tue, Dec 1, 11:30 AM HST"),
        ("Asia/Tokyo", "Wed, Dec 2, 6:30 AM JST"),
        ("America/Sao_Paulo", "Tue, Dec 1, 6:30 PM UTC-03"),
    ],
)
def test_a_zone_that_is_named_goes_before_the_readers(zone: str, written: str) -> None:
    with timezone.override("America/Denver"):
        assert moment(AT, zone) == written


def test_the_year_stands_where_it_is_not_this_year_by_that_clock() -> None:
    new_year = datetime(2027, 1, 1, 1, tzinfo=UTC)

    assert moment(new_year) == "Fri, Jan 1, 2027, 1:00 AM UTC"
    assert moment(new_year, "America/Denver") == "Thu, Dec 31, 6:00 PM MST"
    assert moment(datetime(2025, 7, 4, 18, tzinfo=UTC), "America/Denver") == "Fri, Jul 4, 2025, 12:00 PM MDT"
    assert moment(AT, always_year=True) == "Tue, Dec 1, 2026, 9:30 PM UTC"


def test_a_day_is_the_readers_and_has_its_year() -> None:
    with timezone.override("Asia/Tokyo"):
        assert day(AT) == "Dec 2, 2026"
        assert day(date(2026, 12, 1)) == "Dec 1, 2026"
    assert day(None) == ""


@pytest.mark.parametrize(("hour", "said"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")])
def test_a_clock_has_twelve_hours(hour: int, said: str) -> None:
    assert clock(time(hour, 5)) == said


def test_templates_know_both_without_loading_them() -> None:
    template = engines["django"].from_string("{{ at|moment:'America/Denver' }} · {{ at|day }}")

    assert template.render({"at": AT}) == "Tue, Dec 1, 2:30 PM MST · Dec 1, 2026"


def test_djangos_own_columns_write_it_with_the_year() -> None:
    template = engines["django"].from_string("{{ at }} · {{ at|date:'DATETIME_FORMAT' }} · {{ day }}")

    assert template.render({"at": AT, "day": AT.date()}) == (
        "Tue, Dec 1, 2026, 9:30 PM UTC · Tue, Dec 1, 2026, 9:30 PM UTC · Dec 1, 2026"
    )


@pytest.mark.parametrize("person", [None, SimpleNamespace(), SimpleNamespace(time_zone="Mars/Olympus")])
def test_nobody_and_an_unknown_zone_go_by_utc(person: Any) -> None:
    with own_zone():
        use_zone_of(DENVER)
        use_zone_of(person)
        assert timezone.get_current_timezone_name() == "UTC"


def test_a_zone_does_not_outlive_the_request_it_was_for() -> None:
    with own_zone():
        use_zone_of(DENVER)
        assert timezone.get_current_timezone_name() == "America/Denver"
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    "odd",
    [
        "2026-11-29",
        "Nov. 29, 2026, 4:50 p.m.",
        "midnight",
        "29 Nov 2026",
        "Nov 29, 16:50",
        "14:30",
        "November 29, 2026",
    ],
)
def test_the_pages_check_finds_every_other_way(odd: str) -> None:
    assert odd_dates(f"<p>On {odd}</p>") != []
    assert (
        odd_dates(f'<script>"{odd}"</script><time datetime="{odd}">Tue, Dec 1, 2:30 PM MST, Dec 1, 2026</time>') == []
    )
