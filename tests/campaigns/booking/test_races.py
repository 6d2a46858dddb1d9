"""Many at one calendar: real connections, one holds, nobody waits for another in a circle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from campaigns import clock
from campaigns.booking import booking
from campaigns.booking.booking import Guest, SlotTaken
from campaigns.models import BookingPage
from leads.calendar import planning
from leads.models import Event
from tests.campaigns.booking.samples import make_host, post, slots
from tests.leads.samples import together

pytestmark = pytest.mark.django_db(transaction=True)
GUESTS = 20


def impatient(work: Callable[[], Any]) -> Any:
    """PostgreSQL ends whatever waits for a lock for a second."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    return work()


def disjoint() -> bool:
    hours = Event.objects.filter(status__in=Event.OPEN).order_by("starts_at").values_list("starts_at", "ends_at")
    return all(before[1] <= after[0] for before, after in pairwise(hours))


@pytest.mark.long
def test_of_twenty_guests_one_holds_the_slot_and_the_others_are_told_it_is_taken(settings: Any) -> None:
    settings.NUM_PROXIES = 1
    page = make_host()
    slot = slots(page)[0]
    asks = [partial(post, page, slot, f"g{n}@example.com", ip=f"203.0.113.{n}") for n in range(GUESTS)]
    answers = together(*asks)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: GUESTS - 1}
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409} == {"SLOT_TAKEN"}
    assert Event.objects.count() == 1


@pytest.mark.long
def test_of_two_hundred_guests_from_two_hundred_addresses_one_holds_and_nobody_waits_a_second(settings: Any) -> None:
    settings.NUM_PROXIES = 1
    page = make_host()
    slot = slots(page)[0]
    answers = []
    for crowd in range(10):  # of twenty at a time: as many connections as a test has
        numbers = range(20 * crowd, 20 * crowd + 20)
        asks = [
            partial(impatient, partial(post, page, slot, f"g{n}@example.com", ip=f"10.0.{crowd}.{n}")) for n in numbers
        ]
        answers += together(*asks)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    assert Event.objects.count() == 1


def test_overlapping_starts_make_no_circle() -> None:
    page = make_host()
    first = booking.offered(page)[0]

    def ask(n: int) -> Any:
        try:
            return planning.plan(
                by=page.user, team_id=page.team_id, owner=page.user, kind="appointment", minutes=60,
                starts_at=first + timedelta(minutes=15 * n), now=clock.now(),
            )  # fmt: skip
        except planning.SlotTaken as error:
            return error

    answers = together(*(partial(ask, n % 8) for n in range(GUESTS)))
    assert {type(answer) for answer in answers} == {Event, planning.SlotTaken}
    assert disjoint()


def held(page: BookingPage, at: Any, n: int) -> Event | None:
    return booking.book(page=page, at=at, guest=Guest(f"G {n}", f"g{n}@example.com"))


def test_moving_against_booking_leaves_one_of_both_in_the_slot() -> None:
    page = make_host()
    free = booking.offered(page)
    for turn in range(5):
        mine, wanted = free[2 * turn], free[2 * turn + 1]
        event = held(page, mine, 100 + turn)
        assert event is not None
        booking.confirm(event=event)
        moved, asked = together(
            partial(booking.move, page=page, event=Event.objects.get(pk=event.pk), at=wanted),
            partial(held, page, wanted, turn),
        )
        assert {type(moved), type(asked)} == {Event, SlotTaken}
        assert disjoint()


def test_a_link_pressed_by_two_at_once_stands_once(settings: Any) -> None:
    page = make_host()
    event = held(page, booking.offered(page)[0], 1)
    assert event is not None
    answers = together(*(partial(booking.confirm, event=event) for _ in range(4)))
    assert {answer.status for answer in answers} == {"planned"}
    assert Event.objects.get().mail == "request"
