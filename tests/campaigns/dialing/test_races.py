"""Callers at the same moment, in threads of their own: one person before one caller, one press one call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.dialing.calling import place_call
from campaigns.dialing.disposing import dispose, take_back
from campaigns.dialing.offering import Nobody, Offer, next_lead
from campaigns.dialing.suppressing import write
from campaigns.models import CallAttempt, Member
from campaigns.planning.audience import Audience
from campaigns.planning.refusals import CampaignError
from common.db.clock import database_now
from leads.models import Lead, Suppression
from leads.permission.suppressing import suppress
from tests.campaigns.dialing.world import call, make_floor, offer
from tests.campaigns.sending.world import number_of

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each gave, or raised."""
    barrier = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        try:
            barrier.wait(30)
            return deed()
        except CampaignError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_t16_two_callers_and_one_person(settings: Any) -> None:
    floor = make_floor(1, settings)
    floor.list()
    found = at_once(*[lambda place=place: next_lead(floor.caller(place)) for place in range(2)])
    assert Counter(type(one) for one in found) == {Offer: 1, Nobody: 1}


def test_twenty_callers_over_two_lists_that_share_people_never_meet(settings: Any) -> None:
    floor = make_floor(60, settings, callers=20)
    floor.list("One", callers=[user.pk for user in floor.callers[::2]])
    floor.list("Two", callers=[user.pk for user in floor.callers[1::2]])

    def work(place: int) -> int:
        access, calls, chance = floor.caller(place), 0, random.Random(place)
        while isinstance(found := next_lead(access), Offer):
            attempt = place_call(
                access, lead_id=found.lead.pk, member_id=found.member.pk, number=found.numbers[0].number
            )
            dispose(access, attempt.pk, code=chance.choice(["no_answer", "interested", "not_interested"]))
            calls += 1
        return calls

    made = at_once(*[lambda place=place: work(place) for place in range(20)])
    assert sum(made) == CallAttempt.objects.count() == 60  # each once: then the pause
    assert CallAttempt.objects.values("key").distinct().count() == 60
    assert not Member.objects.filter(taken_by__isnull=False).exists()
    floor.bucket.refresh_from_db()
    assert floor.bucket.contacted_leads == Lead.objects.exclude(status="new").count() == 60


def test_two_presses_on_one_person_by_hand_make_one_call(settings: Any) -> None:
    floor = make_floor(1, settings)
    Lead.objects.update(assigned_to=floor.callers[0])
    lead = floor.leads[0]
    deeds = [
        lambda access=access: place_call(access, lead_id=lead.pk, number=number_of(0))
        for access in (floor.manager, floor.caller())
    ]
    found = at_once(*deeds)
    assert sorted(type(one).__name__ for one in found) == ["CallAttempt", "Refused"]
    assert CallAttempt.objects.count() == 1


@pytest.mark.parametrize("turn", range(6))
def test_a_stop_beside_a_press_comes_before_the_call_or_after_it(settings: Any, turn: int) -> None:
    floor = make_floor(1, settings)
    floor.list()
    found = offer(floor.caller())

    def stop() -> Any:
        with transaction.atomic():
            return suppress([(1, number_of(0))], reason="stop", source=f"user:{turn}")

    call_or_no, _ = at_once(lambda: call(floor.caller(), found), stop)
    if isinstance(call_or_no, CallAttempt):
        assert call_or_no.created_at <= Suppression.objects.get().created_at or CallAttempt.objects.count() == 1
    else:
        assert not CallAttempt.objects.exists()
    assert Member.objects.get().status == Member.Status.STOPPED


@pytest.mark.parametrize("turn", range(4))
def test_a_key_is_taken_back_or_written_never_both(settings: Any, turn: int) -> None:
    floor = make_floor(1, settings)
    floor.list()
    attempt = call(floor.caller())
    dispose(floor.caller(), attempt.pk, code="do_not_call")
    CallAttempt.objects.filter(pk=attempt.pk).update(suppress_at=database_now() + timedelta(milliseconds=30 * turn))
    taken_back, written = at_once(lambda: take_back(floor.caller(), attempt.pk), lambda: write(attempt.pk))
    row = CallAttempt.objects.get(pk=attempt.pk)
    assert Suppression.objects.exists() is (row.suppressed_at is not None) is bool(written)
    assert not (written and not isinstance(taken_back, CampaignError))
    assert floor.leads[0].pk == row.lead_id


def test_a_list_closed_while_callers_ask_leaves_nobody_before_them(settings: Any) -> None:
    from campaigns.dialing.lists import close_list

    floor = make_floor(20, settings, callers=6)
    made = floor.list(audience=Audience(bucket_id=floor.bucket.pk))
    at_once(
        *[lambda place=place: next_lead(floor.caller(place)) for place in range(6)],
        lambda: close_list(floor.manager, made.pk),
    )
    assert all(isinstance(next_lead(floor.caller(place)), Nobody) for place in range(6))
    assert not Member.objects.filter(taken_by__isnull=False).exists()
