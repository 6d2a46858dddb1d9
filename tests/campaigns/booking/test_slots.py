"""T17: slots on the days the clock moves, and a feed without half a time zone."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest
from django.test import Client
from icalendar import Calendar

from accounts.access import own_access
from campaigns.booking import feeds
from campaigns.booking.slots import Opening, free_of, slots_of
from leads.calendar import planning
from leads.models import Event
from tests.campaigns.booking.samples import NEW_YORK, at, make_host, post, slots

AFTERNOON = [Opening(day, time(13), time(18)) for day in range(7)]
NIGHT = [Opening(day, time(1), time(4)) for day in range(7)]


@pytest.mark.parametrize(
    ("openings", "day", "starts"),
    [
        (AFTERNOON, "2026-03-07", ["18:00", "19:00", "20:00", "21:00", "22:00"]),
        (AFTERNOON, "2026-03-08", ["17:00", "18:00", "19:00", "20:00", "21:00"]),
        (AFTERNOON, "2026-11-01", ["18:00", "19:00", "20:00", "21:00", "22:00"]),
        (NIGHT, "2026-03-08", ["06:00", "07:00"]),  # 2:00 does not exist
        (NIGHT, "2026-11-01", ["05:00", "07:00", "08:00"]),  # the repeated hour is not offered twice
    ],
)
def test_t17_slots_stand_in_the_wall_time_of_each_day(openings: Any, day: str, starts: list[str]) -> None:
    found = slots_of(date.fromisoformat(day), openings, zone=NEW_YORK, minutes=60)
    assert found == [at(f"{day} {start}") for start in starts]


def test_a_day_without_hours_and_what_does_not_fit_are_no_slots() -> None:
    monday = [Opening(0, time(9), time(10, 30))]
    assert slots_of(date(2026, 3, 10), monday, zone=NEW_YORK, minutes=60) == []
    assert slots_of(date(2026, 3, 9), monday, zone=NEW_YORK, minutes=60) == [at("2026-03-09 13:00")]
    assert slots_of(date(2026, 3, 9), monday, zone=NEW_YORK, minutes=120) == []


def test_half_open_hours_with_a_buffer_before_and_after() -> None:
    starts = [at(f"2026-03-09 {hour}:00") for hour in (13, 14, 15, 16)]
    taken = [(at("2026-03-09 14:00"), at("2026-03-09 15:00"))]

    def free(buffer: int, since: datetime = starts[0]) -> list[int]:
        found = free_of(starts, taken, minutes=60, buffer_minutes=buffer, not_before=since)
        return [one.hour for one in found]

    assert free(0) == [13, 15, 16]
    assert free(15) == [16]
    assert free(0, starts[2]) == [15, 16]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("today", "hours", "day", "count"),
    [("2026-03-07", (13, 18), "2026-03-08", 5), ("2026-03-07", (1, 4), "2026-03-08", 2),
     ("2026-10-31", (1, 4), "2026-11-01", 3)],
)  # fmt: skip
def test_t17_what_is_offered_can_be_booked(
    settings: Any, today: str, hours: tuple[int, int], day: str, count: int
) -> None:
    settings.CAMPAIGN_CLOCK = (at(f"{today} 12:00"), 1)
    page = make_host(start=hours[0], end=hours[1], days_ahead=1)
    offered = [slot for slot in slots(page) if slot.startswith(day)]
    assert len(offered) == count
    assert [post(page, slot, f"pat{n}@example.com").status_code for n, slot in enumerate(offered)] == [201] * count
    assert set(slots(page)).isdisjoint(offered)


@pytest.mark.django_db
def test_t17_the_feed_is_utc_folded_and_the_same_at_each_fetch(settings: Any) -> None:
    settings.CAMPAIGN_CLOCK = (at("2026-03-01 00:00"), 1)
    page = make_host()
    title = "Rückruf – O’Neil; 12, Main"
    planning.plan(
        by=page.user, team_id=page.team_id, owner=page.user, kind="appointment",
        starts_at=datetime.fromisoformat("2026-03-08T13:00"), minutes=60, title=title * 3,
        now=at("2026-03-01 00:00"),
    )  # fmt: skip
    _, token = feeds.make(access=own_access(page.user), with_names=True)
    first, second = (Client().get(f"/calendar/{token}.ics") for _ in range(2))

    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert first.content == second.content and first.headers["ETag"] == second.headers["ETag"]
    lines = first.content.split(b"\r\n")
    assert b"DTSTART:20260308T170000Z" in lines and b"DTEND:20260308T180000Z" in lines
    assert b"\n" not in b"".join(lines) and max(map(len, lines)) <= 75
    assert b"VTIMEZONE" not in first.content and b"TZID" not in first.content
    event: Any
    (event,) = Calendar.from_ical(first.content.decode()).walk("VEVENT")
    assert event["SUMMARY"] == title * 3
    assert event["UID"] == f"{Event.objects.get().pk}@buckets.example.com"
    assert (event["CLASS"], event["STATUS"], int(event["SEQUENCE"])) == ("PRIVATE", "CONFIRMED", 0)
    (alarm,) = event.walk("VALARM")
    assert alarm["TRIGGER"].to_ical() == b"-PT10M"
    again = Client().get(f"/calendar/{token}.ics", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
