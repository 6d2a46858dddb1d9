"""The one open callback of a lead: set, moved, answered, finished; on its page and in the list."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from common.dates import moment
from leads.calendar.planning import AHEAD as CALLBACK_AHEAD
from leads.listing.saved_views import save_view
from leads.models import Activity, Lead
from leads.rules import BadTime
from leads.services import add_activity, finish_callback
from tests.admin_site import address, staff, superuser, words
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db
PHOENIX = "America/Phoenix"  # seven hours behind UTC, all the year
WORK = {"do": "work", "status": "new", "was": "new", "kind": "callback", "text": "", "due_at": "", "seen": "0"}


@pytest.fixture
def ann() -> Any:
    return staff("ann", time_zone=PHOENIX)


@pytest.fixture
def lead(ann: Any) -> Lead:
    return make_leads(1, by=ann[0])[1][0]


def ahead(**delta: float) -> datetime:
    return (timezone.now() + timedelta(**delta)).replace(second=0, microsecond=0)


def call_back(lead: Lead, due_at: datetime, **more: Any) -> Activity:
    return add_activity(lead=lead, by=lead.owner, kind="callback", due_at=due_at, **more)


def is_due(lead: Lead, days: int = 1) -> datetime:
    """Lets the lead's callback be one that waits since so many days."""
    past = ahead(days=-days)
    Lead.objects.filter(pk=lead.pk).update(callback_at=past)
    lead.refresh_from_db()
    return past


def stands(lead: Lead) -> datetime | None:
    lead.refresh_from_db()
    return lead.callback_at


def history(lead: Lead) -> list[tuple[Any, ...]]:
    return list(lead.activities.order_by("pk").values_list("kind", "text", "due_at"))


def test_a_callback_is_set_and_moved_and_the_history_says_both(lead):
    monday, tuesday = ahead(days=3), ahead(days=4)
    call_back(lead, monday, text="Ring before lunch")
    assert stands(lead) == monday

    call_back(lead, tuesday)

    assert stands(lead) == tuesday
    assert history(lead) == [("callback", "Ring before lunch", monday), ("callback", "", tuesday)]
    assert lead.activity_count == 2


def test_a_time_without_a_zone_is_by_the_clock_of_who_notes_it(lead):
    due = ahead(days=3)

    call_back(lead, due.astimezone(ZoneInfo(PHOENIX)).replace(tzinfo=None))

    assert stands(lead) == due


def test_a_callback_without_a_time_is_noted_and_moves_nothing(lead):
    due = ahead(days=1)
    call_back(lead, due)

    add_activity(lead=lead, by=lead.owner, kind="callback", text="They rang us")

    assert stands(lead) == due
    assert history(lead)[1:] == [("callback", "They rang us", None)]


