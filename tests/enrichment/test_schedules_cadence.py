"""When a schedule is due, through every way a clock changes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from enrichment.scheduling.cadence import BadCadence, cadence_in_words, next_tick, said


def ticks(cadence: str, zone: str, after: datetime, count: int) -> list[str]:
    """The next times as the zone's clock shows them."""
    shown = []
    for _ in range(count):
        after = next_tick(cadence, zone, after)
        shown.append(after.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z"))
    return shown


def test_a_time_the_clock_leaps_over_comes_once_right_after_the_leap() -> None:
    noon_before = datetime(2027, 3, 13, 17, tzinfo=UTC)
    assert ticks("30 2 * * *", "America/New_York", noon_before, 3) == [
        "14 03:00-0400",
        "15 02:30-0400",
        "16 02:30-0400",
    ]


def test_a_time_that_comes_twice_is_taken_once_the_first_time() -> None:
    noon_before = datetime(2027, 11, 6, 16, tzinfo=UTC)
    assert ticks("30 1 * * *", "America/New_York", noon_before, 3) == [
        "07 01:30-0400",
        "08 01:30-0500",
        "09 01:30-0500",
    ]


def test_asked_in_the_second_of_two_equal_hours_it_does_not_go_back_to_the_first() -> None:
    second_quarter_past_one = datetime(2027, 11, 7, 6, 15, tzinfo=UTC)
    assert ticks("30 1 * * *", "America/New_York", second_quarter_past_one, 1) == ["08 01:30-0500"]


def test_an_hourly_cadence_goes_by_hours_that_pass() -> None:
    assert ticks("0 * * * *", "America/New_York", datetime(2027, 11, 7, 4, 30, tzinfo=UTC), 4) == [
        "07 01:00-0400",
        "07 01:00-0500",
        "07 02:00-0500",
        "07 03:00-0500",
    ]
    assert ticks("0 * * * *", "America/New_York", datetime(2027, 3, 14, 5, 30, tzinfo=UTC), 3) == [
        "14 01:00-0500",
        "14 03:00-0400",
        "14 04:00-0400",
    ]


def test_a_zone_without_changes_has_none() -> None:
    assert ticks("30 2 * * *", "America/Phoenix", datetime(2027, 3, 13, 12, tzinfo=UTC), 2) == [
        "14 02:30-0700",
        "15 02:30-0700",
    ]
    assert ticks("30 1 * * *", "America/Phoenix", datetime(2027, 11, 6, 16, tzinfo=UTC), 2) == [
        "07 01:30-0700",
        "08 01:30-0700",
    ]


def test_a_change_of_half_an_hour_is_one() -> None:
    assert ticks("15 2 * * *", "Australia/Lord_Howe", datetime(2026, 10, 3, 1, tzinfo=UTC), 2) == [
        "04 02:30+1100",
        "05 02:15+1100",
    ]
    assert ticks("45 1 * * *", "Australia/Lord_Howe", datetime(2027, 4, 3, 1, tzinfo=UTC), 2) == [
        "04 01:45+1100",
        "05 01:45+1030",
    ]


def test_weekdays_and_days_of_the_month_are_crons() -> None:
    saturday = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert ticks("0 6 * * 1-5", "UTC", saturday, 2) == ["30 06:00+0000", "01 06:00+0000"]
    assert ticks("0 6 * * 1,4", "UTC", saturday, 3) == ["30 06:00+0000", "03 06:00+0000", "07 06:00+0000"]
    assert ticks("0 6 1 * *", "UTC", saturday, 1) == ["01 06:00+0000"]


@pytest.mark.parametrize(
    ("cadence", "words"),
    [
        ("", "Five cron fields are needed"),
        ("30 2 * *", "Five cron fields are needed"),
        ("0 30 2 * * *", "Five cron fields are needed"),
        ("0 0 1," * 50 + "1 * *", "Five cron fields are needed"),
        ("* * * * *", "at most once an hour"),
        ("*/5 * * * *", "at most once an hour"),
        ("0,30 * * * *", "at most once an hour"),
        ("61 2 * * *", "Bad minute"),
        ("0 24 * * *", "Bad hour"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * * 8", "Bad day-of-week"),
        ("0 ٣ * * *", "Bad hour"),
    ],
)
def test_a_cadence_that_cannot_be_meant_is_refused_in_words(cadence: str, words: str) -> None:
    with pytest.raises(BadCadence, match=words):
        next_tick(cadence, "UTC", datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize(
    ("cron", "words", "again"),
    [
        ("30 2 * * *", "Daily at 2:30 AM", "30 2 * * *"),
        ("30 2 * * 1-5", "On weekdays at 2:30 AM", "30 2 * * 1-5"),
        ("0 18 * * 3", "On Wednesdays at 6:00 PM", "0 18 * * 3"),
        ("0 18 * * 0,6", "On Saturdays and Sundays at 6:00 PM", "0 18 * * 0,6"),
        ("0 18 * * 5,1,3,1", "On Mondays, Wednesdays and Fridays at 6:00 PM", "0 18 * * 1,3,5"),
        ("5 6 L * *", "Monthly on the last day at 6:05 AM", "5 6 L * *"),
    ],
)
def test_a_cadence_is_said_in_words_and_back(cron: str, words: str, again: str) -> None:
    plain = said(cron)
    assert plain is not None
    assert (plain.words, plain.cron) == (words, again)


@pytest.mark.parametrize("cron", ["0 6 * * 1-3", "0 6 * * 7", "0 6 * * 1,", "0 6 1 * 1,2", "0 6 31 * *", "0 */6 * * *"])
def test_what_only_cron_can_say_stays_cron(cron: str) -> None:
    assert said(cron) is None
    assert cadence_in_words(cron) == f"cron {cron}"
