"""When the next step is due: business days, the recipient's clock, closed days, the clock changes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.rules.steps import JITTER_SECONDS, Delay, after, next_open, shown
from tests.campaigns.rules.table import A, B, P, shipped, table, utc

NO_HOLIDAYS = shipped(holidays=False)
ONE_BUSINESS_DAY = Delay(1, "business_days")


def due(delay: Delay, moment: str, where=B, *, rules=NO_HOLIDAYS, **how):
    return after(delay, utc(moment), where[0], where[1], rules, **how)


@pytest.mark.parametrize(
    ("delay", "moment", "where", "expected"),
    [
        # T14: Friday 17:00 in New York, one business day: Monday 17:00, not Saturday, not 08:00
        (ONE_BUSINESS_DAY, "2026-09-18T21:00Z", B, "2026-09-21T21:00Z"),
        (Delay(3, "business_days"), "2026-09-16T15:30Z", B, "2026-09-21T15:30Z"),
        (Delay(2, "days"), "2026-09-18T21:00Z", B, "2026-09-20T21:00Z"),  # Sundays are open in Massachusetts
        (Delay(2, "days"), "2026-09-18T21:00Z", (("America/Chicago",), ("AL",)), "2026-09-21T13:00Z"),  # not in Alabama
        (Delay(0, "minutes"), "2026-09-18T21:00Z", B, "2026-09-18T21:00Z"),
        (Delay(90, "minutes"), "2026-09-18T23:00Z", B, "2026-09-19T12:00Z"),  # 20:30 is too late
        (Delay(20, "hours"), "2026-09-18T21:00Z", B, "2026-09-19T17:00Z"),
        (Delay(1, "days", time(10)), "2026-09-18T12:30Z", B, "2026-09-19T14:00Z"),
        (Delay(1, "days", time(10)), "2026-09-18T21:00Z", B, "2026-09-20T14:00Z"),  # 17:00 is past 10:00
        (Delay(1, "days"), "2026-03-07T21:00Z", B, "2026-03-08T20:00Z"),  # 16:00 on both days
        (Delay(1, "days"), "2026-10-31T20:00Z", B, "2026-11-01T21:00Z"),
        (Delay(24, "hours"), "2026-10-31T20:00Z", B, "2026-11-01T20:00Z"),  # hours elapse
        (Delay(1, "days"), "2026-09-15T22:00Z", P, "2026-09-16T22:00Z"),
    ],
)
def test_when_a_step_falls_due(delay, moment, where, expected):
    assert due(delay, moment, where) == utc(expected)


def test_business_days_skip_the_holidays_of_a_state_that_closes_on_them():
    pioneer = (("America/Denver",), ("UT",))
    assert due(ONE_BUSINESS_DAY, "2026-07-23T16:00Z", pioneer, rules=table()) == utc("2026-07-27T16:00Z")
    assert due(ONE_BUSINESS_DAY, "2026-07-23T16:00Z", A, rules=table()) == utc("2026-07-24T16:00Z")


def test_the_campaigns_weekdays_and_the_vendors_margin_move_it():
    mondays = (time(9), time(10), (0,))
    assert due(Delay(1, "days"), "2026-09-15T16:00Z", window=mondays) == utc("2026-09-21T13:00Z")
    assert due(Delay(0, "minutes"), "2026-09-15T23:50Z", margin=15) == utc("2026-09-16T12:00Z")
    assert due(Delay(0, "minutes"), "2026-09-15T23:45Z", margin=15) == utc("2026-09-15T23:45Z")
    assert due(Delay(0, "minutes"), "2026-09-15T23:45:01Z", margin=15) == utc("2026-09-16T12:00Z")
    assert due(Delay(0, "minutes"), "2026-09-15T23:59:59Z") == utc("2026-09-15T23:59:59Z")
    assert due(Delay(0, "minutes"), "2026-09-15T16:00Z", window=(time(22), time(23), (0,))) is None


def test_next_open_of_several_places_is_open_in_all():
    both = (("America/New_York", "America/Phoenix"), ("AZ", "MA"))
    assert next_open(utc("2026-09-15T10:00Z"), *both, NO_HOLIDAYS) == utc("2026-09-15T15:00Z")
    assert next_open(utc("2026-09-15T15:00:01Z"), *both, NO_HOLIDAYS) == utc("2026-09-15T15:00:01Z")
    assert next_open(utc("2026-09-15T10:00Z"), (), (), NO_HOLIDAYS) == utc("2026-09-15T20:00Z")  # 10:00 in Honolulu
    island = (("Pacific/Honolulu",), ("HI",))  # its hours reach over midnight UTC
    assert next_open(utc("2026-09-16T06:45Z"), *island, NO_HOLIDAYS, margin=15) == utc("2026-09-16T06:45Z")
    assert next_open(utc("2026-09-15T23:50Z"), *island, NO_HOLIDAYS, margin=300) == utc("2026-09-15T23:50Z")


def test_jitter_spreads_a_bucket_over_twenty_minutes_and_is_the_same_each_time():
    opens = utc("2026-09-16T12:00Z")
    drawn = [due(Delay(1, "days"), "2026-09-15T06:00Z", jitter=f"member-{number}") for number in range(500)]
    assert drawn == [due(Delay(1, "days"), "2026-09-15T06:00Z", jitter=f"member-{number}") for number in range(500)]
    seconds = [(moment - opens).total_seconds() for moment in drawn if moment]
    assert len(seconds) == 500
    assert 0 <= min(seconds) < 60
    assert JITTER_SECONDS - 60 < max(seconds) < JITTER_SECONDS
    assert max(Counter(second // 60 for second in seconds).values()) < 50
    late = due(Delay(0, "minutes"), "2026-09-15T23:59Z", jitter="member-7")  # one minute before the close
    assert late == utc("2026-09-15T23:59Z")


def test_a_computed_time_that_the_clock_skips_moves_forward_and_one_shown_twice_is_the_first():
    zone = ZoneInfo("America/New_York")
    assert shown(datetime(2026, 3, 8, 2, 30), zone) == utc("2026-03-08T07:30Z")  # noqa: DTZ001  # 03:30 EDT
    assert shown(datetime(2026, 11, 1, 1, 30), zone) == utc("2026-11-01T05:30Z")  # noqa: DTZ001  # EDT
    assert shown(datetime(2026, 3, 8, 1, 59), zone) + timedelta(minutes=1) == utc("2026-03-08T07:00Z")  # noqa: DTZ001