@pytest.mark.parametrize(
    ("kind", "due", "said"),
    [
        ("callback", timedelta(seconds=-1), "past"),
        ("callback", -CALLBACK_AHEAD, "past"),
        ("callback", CALLBACK_AHEAD + timedelta(minutes=1), "two years"),
        ("call", timedelta(days=1), "Only a callback"),
        ("note", timedelta(days=1), "Only a callback"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_changes(lead, kind, due, said):
    stays = ahead(days=1)
    call_back(lead, stays)

    with pytest.raises(BadTime, match=said):
        add_activity(lead=lead, by=lead.owner, kind=kind, text="x", due_at=timezone.now() + due)

    assert (stands(lead), lead.activity_count, len(history(lead))) == (stays, 1, 1)


def test_two_years_ahead_is_not_too_far(lead):
    call_back(lead, timezone.now() + CALLBACK_AHEAD)

    assert stands(lead) is not None


@pytest.mark.parametrize(
    ("kind", "answers"), [("call", True), ("sms", True), ("email", True), ("note", False), ("callback", False)]
)
def test_what_answers_a_callback_that_is_due(lead, kind, answers):
    due = is_due(lead)

    add_activity(lead=lead, by=lead.owner, kind=kind, text="x")

    assert stands(lead) == (None if answers else due)


@pytest.mark.parametrize("kind", ["call", "sms", "email"])
def test_before_it_is_due_nothing_answers_it(lead, kind):
    due = ahead(hours=1)
    call_back(lead, due)

    add_activity(lead=lead, by=lead.owner, kind=kind, text="No answer")

    assert stands(lead) == due


def test_it_is_finished_once_and_noted_once(lead):
    assert not finish_callback(lead=lead, by=lead.owner)
    call_back(lead, ahead(days=1))
    lead.refresh_from_db()

    assert [finish_callback(lead=lead, by=lead.owner) for _ in range(2)] == [True, False]

    assert stands(lead) is None
    assert [(kind, text) for kind, text, _ in history(lead)] == [("callback", ""), ("callback", "Done")]
    assert lead.activity_count == 2


def test_who_looks_at_an_old_one_does_not_finish_the_new_one(lead):
    call_back(lead, ahead(days=1))
    old = Lead.objects.get(pk=lead.pk)
    moved = ahead(days=2)
    call_back(lead, moved)

    assert not finish_callback(lead=old, by=lead.owner)

    assert (stands(lead), lead.activity_count) == (moved, 2)


def test_a_button_pressed_twice_notes_once_and_another_time_is_another_callback(lead):
    first, other = ahead(days=1), ahead(days=2)
    for due in (first, first, other, other):
        call_back(lead, due, text="Ring", seen=0)

    assert [due for _, _, due in history(lead)] == [first, other]
    assert (stands(lead), lead.activity_count) == (other, 2)


def test_a_second_press_does_not_answer_what_came_after_the_first(lead):
    for _ in range(2):
        is_due(lead)
        add_activity(lead=lead, by=lead.owner, kind="call", text="Spoke", seen=0)

    assert stands(lead) is not None
    assert lead.activity_count == 1


# --- On its page ------------------------------------------------------------------------------------------------------


def post(client: Any, lead: Lead, **data: Any) -> Any:
    client.cookies.pop("messages", None)
    return client.post(address(Lead, "change", lead.pk), data)


def shown(client: Any, lead: Lead) -> str:
    return " ".join(client.get(address(Lead, "change", lead.pk)).content.decode().split())


def by_clock(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(PHOENIX))


def test_the_form_takes_a_time_by_the_persons_clock_and_the_page_says_it(ann, lead):
    due = ahead(days=3)

    answer = post(ann[1], lead, **WORK | {"due_at": f"{by_clock(due):%Y-%m-%dT%H:%M}", "text": "After work"})

    assert (answer.status_code, stands(lead)) == (302, due)
    page = shown(ann[1], lead)
    said = moment(due, PHOENIX)
    assert said.endswith(" MST")
    assert f"{said}</time>" in page
    assert f"call back at {said}" in page
    assert "Overdue" not in page
    is_due(lead)
    assert "Overdue" in shown(ann[1], lead)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"due_at": ""}, "Enter when to call back."),
        ({"due_at": "soon"}, "Enter a date and a time"),
        ({"due_at": "2020-01-30T14:30"}, "This time is past."),
        ({"due_at": "2190-01-30T14:30"}, "more than two years ahead"),
        ({"due_at": "9999-12-31T23:59"}, "There is no such time."),
        ({"due_at": "2030-01-30T14:30", "kind": "call"}, "Only a callback has a time"),
        ({"due_at": "2030-01-30T14:30", "kind": "note", "status": "lost"}, "Only a callback has a time"),
        ({"due_at": "a\x00b"}, "Enter a date and a time"),
    ],
)
def test_a_time_that_is_wrong_is_said_at_its_field_and_changes_nothing(ann, lead, wrong, said):
    answer = post(ann[1], lead, **WORK | {"text": "x"} | wrong)

    assert answer.status_code == 200
    assert said in " ".join(answer.context["work"].errors["due_at"])
    assert (stands(lead), lead.status, history(lead)) == (None, "new", [])


