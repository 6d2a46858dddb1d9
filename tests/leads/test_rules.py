"""A time by a person's own clock, across the days on which it is put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.rules import BadTime, moment_of

NEW_YORK = "America/New_York"  # forward on 14 March 2027 at 02:00, back on 7 November 2027 at 02:00
at = datetime.fromisoformat


@pytest.mark.parametrize(
    ("shown", "utc"),
    [
        (at("2027-01-30 14:30"), at("2027-01-30 19:30")),
        (at("2027-07-01 14:30"), at("2027-07-01 18:30")),
        (at("2027-03-14 01:59"), at("2027-03-14 06:59")),
        (at("2027-03-14 03:00"), at("2027-03-14 07:00")),
        (at("2027-11-07 01:30"), at("2027-11-07 05:30")),  # the first of the two
        (at("2027-11-07 01:30").replace(fold=1), at("2027-11-07 05:30")),
        (at("2027-11-07 02:00"), at("2027-11-07 07:00")),
    ],
)
def test_a_time_is_by_the_clock_of_its_zone(shown: datetime, utc: datetime) -> None:
    assert moment_of(shown, NEW_YORK) == utc.replace(tzinfo=UTC)


def test_a_time_that_names_its_own_offset_is_taken_at_its_word() -> None:
    assert moment_of(at("2027-01-30 14:30+05:30"), NEW_YORK) == at("2027-01-30 09:00Z")


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_the_clock_is_put_forward_over_is_refused_in_words(minute: int) -> None:
    with pytest.raises(BadTime, match=f"There is no 2:{minute:02} AM on that day in America/New_York"):
        moment_of(at(f"2027-03-14 02:{minute:02}"), NEW_YORK)


@pytest.mark.parametrize(("time", "zone"), [(at("0001-01-01 00:00"), "Asia/Tokyo"), (at("9999-12-31 23:59"), NEW_YORK)])
def test_a_time_beyond_the_calendar_is_refused(time: datetime, zone: str) -> None:
    with pytest.raises(BadTime):
        moment_of(time, zone)
