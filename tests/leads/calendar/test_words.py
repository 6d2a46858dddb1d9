"""A callback in a caller's words, by the lead's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from leads.calendar.words import read_when
from leads.rules import BadTime, moment_of, moved_forward

CHICAGO = "America/Chicago"
NOW = datetime(2026, 11, 30, 20, 0, 30, tzinfo=UTC)  # Monday, 2:00 PM in Chicago


@pytest.mark.parametrize(
    ("words", "local"),
    [
        ("tue 3pm", "12-01 15:00"),
        ("Tuesday at 3", "12-01 15:00"),
        ("TUES, 3 P.M.", "12-01 15:00"),
        ("tue 3p", "12-01 15:00"),
        ("3pm tue", "12-01 15:00"),
        ("tue 10", "12-01 10:00"),
        ("tue 8", "12-01 08:00"),
        ("tue 7:45", "12-01 19:45"),
        ("tue 07:45", "12-01 07:45"),
        ("tue 12", "12-01 12:00"),
        ("tue 12am", "12-01 00:00"),
        ("tue 330pm", "12-01 15:30"),
        ("tue 15:30", "12-01 15:30"),
        ("next tue 3pm", "12-08 15:00"),
        ("this fri 9:30 am", "12-04 09:30"),
        ("mon 3pm", "11-30 15:00"),
        ("mon 1pm", "12-07 13:00"),
        ("monday morning", "12-07 09:00"),
        ("thurs in the afternoon", "12-03 14:00"),
        ("tomorrow 9", "12-01 09:00"),
        ("tmrw 9am", "12-01 09:00"),
        ("tomorrow noon", "12-01 12:00"),
        ("tonight", "11-30 19:00"),
        ("today 4:15pm", "11-30 16:15"),
        ("3pm", "11-30 15:00"),
        ("1pm", "12-01 13:00"),
        ("noon", "12-01 12:00"),
        ("12/5 2:30pm", "12-05 14:30"),
        ("12/5/26 2pm", "12-05 14:00"),
        ("12/5/2026 @ 2 pm", "12-05 14:00"),
        ("2026-12-05 14:00", "12-05 14:00"),
        ("dec 5 3pm", "12-05 15:00"),
        ("December 5th at 10:30", "12-05 10:30"),
        ("dec. 5, 2026 10:30am", "12-05 10:30"),
        ("next week 10am", "12-07 10:00"),
        ("in 2 hours", "11-30 16:00"),
        ("2h", "11-30 16:00"),
        ("1h 30m", "11-30 15:30"),
        ("1 hour and 30 minutes", "11-30 15:30"),
        ("in half an hour", "11-30 14:30"),
        ("in an hour", "11-30 15:00"),
        ("30 min", "11-30 14:30"),
        ("in 3 days", "12-03 14:00"),
        ("in a week", "12-07 14:00"),
        ("1.5 days", "12-02 02:00"),
        ("half a day", "12-01 02:00"),
    ],
)
def test_words_mean_a_time_by_the_leads_clock(words: str, local: str) -> None:
    wanted = datetime.strptime(f"2026-{local}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(CHICAGO))
    assert read_when(words, CHICAGO, NOW) == wanted


def test_a_day_without_a_year_that_is_past_is_next_years() -> None:
    assert read_when("1/15 3pm", CHICAGO, NOW) == datetime(2027, 1, 15, 21, tzinfo=UTC)
    assert read_when("2/29 3pm", CHICAGO, NOW) == datetime(2028, 2, 29, 21, tzinfo=UTC)
    assert read_when("jan 15 3pm", "America/Phoenix", NOW) == datetime(2027, 1, 15, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "Say it like"),
        ("maybe", "Say it like"),
        ("call her 3 times", "Say it like"),
        ("tue 3pm or wed", "Say it like"),
        ("x" * 61, "Say it like"),
        ("tomorrow", "Say a time too"),
        ("next week", "Say a time too"),
        ("2/30 3pm", "There is no day"),
        ("13/1 3pm", "There is no day"),
        ("12/5/0000 3pm", "There is no day"),
        ("tue 25:00", "There is no time"),
        ("tue 13pm", "There is no time"),
        ("today 1pm", "past"),
        ("11/29/2026 3pm", "past"),
        ("12/5/2029 3pm", "two years"),
        ("in 0 minutes", "past"),
        ("in 9999 weeks", "two years"),
        ("3/14/2027 2:30am", "put forward"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(words: str, why: str) -> None:
    with pytest.raises(BadTime, match=why):
        read_when(words, CHICAGO, NOW)


def test_a_typed_time_in_the_gap_is_refused_and_a_computed_one_moves_forward() -> None:
    gap = datetime.fromisoformat("2027-03-14T02:30")
    with pytest.raises(BadTime, match="put forward"):
        moment_of(gap, CHICAGO)
    assert moved_forward(gap, CHICAGO) == datetime(2027, 3, 14, 8, 30, tzinfo=UTC)  # 3:30 AM CDT
    twice = datetime.fromisoformat("2026-11-01T01:30")
    assert moved_forward(twice, CHICAGO) == moment_of(twice, CHICAGO) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    saturday = datetime(2027, 3, 13, 2, 30, tzinfo=ZoneInfo(CHICAGO))
    assert read_when("in 1 day", CHICAGO, saturday) == datetime(2027, 3, 14, 8, 30, tzinfo=UTC)