def test_a_time_that_the_clock_is_put_forward_over_is_refused_on_the_page(ann, lead):
    User.objects.filter(pk=ann[0].pk).update(time_zone="America/New_York")
    days = (date(timezone.now().year + 1, 3, day) for day in range(8, 15))
    second_sunday = next(day for day in days if day.weekday() == 6)

    answer = post(ann[1], lead, **WORK | {"due_at": f"{second_sunday}T02:30"})

    assert "There is no 2:30 AM on that day" in answer.context["work"].errors["due_at"][0]
    assert stands(lead) is None


def test_done_is_pressed_once_twice_and_on_an_old_page(ann, lead):
    due = is_due(lead)
    done = {"do": "done", "due": due.isoformat()}
    assert f'value="{due.isoformat()}"' in shown(ann[1], lead)

    assert words(post(ann[1], lead, **done)) == ["Callback done."]
    assert words(post(ann[1], lead, **done)) == ["This callback was already done or moved."]
    moved = is_due(lead, 2)
    assert words(post(ann[1], lead, **done)) == ["This callback was already done or moved."]
    post(ann[1], lead, do="done", due="x")

    assert stands(lead) == moved
    assert [(kind, text) for kind, text, _ in history(lead)] == [("callback", "Done")]


def test_nobody_sets_or_finishes_the_callback_of_somebody_elses_lead(ann, lead):
    due = is_due(lead)
    bob = staff("bob")[1]

    for data in (WORK | {"due_at": "2190-01-30T14:30"}, {"do": "done", "due": due.isoformat()}):
        assert post(bob, lead, **data).status_code == 404
    assert (stands(lead), history(lead)) == (due, [])


# --- In the list ------------------------------------------------------------------------------------------------------


def found(client: Any, callback: str) -> set[str]:
    page = client.get(address(Lead, "changelist"), {"callback": callback})
    assert page.status_code == 200
    return {lead.property_id for lead in page.context["cl"].result_list}


def test_the_list_shows_what_is_due_what_comes_today_and_all(ann, monkeypatch):
    """At 20:00 in Phoenix it is tomorrow in London already: the day ends by Ann's clock."""
    leads = make_leads(5, by=ann[0])[1]
    now = by_clock(timezone.now()).replace(hour=20, minute=0, second=0, microsecond=0)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    times = [now - timedelta(minutes=1), now + timedelta(hours=3, minutes=59), now + timedelta(hours=4), None]
    for lead, time in zip(leads, times, strict=False):
        Lead.objects.filter(pk=lead.pk).update(callback_at=time)

    assert (found(ann[1], "due"), found(ann[1], "today"), found(ann[1], "any")) == ({"1"}, {"1", "2"}, {"1", "2", "3"})
    page = ann[1].get(address(Lead, "changelist"), {"callback": "any"}).content.decode()
    assert moment(times[0], PHOENIX) in page
    assert moment(times[0], PHOENIX) not in ann[1].get(address(Lead, "changelist")).content.decode()
    assert save_view(by=ann[0], name="Today", query="callback=today").query == "callback=today"


def test_a_superuser_sees_their_own_callbacks_in_the_list_as_on_home(ann):
    is_due(make_leads(1, by=ann[0])[1][0])
    boss, client = superuser()
    is_due(make_leads(1, by=boss, first=7)[1][0])

    assert found(client, "any") == {"7"}


def test_a_filter_that_is_none_is_refused_without_a_crash(ann):
    page = ann[1].get(address(Lead, "changelist"), {"callback": "soon"})

    assert list(page.context["cl"].result_list) == []
    assert "My callbacks: this filter cannot be read, so no lead is shown." in page.content.decode()
