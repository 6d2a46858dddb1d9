"""The same lead, the same bucket, two people at once: real connections, exact counts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from buckets.services import add_ids, recount
from leads.models import Activity, Lead, Tag
from leads.services import (
    Finish,
    add_activity,
    change_status,
    edit_lead,
    finish_callback,
    finish_leads,
    set_tags,
)
from tests.leads.samples import counters, make_leads, together

pytestmark = pytest.mark.django_db(transaction=True)


def change(lead: Lead, status: str) -> None:
    change_status(lead=lead, by=lead.owner, status=status)


def test_two_people_contact_one_lead_at_once_and_it_is_counted_once() -> None:
    bucket, leads = make_leads(5)
    for lead in leads:
        assert together(partial(change, lead, "contacted"), partial(change, lead, "contacted")) == [None, None]
    assert counters(bucket) == (5, 0, 0, 5)
    assert Activity.objects.count() == 5
    assert recount() == {}


def test_opposite_changes_at_once_leave_the_count_of_whichever_came_last() -> None:
    bucket, leads = make_leads(5)
    for lead in leads:
        together(*(partial(change, lead, status) for status in ("contacted", "new", "lost", "new", "qualified")))
    contacted = Lead.objects.exclude(status="new").count()
    assert counters(bucket) == (5, 0, 0, contacted)
    for lead in Lead.objects.all():
        history = [tuple(a.text.split(" → ")) for a in lead.activities.order_by("pk")]
        assert lead.activity_count == len(history)
        assert [before for before, _ in history] == ["new", *[after for _, after in history]][: len(history)]
        assert lead.status == (history[-1][1] if history else "new")


def test_leads_of_one_bucket_change_at_once_without_waiting_for_each_other_in_a_circle() -> None:
    bucket, leads = make_leads(8)
    works = [partial(change, lead, "contacted") for lead in leads]
    assert together(*works) == [None] * 8
    assert counters(bucket) == (8, 0, 0, 8)


def test_activities_noted_at_once_are_all_counted() -> None:
    _, (lead,) = make_leads(1)
    together(*(partial(add_activity, lead=lead, by=lead.owner, kind="call") for _ in range(8)))
    lead.refresh_from_db()
    assert (lead.activity_count, Activity.objects.count()) == (8, 8)


def test_callbacks_set_at_once_leave_the_one_that_was_noted_last() -> None:
    _, leads = make_leads(4)
    days = [timezone.now() + timedelta(days=n) for n in range(1, 7)]
    for lead in leads:
        together(*(partial(add_activity, lead=lead, by=lead.owner, kind="callback", due_at=day) for day in days))
        lead.refresh_from_db()
        noted = list(lead.activities.order_by("pk").values_list("due_at", flat=True))
        assert (sorted(filter(None, noted)), lead.activity_count) == (days, 6)
        assert lead.callback_at == noted[-1]


def test_a_callback_finished_by_many_at_once_is_finished_once() -> None:
    make_leads(4)
    Lead.objects.update(callback_at=timezone.now() + timedelta(days=1))
    for lead in Lead.objects.all():
        done = together(*(partial(finish_callback, lead=lead, by=lead.owner) for _ in range(6)))
        assert sorted(done) == [False] * 5 + [True]
        assert lead.activities.count() == 1
    assert not Lead.objects.to_call_back().exists()


def test_a_callback_moved_and_finished_at_once_is_either_and_the_history_says_which() -> None:
    make_leads(8)
    tomorrow = timezone.now() + timedelta(days=1)
    later = tomorrow + timedelta(days=1)
    Lead.objects.update(callback_at=tomorrow)
    for lead in Lead.objects.all():
        move = partial(add_activity, lead=lead, by=lead.owner, kind="callback", due_at=later)
        _, is_finished = together(move, partial(finish_callback, lead=lead, by=lead.owner))
        lead.refresh_from_db()
        assert lead.callback_at == later  # moved before, it is not the one that was to be finished
        texts = list(lead.activities.order_by("pk").values_list("text", flat=True))
        assert texts == (["Done", ""] if is_finished else [""])


def test_a_persons_change_and_a_purchase_meet_on_one_lead() -> None:
    bucket, (lead,) = make_leads(1)
    Lead.objects.update(phone="+15125550100")

    def finish() -> int:
        with transaction.atomic():
            return finish_leads([Finish(lead.pk)])[1]

    moved, grown = together(
        partial(edit_lead, lead=lead, by=lead.owner, changes={"status": "contacted", "first_name": "Ada"}), finish
    )
    lead.refresh_from_db()
    assert (lead.status, lead.first_name, lead.enrichment_status, grown) == ("contacted", "Ada", "completed", 1)
    assert counters(bucket)[3] == 1
    assert not isinstance(moved, Exception)


def test_the_same_ids_saved_by_two_at_once_are_saved_once() -> None:
    bucket, _ = make_leads(1)
    ids = [str(n) for n in range(2, 3002)]
    first, second = together(
        partial(add_ids, bucket=bucket, property_ids=ids), partial(add_ids, bucket=bucket, property_ids=ids[1500:])
    )
    assert first + second == 3000
    assert counters(bucket) == (3001, 0, 0, 0)
    assert Lead.objects.count() == 3001


def test_the_same_ids_in_opposite_orders_at_once_are_saved_once() -> None:
    bucket, _ = make_leads(1)
    ids = [str(n) for n in range(2, 20_002)]
    results = together(
        partial(add_ids, bucket=bucket, property_ids=ids), partial(add_ids, bucket=bucket, property_ids=ids[::-1])
    )
    assert sum(results) == 20_000
    assert counters(bucket) == (20_001, 0, 0, 0)


def test_a_recount_while_leads_come_in_finds_no_drift() -> None:
    bucket, _ = make_leads(1)
    ids = [str(n) for n in range(2, 2002)]
    adding = [partial(add_ids, bucket=bucket, property_ids=ids[n::4]) for n in range(4)]
    results = together(*adding, recount, recount)
    assert results[4:] == [{}, {}]
    assert counters(bucket)[0] == 2001


def test_the_same_new_tag_set_by_two_at_once_is_made_once() -> None:
    _, leads = make_leads(2)
    together(*(partial(set_tags, lead=lead, names=["Vacant", "Hot"]) for lead in leads))
    assert Tag.objects.count() == 2
    assert [lead.tags.count() for lead in leads] == [2, 2]
