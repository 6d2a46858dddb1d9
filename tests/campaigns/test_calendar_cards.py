"""Where an event stands on a day of the calendar: over midnight, all day, and where the clock moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.admin.calendar_cards import card_of, hours_of, placed_in
from leads.models import Event

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2027, 3, 1, tzinfo=UTC)


def cards(starts: str, minutes: int) -> list[tuple[str, str, float, float, bool]]:
    """What of an event stands on its day and the two after."""
    at = datetime.fromisoformat(starts).replace(tzinfo=NEW_YORK).astimezone(ZoneInfo("UTC"))
    event = Event(kind="reminder", title="x", starts_at=at, ends_at=at + timedelta(minutes=minutes))
    days = [date.fromisoformat(starts[:10]) + timedelta(days=n) for n in range(3)]
    found = [(day, card_of(event, day, NEW_YORK, (), str, NOW)) for day in days]
    return [(f"{day:%a}", one.when, one.top, one.bottom, one.may_move) for day, one in found if one]


@pytest.mark.parametrize(
    ("starts", "minutes", "shown"),
    [
        ("2027-03-10T10:00", 30, [("Wed", "10:00 AM EST", 600, 630, True)]),
        (
            "2027-03-09T22:30",
            180,
            [("Tue", "10:30 PM EST", 1350, 1440, True), ("Wed", "since Tue 10:30 PM", 0, 90, False)],
        ),
        ("2027-03-09T23:00", 60, [("Tue", "11:00 PM EST", 1380, 1440, True)]),
        ("2027-03-12T00:00", 1440, [("Fri", "All day", 0, 1440, True)]),
        ("2027-03-14T01:30", 60, [("Sun", "1:30 AM EST", 90, 210, True)]),  # put forward: until 3:30
        ("2027-11-07T01:30", 60, [("Sun", "1:30 AM EDT", 90, 90, True)]),  # put back: until 1:30 again
    ],
)
def test_an_event_stands_on_each_of_its_days(starts: str, minutes: int, shown: object) -> None:
    assert cards(starts, minutes) == shown


def test_a_whole_day_stretches_no_hours_and_only_what_overlaps_shares_the_width() -> None:
    day = date(2027, 3, 10)
    found = []
    for start, minutes in (("00:00", 1440), ("10:00", 60), ("10:30", 60), ("13:00", 15)):
        at = datetime.fromisoformat(f"2027-03-10T{start}").replace(tzinfo=NEW_YORK)
        event = Event(kind="reminder", title=start, starts_at=at, ends_at=at + timedelta(minutes=minutes))
        card = card_of(event, day, NEW_YORK, (), str, NOW)
        assert card is not None
        found.append(card)
    assert hours_of(found) == (8, 19)
    whole, *rest = placed_in(found, (8, 19))
    assert (whole.top, whole.height, whole.lanes) == (0, 11 * 48, 3)
    assert [(one.lane, one.lanes) for one in placed_in(found[1:], (8, 19))] == [(0, 2), (1, 2), (0, 1)]
    assert [one.top for one in rest] == [96, 120, 240]
