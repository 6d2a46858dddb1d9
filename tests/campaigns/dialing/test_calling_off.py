"""What stands in calendars about an owner who is not to be called any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns import clock
from campaigns.dialing import calling_off
from leads.calendar import planning
from leads.models import Activity, Event, Lead
from leads.permission.suppressing import suppress, suppress_wrong_number
from leads.services import edit_lead
from tests.admin_site import signed_in
from tests.campaigns.dialing.world import Floor, make_floor
from tests.campaigns.sending.world import key_of, number_of

pytestmark = pytest.mark.django_db
OTHER = "+16175551999"


@pytest.fixture
def floor(settings: Any) -> Floor:
    return make_floor(2, settings)


def plan(floor: Floor, lead: Lead, kind: str = "callback", hours: int = 3) -> Event:
    at, ann = clock.now() + timedelta(hours=hours), floor.ann
    return planning.plan(by=ann, team_id=floor.team_id, owner=ann, kind=kind, starts_at=at, lead=lead, now=clock.now())


def stop(place: int = 0, *, reason: str = "stop", scope: str = "any", spread: bool = True) -> None:
    suppress([(1, number_of(place))], reason=reason, source=f"inbound:{reason}", scope=scope, spread=spread)


def lines(lead: Lead) -> list[str]:
    return list(
        Activity.objects.filter(lead=lead, kind="callback", text__startswith="Cancelled").values_list("text", flat=True)
    )


@pytest.mark.parametrize(
    ("reason", "scope", "status"),
    [
        ("stop", "any", "cancelled"),
        ("dnc_request", "call", "cancelled"),
        ("upload", "any", "cancelled"),
        ("one_click", "email", "planned"),
        ("vendor_opt_out", "sms", "planned"),
    ],
)
def test_who_is_not_to_be_called_is_no_callback_as_soon_as_that_is_written(
    floor: Floor, django_capture_on_commit_callbacks: Any, reason: str, scope: str, status: str
) -> None:
    lead, other = floor.leads
    events = [plan(floor, lead), plan(floor, other, hours=4)]
    with django_capture_on_commit_callbacks(execute=True):
        stop(reason=reason, scope=scope)
    for event in events:
        event.refresh_from_db()
    lead.refresh_from_db()
    assert [one.status for one in events] == [status, "planned"]
    is_off = status == "cancelled"
    assert (lead.callback_at is None, lines(lead)) == (is_off, [calling_off.CALLED_OFF] if is_off else [])


def test_her_other_parcel_is_called_off_too(floor: Floor, django_capture_on_commit_callbacks: Any) -> None:
    parcel = floor.leads[1]
    edit_lead(lead=parcel, by=floor.ann, changes={"phone": number_of(0)})
    event = plan(floor, parcel)
    with django_capture_on_commit_callbacks(execute=True):
        stop()
    event.refresh_from_db()
    assert event.status == "cancelled"


def test_a_wrong_number_calls_off_what_no_other_number_can_make(
    floor: Floor, django_capture_on_commit_callbacks: Any
) -> None:
    lead = floor.leads[0]
    edit_lead(lead=lead, by=floor.ann, changes={"secondary_phone": OTHER})
    event = plan(floor, lead)
    for number, status in ((number_of(0), "planned"), (OTHER, "cancelled")):
        with django_capture_on_commit_callbacks(execute=True):
            suppress_wrong_number(key_of(number).pk, [lead.pk], source=f"call:{number[-4:]}")
        event.refresh_from_db()
        assert event.status == status, number


def test_what_a_killed_process_left_the_hourly_sweep_cancels(floor: Floor) -> None:
    event = plan(floor, floor.leads[0])
    stop()  # and is killed before it comes to the callback
    assert (calling_off.call_off(), calling_off.call_off()) == (1, 0)
    event.refresh_from_db()
    assert event.status == "cancelled"


@pytest.mark.long
def test_an_appointment_a_reminder_and_a_callback_that_is_planned_all_the_same_stay_and_are_marked(
    floor: Floor, django_capture_on_commit_callbacks: Any
) -> None:
    lead, other = floor.leads
    before = [plan(floor, lead, "appointment"), plan(floor, lead, "reminder", 4)]
    with django_capture_on_commit_callbacks(execute=True):
        stop()
    events = [*before, plan(floor, lead, hours=5), plan(floor, other, hours=6)]
    assert calling_off.call_off() == 0
    floor.ann.is_staff = True
    floor.ann.save()
    page = signed_in(floor.ann).get(f"/admin/calendar/?date={clock.now():%Y-%m-%d}").content.decode()
    assert page.count("(do not call)") == 3
    assert [one.status for one in Event.objects.order_by("starts_at")] == ["planned"] * 4
    client = signed_in(floor.ann)
    marked = ["do not call" in client.get(f"/admin/calendar/{one.pk}/").content.decode().lower() for one in events]
    assert marked == [True, True, True, False]
