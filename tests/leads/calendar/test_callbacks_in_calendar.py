"""A lead's callback stands in the calendar, and its copy on the lead says the same, whatever happens to the lead."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.access import own_access
from accounts.models import Membership, Notification, User
from accounts.notices.mailing import mail_notices
from buckets.deleting.services import delete_bucket
from campaigns.models import ClockSetting
from campaigns.sending.contacted import Contacted, note_contacts
from common.db.ids import uuid7
from enrichment.worker.lead_deletion import delete_lead
from leads.calendar import clock as calendar_clock
from leads.calendar import planning, reminding
from leads.calendar.planning import EventClosed
from leads.merging.services import merge_bucket, separate
from leads.models import Activity, Event, Lead
from leads.privacy.places import Her
from leads.rules import BadTime
from leads.selection.assignment import assign_leads
from leads.services import add_activity, finish_callback
from operations.reconcile import find_drift
from tests.leads.samples import make_leads, together
from tests.leads.test_merging import twice

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=3)


def soon(**delta: float) -> datetime:
    return (timezone.now() + timedelta(**delta)).replace(microsecond=0)


def callback(lead: Lead, at: datetime, **more: Any) -> None:
    add_activity(lead=lead, by=lead.owner, kind="callback", due_at=at, **more)


def planned() -> list[Event]:
    return list(Event.objects.filter(kind="callback", status="planned").order_by("starts_at"))


def drift() -> list[str]:
    return [str(one) for one in find_drift() if one.check == "callback"]


@pytest.fixture
def leads() -> list[Lead]:
    return make_leads(3)[1]


def test_setting_moving_and_finishing_one_keeps_one_event(leads: list[Lead]) -> None:
    lead, tomorrow, later = leads[0], soon(days=1), soon(days=2)
    callback(lead, tomorrow, text="After work")
    (event,) = planned()
    assert (event.owner, event.lead, event.starts_at, event.note) == (lead.owner, lead, tomorrow, "After work")
    assert event.ends_at - event.starts_at == timedelta(minutes=15)
    callback(lead, later)
    (moved,) = planned()
    assert (moved.pk, moved.starts_at, moved.sequence) == (event.pk, later, 1)
    assert drift() == []
    lead.refresh_from_db()
    assert finish_callback(lead=lead, by=lead.owner)
    assert [one.status for one in Event.objects.all()] == ["done"] and drift() == []


def test_what_is_done_in_the_calendar_shows_on_the_lead(leads: list[Lead]) -> None:
    lead, at = leads[0], soon(days=1)
    said: dict[str, Any] = {"by": lead.owner, "team_id": lead.team_id, "owner": lead.owner, "kind": "callback"}
    event = planning.plan(**said, starts_at=at, lead=lead, note="Ask for Jo")
    lead.refresh_from_db()
    assert (lead.callback_at, lead.activity_count) == (at, 1)
    planning.move(event, by=lead.owner, starts_at=at + LATER)
    lead.refresh_from_db()
    assert lead.callback_at == at + LATER and drift() == []
    planning.finish(event, by=lead.owner)
    lead.refresh_from_db()
    assert lead.callback_at is None and drift() == []
    with pytest.raises(EventClosed):
        planning.cancel(event, by=lead.owner)
    history = list(Activity.objects.filter(lead=lead).order_by("pk").values_list("kind", "text", "due_at"))
    assert history == [
        ("callback", "Ask for Jo", at),
        ("callback", "Ask for Jo", at + LATER),
        ("callback", "Done", None),
    ]
    assert lead.activity_count == 3


@pytest.mark.parametrize("answers", ["call", "text"])
def test_a_person_who_calls_or_texts_has_made_a_callback_that_is_due(leads: list[Lead], answers: str) -> None:
    lead = leads[0]
    callback(lead, soon(days=1))
    past = soon(hours=-1)
    Event.objects.update(starts_at=past, ends_at=past + timedelta(minutes=15))
    Lead.objects.filter(pk=lead.pk).update(callback_at=past)
    if answers == "call":
        add_activity(lead=lead, by=lead.owner, kind="call")
    else:
        with transaction.atomic():
            said = Contacted(uuid7(), lead.pk, lead.owner_id, "Reply", is_persons=True, moves=True)
            note_contacts([said])
    assert planned() == [] and drift() == []
    assert Event.objects.get().status == "done"


def test_who_works_the_lead_has_its_callback_unless_anyone_may_make_it(leads: list[Lead]) -> None:
    boss = leads[0].owner
    bob = User.objects.create_user("bob")
    Membership.objects.create(team_id=leads[0].team_id, user=bob, role="caller")
    for lead in leads[:2]:
        callback(lead, soon(days=1))
    Event.objects.filter(lead=leads[1]).update(anyone=True)
    assign_leads(leads=Lead.objects.filter(pk__in=[lead.pk for lead in leads]), to=[bob], by=own_access(boss))
    assert {one.lead_id: one.owner_id for one in planned()} == {leads[0].pk: bob.pk, leads[1].pk: boss.pk}
    callback(leads[2], soon(days=1))
    assert Event.objects.get(lead=leads[2]).owner == bob
    with transaction.atomic():
        promised = planning.plan_callback(lead=leads[2], by=boss, at=soon(days=2), source="dialer", anyone=True)
    assert (promised.owner, promised.anyone, promised.source) == (boss, True, "dialer")
    assert drift() == []


def test_a_deleted_lead_or_bucket_takes_its_callback_along_and_leaves_the_rest(leads: list[Lead]) -> None:
    owner, team_id = leads[0].owner, leads[0].team_id
    for lead in leads:
        callback(lead, soon(days=1))
    said: dict[str, Any] = {"by": owner, "team_id": team_id, "owner": owner, "lead": leads[0]}
    meeting = planning.plan(**said, kind="appointment", starts_at=soon(days=4), title="At the house")
    delete_lead(lead=Lead.objects.get(pk=leads[0].pk), by=owner)
    delete_bucket(bucket=leads[1].bucket, by=owner)
    meeting.refresh_from_db()
    assert (meeting.lead_id, meeting.status) == (None, "planned")
    assert [(one.status, one.lead_id) for one in Event.objects.filter(kind="callback")] == [("cancelled", None)] * 3
    assert drift() == []


@pytest.mark.parametrize("older_first", [True, False])
def test_two_leads_that_become_one_keep_the_sooner_callback_and_each_has_its_own_again(older_first: bool) -> None:
    bucket, older, younger = twice()
    sooner, later = soon(days=1), soon(days=2)
    callback(older, sooner if older_first else later)
    callback(younger, later if older_first else sooner)
    merge_bucket(bucket.pk)
    assert [(one.lead_id, one.starts_at) for one in planned()] == [(older.pk, sooner)] and drift() == []
    separate(lead=Lead.objects.get(pk=older.pk), by=bucket.owner)
    own = {older.pk: sooner if older_first else later, younger.pk: later if older_first else sooner}
    assert {one.lead_id: one.starts_at for one in planned()} == own and drift() == []


def test_callbacks_of_before_become_events_in_pieces_and_twice_is_once(leads: list[Lead]) -> None:
    bob = User.objects.create_user("bob", time_zone="America/Denver")
    at = soon(days=-2)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(callback_at=at)
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=bob)
    Activity.objects.create(lead=leads[1], by=bob, kind="callback", due_at=at, text="Gate code 12")
    Lead.objects.filter(pk=leads[2].pk).update(merged_into=leads[1])
    assert len(drift()) == 2
    fill = importlib.import_module("leads.migrations.0037_callbacks_to_events").fill
    for _ in range(2):
        with connection.schema_editor() as editor:
            fill(None, editor, piece=1)
    found = Event.objects.order_by("lead_id").values_list("lead", "owner", "zone", "note", "source", "status")
    assert list(found) == [
        (leads[0].pk, bob.pk, "America/Denver", "", "import", "planned"),
        (leads[1].pk, bob.pk, "America/Denver", "Gate code 12", "import", "planned"),
    ]
    assert drift() == [] and reminding.remind() == 0


def test_callbacks_set_at_once_leave_one_event_and_its_copy(leads: list[Lead]) -> None:
    days = [soon(days=n) for n in range(1, 7)]
    assert together(*(partial(callback, leads[0], day) for day in days)) == [None] * len(days)
    assert len(planned()) == 1 and drift() == []


# --- Plans ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "more", "why"),
    [
        ("2020-01-01T10:00", {}, "past"),
        ("2027-03-14T02:30", {}, "put forward"),
        ("2099-01-01T10:00", {}, "two years"),
        ("2027-06-01T10:00", {"ends_at": datetime.fromisoformat("2027-06-01T09:00")}, "end after"),
        ("2027-06-01T10:00", {"minutes": 1441}, "a day at most"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(leads: list[Lead], starts: str, more: Any, why: str) -> None:
    ann = leads[0].owner
    User.objects.filter(pk=ann.pk).update(time_zone="America/Chicago")
    ann.refresh_from_db()
    with pytest.raises(BadTime, match=why):
        planning.plan(
            by=ann, team_id=leads[0].team_id, owner=ann, kind="reminder",
            starts_at=datetime.fromisoformat(starts), **more,
        )  # fmt: skip


def test_two_appointments_never_overlap_and_may_touch(leads: list[Lead]) -> None:
    ann, at = leads[0].owner, soon(days=1)
    said: dict[str, Any] = {"by": ann, "team_id": leads[0].team_id, "owner": ann, "kind": "appointment"}
    first = planning.plan(**said, starts_at=at, minutes=60)
    planning.plan(**said, starts_at=at + timedelta(hours=1), minutes=60)
    with pytest.raises(planning.SlotTaken):
        planning.plan(**said, starts_at=at + timedelta(minutes=30))
    with pytest.raises(planning.SlotTaken):
        planning.move(first, by=ann, starts_at=at + timedelta(minutes=30))
    planning.plan(**{**said, "kind": "reminder"}, starts_at=at)
    planning.cancel(first, by=ann)
    planning.plan(**said, starts_at=at)


def test_a_reminder_comes_once_in_one_mail_and_anew_after_a_move(leads: list[Lead]) -> None:
    ann = leads[0].owner
    User.objects.filter(pk=ann.pk).update(email="ann@example.com", time_zone="America/Phoenix")
    ann.refresh_from_db()
    for lead in leads[:2]:
        callback(lead, soon(minutes=8))
    callback(leads[2], soon(hours=8))
    assert (reminding.remind(), reminding.remind()) == (2, 0)
    assert (mail_notices(), mail_notices()) == (1, 0)
    (sent,) = mail.outbox
    assert sent.to == ["ann@example.com"] and sent.subject.startswith("2 notifications: callback")
    assert sent.body.count("MST: Callback") == 2
    planning.move(planned()[0], by=ann, starts_at=soon(minutes=5))
    assert (reminding.remind(), mail_notices(), len(mail.outbox)) == (1, 1, 2)
    assert together(reminding.remind, reminding.remind) == [0, 0]
    assert Notification.objects.filter(read_at__isnull=True).count() == 2  # that of before the move is over


def test_the_calendar_goes_by_the_campaigns_clock_where_development_sets_it(leads: list[Lead], settings: Any) -> None:
    lead, then = leads[0], datetime(2026, 9, 15, 18, tzinfo=UTC)
    settings.CAMPAIGN_CLOCK = (then, 1)
    with pytest.raises(BadTime, match="past"):
        callback(lead, then - timedelta(minutes=1))
    callback(lead, then + timedelta(minutes=30))
    assert reminding.remind() == 0
    lead.refresh_from_db()
    add_activity(lead=lead, by=lead.owner, kind="call")
    assert len(planned()) == 1  # not due yet: the real clock is months later, or months before
    ClockSetting.objects.update(shown_at=F("shown_at") + timedelta(minutes=31))
    assert (reminding.remind(), Lead.objects.to_call_back(before=calendar_clock.now()).count()) == (1, 1)
    add_activity(lead=lead, by=lead.owner, kind="call")
    assert planned() == [] and drift() == []


def test_the_length_may_change_while_it_lasts(leads: list[Lead]) -> None:
    ann, at = leads[0].owner, soon(days=1)
    event = planning.plan(by=ann, team_id=leads[0].team_id, owner=ann, kind="reminder", starts_at=at)
    begun = soon(minutes=-5)
    Event.objects.filter(pk=event.pk).update(starts_at=begun, ends_at=begun + timedelta(minutes=15))
    assert planning.move(event, by=ann, starts_at=begun, minutes=60).ends_at == begun + timedelta(hours=1)
    with pytest.raises(BadTime, match="past"):
        planning.move(event, by=ann, starts_at=begun + timedelta(minutes=1))


def test_what_nobody_called_done_is_missed_after_a_day_but_a_callback_waits(leads: list[Lead]) -> None:
    ann, past = leads[0].owner, soon(days=-2)
    callback(leads[0], soon(days=1))
    planning.plan(by=ann, team_id=leads[0].team_id, owner=ann, kind="reminder", starts_at=soon(days=1))
    Event.objects.update(starts_at=past, ends_at=past + timedelta(minutes=15))
    Lead.objects.filter(pk=leads[0].pk).update(callback_at=past)
    assert planning.miss_overdue() == 1
    assert set(Event.objects.values_list("kind", "status")) == {("callback", "planned"), ("reminder", "missed")}


def test_a_forgotten_guest_goes_from_the_calendar_and_from_what_others_wrote(leads: list[Lead]) -> None:
    from leads.calendar.forgetting import in_events
    from leads.keys import key_secrets
    from leads.keys.owner_keys import EMAIL

    at = soon(days=1)
    said: dict[str, Any] = {
        "team_id": leads[0].team_id, "owner": leads[0].owner, "starts_at": at, "ends_at": at + LATER,
        "changed_at": at, "kind": "reminder",
    }  # fmt: skip
    hers = Event.objects.create(**said, guest_name="Pat", guest_email="pat@example.com", note="Blue door")
    other = Event.objects.create(**said, guest_name="Sam", title="Write to pat@example.com")
    digests = [(int(EMAIL), key_secrets.digest(one, EMAIL, "pat@example.com")) for one in key_secrets.for_reading()]
    her = Her(digests, since=at)
    after: str | None = ""
    while after is not None:
        after = in_events(after, her).after  # the next piece
    hers.refresh_from_db()
    other.refresh_from_db()
    assert (hers.guest_name, hers.guest_email, hers.note) == (None, None, "")
    assert other.guest_name == "Sam" and "pat@" not in other.title and "[forgotten]" in other.title
