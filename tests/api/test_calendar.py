"""The calendar, feeds, hours and booking page by API and command."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts.access import own_access
from accounts.models import AuditEvent, Membership, Team, User, WebhookDelivery
from campaigns.booking import feeds
from common.dates import iso
from leads.models import Event, Lead
from tests.admin_site import member
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads


def soon(**delta: float) -> str:
    return iso((timezone.now() + timedelta(**delta)).replace(microsecond=0))


def plan(api: Api, **body: Any) -> Any:
    return api.post("/api/events", {"kind": "reminder", "startsAt": soon(days=1), **body})


def code(answer: Any, status: int) -> Any:
    refused(answer, status)
    return answer.json()["error"]["code"]


@pytest.fixture
def lead(ann: User) -> Lead:
    return make_leads(1, by=ann)[1][0]


def test_an_event_is_planned_moved_changed_and_done(api: Api, lead: Lead) -> None:
    made = body_of(plan(api, kind="callback", leadId=str(lead.pk), note="Gate 12"), 201)["event"]
    assert (made["kind"], made["status"], made["leadId"], made["remindMinutes"]) == (
        "callback", "planned", str(lead.pk), 10,
    )  # fmt: skip
    later = soon(days=2)
    moved = body_of(api.patch(f"/api/events/{made['id']}", {"startsAt": later, "remindMinutes": None}))["event"]
    assert (moved["startsAt"], moved["remindMinutes"], moved["sequence"]) == (later, None, 2)
    assert body_of(api.get(f"/api/leads/{lead.pk}"))["lead"]["callbackAt"] == later
    assert [one["leadId"] for one in body_of(api.get("/api/callbacks"))["callbacks"]] == [str(lead.pk)]
    assert body_of(api.get("/api/events?kind=callback&status=planned"))["events"][0]["id"] == made["id"]
    assert body_of(api.patch(f"/api/events/{made['id']}", {"status": "done"}))["event"]["status"] == "done"
    assert body_of(api.get("/api/callbacks"))["callbacks"] == []
    assert code(api.delete(f"/api/events/{made['id']}"), 409) == "EVENT_CLOSED"
    assert api.patch(f"/api/events/{made['id']}", {"startsAt": soon(days=3)}).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"startsAt": "2020-01-01T10:00:00Z"}, "startsAt"),
        ({"startsAt": "2027-03-14T02:30:00"}, "startsAt"),
        ({"kind": "callback"}, "leadId"),
        ({"anyone": True}, "anyone"),
        ({"minutes": 4}, "minutes"),
        ({"kind": "party"}, "kind"),
        ({"title": "x" * 201}, "title"),
        ({"owner": "nobody"}, "owner"),
        ({"colour": "red"}, "colour"),
        ({"minutes": 5, "endsAt": "2027-01-30T10:00:00Z"}, "minutes"),
        ({"endsAt": "2020-01-01T10:00:00Z"}, "endsAt"),
    ],
)
def test_bad_input_is_named(api: Api, ann: User, body: dict[str, Any], field: str) -> None:
    User.objects.filter(pk=ann.pk).update(time_zone="America/Chicago")
    refused(plan(api, **body), 400, field)
    assert not Event.objects.exists()


def test_overlapping_appointments_are_refused_and_webhooks_hear_of_those_that_stand(api: Api, ann: User) -> None:
    hook = {"url": "https://example.com/hook", "events": ["appointment.booked"]}
    api.post("/api/webhooks", hook)
    first = body_of(plan(api, kind="appointment", minutes=60), 201)["event"]
    assert code(plan(api, kind="appointment"), 409) == "SLOT_TAKEN"
    told = list(WebhookDelivery.objects.filter(event="appointment.booked").values_list("data", flat=True))
    assert [one["eventId"] for one in told] in ([first["id"]], [])  # none where this machine may not be called
    assert body_of(api.delete(f"/api/events/{first['id']}"))["event"]["status"] == "cancelled"
    assert plan(api, kind="appointment").status_code == 201


def test_a_caller_has_her_own_calendar_and_a_manager_the_teams(api: Api, ann: User, lead: Lead) -> None:
    team = Team.objects.get(pk=lead.team_id)
    bob, _ = member(team, "caller", "bob")
    Lead.objects.filter(pk=lead.pk).update(assigned_to=bob)
    made = body_of(plan(api, kind="callback", leadId=str(lead.pk), owner="bob"), 201)["event"]
    mine = body_of(plan(api, title="Ring 202-555-0143"), 201)["event"]
    assert {one["id"] for one in body_of(api.get("/api/events?owner=all"))["events"]} == {made["id"], mine["id"]}
    assert [one["id"] for one in body_of(api.get("/api/events?owner=bob"))["events"]] == [made["id"]]
    theirs = Api(bob)
    assert [one["id"] for one in body_of(theirs.get("/api/events"))["events"]] == [made["id"]]
    assert theirs.get(f"/api/events/{mine['id']}").status_code == 404
    assert theirs.patch(f"/api/events/{mine['id']}", {"title": "x"}).status_code == 404
    assert theirs.get("/api/events?owner=ann").status_code == 403
    assert body_of(theirs.patch(f"/api/events/{made['id']}", {"status": "done"}))["event"]["status"] == "done"
    reader, _ = member(team, "reader", "rea")
    assert Api(reader).post("/api/events", {"kind": "reminder", "startsAt": soon(days=1)}).status_code == 403
    Event.objects.filter(pk=mine["id"]).update(owner=reader, guest_name="Jo 202-555-0143", guest_email="j@example.com")
    shown = body_of(Api(reader).get("/api/events"))["events"][0]
    assert "0143" in shown["title"] and "202" not in shown["title"] + shown["guestName"]
    assert shown["guestEmail"] is None


@pytest.mark.long
def test_a_feed_is_shown_once_read_without_names_and_revoked(api: Api, ann: User, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(owner_name="Pat Owner", property_address="12 Main St")
    plan(api, kind="callback", leadId=str(lead.pk))
    gone = body_of(plan(api, title="Call Pat Owner"), 201)["event"]
    api.delete(f"/api/events/{gone['id']}")
    made = body_of(api.post("/api/feeds", {"name": "Phone"}), 201)
    path = "/calendar/" + made["address"].rpartition("/calendar/")[2]
    answer = Client().get(path)
    text = answer.content.decode()
    events = Calendar.from_ical(text).walk("VEVENT")
    assert {str(one["STATUS"]) for one in events} == {"CONFIRMED", "CANCELLED"}
    assert "Pat" not in text and "Main" not in text and "Call back " in text
    assert body_of(api.get("/api/feeds"))["feeds"][0]["name"] == "Phone" and "address" not in str(api.get("/api/feeds"))
    named = body_of(api.post("/api/feeds", {"withNames": True, "kinds": ["callback"]}), 201)
    assert "12 Main St" in Client().get("/calendar/" + named["address"].rpartition("/calendar/")[2]).content.decode()
    shown = AuditEvent.objects.filter(action="contacts.shown", kind="feed")
    assert [row.after and row.after["via"] for row in shown] == ["feed"]
    Event.objects.filter(pk=gone["id"]).update(changed_at=timezone.now() - timedelta(days=31))
    assert len(Calendar.from_ical(Client().get(path).content.decode()).walk("VEVENT")) == 1
    lines = body_of(api.post("/api/feeds", {"name": "My\r\nphone", "kinds": ["reminder"]}), 201)["address"]
    read = Client().get("/calendar/" + lines.rpartition("/calendar/")[2])
    assert read.status_code == 200 and "NAME:My phone\r\n" in read.content.decode()
    api.delete(f"/api/feeds/{made['feed']['id']}")
    assert [Client().get(one).status_code for one in (path, "/calendar/guessed.ics")] == [404, 404]
    assert api.delete(f"/api/feeds/{made['feed']['id']}").status_code == 404
    for _ in range(feeds.FEEDS_MOST - 1):
        last = api.post("/api/feeds", {})
    assert code(last, 409) == "TOO_MANY"


def test_a_feeds_name_is_one_text_for_other_calendars(api: Api) -> None:
    """RFC 5545 3.3.11: its commas, semicolons and backslashes are escaped."""
    made = body_of(api.post("/api/feeds", {"name": r"Mine; Tue, Wed \n x"}), 201)
    body = Client().get("/calendar/" + made["address"].rpartition("/calendar/")[2]).content
    assert rb"X-WR-CALNAME:Mine\; Tue\, Wed \\n x" in body and rb"NAME:Mine\; Tue\, Wed \\n x" in body


def test_a_callback_keeps_its_title_place_and_length(api: Api, lead: Lead) -> None:
    said = {"kind": "callback", "leadId": str(lead.pk), "title": "Roof", "place": "Desk", "minutes": 45}
    made = body_of(plan(api, **said, startsAt="2027-01-04T15:00:00Z"), 201)["event"]
    assert (made["title"], made["place"], made["endsAt"]) == ("Roof", "Desk", "2027-01-04T15:45:00Z")
    again = plan(api, kind="callback", leadId=str(lead.pk), endsAt=soon(hours=1))
    assert code(again, 400) == "INVALID"


def test_what_nobody_confirmed_in_time_is_in_no_feed(api: Api, ann: User) -> None:
    made = body_of(plan(api, kind="appointment"), 201)["event"]
    path = body_of(api.post("/api/feeds", {}), 201)["address"]
    path = "/calendar/" + path.rpartition("/calendar/")[2]
    held = Event.objects.filter(pk=made["id"])
    held.update(status="held", held_until=timezone.now() + timedelta(minutes=5))
    assert "TENTATIVE" in Client().get(path).content.decode()
    held.update(held_until=timezone.now() - timedelta(seconds=1))
    assert "VEVENT" not in Client().get(path).content.decode()


def test_a_change_is_made_whole_or_not_at_all(api: Api) -> None:
    made = body_of(plan(api, kind="appointment", title="Before"), 201)["event"]
    refused(api.patch(f"/api/events/{made['id']}", {"minutes": 5, "endsAt": soon(days=1, hours=1)}), 400, "minutes")
    refused(api.patch(f"/api/events/{made['id']}", {"endsAt": soon()}), 400, "endsAt")
    Event.objects.filter(pk=made["id"]).update(status="held", held_until=timezone.now() + timedelta(minutes=5))
    said = {"title": "After", "startsAt": soon(days=2), "status": "done"}  # nobody can be done with what is only held
    assert code(api.patch(f"/api/events/{made['id']}", said), 409) == "EVENT_CLOSED"
    event = Event.objects.get(pk=made["id"])
    assert (event.title, event.sequence, iso(event.starts_at)) == ("Before", 0, made["startsAt"])


def test_commands_make_list_and_revoke_a_feed(api: Api, ann: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://buckets.example.com"

    def run(**said: Any) -> Any:
        out = StringIO()
        call_command("feeds", user="ann", json=True, stdout=out, **said)
        return json.loads(out.getvalue())

    made = run(make="Phone", kind=["callback"])
    path = made["address"].removeprefix(settings.PUBLIC_URL)
    assert Client().get(path).status_code == 200
    assert [(one["id"], one["name"]) for one in run()["feeds"]] == [(made["id"], "Phone")]
    with pytest.raises(CommandError, match="50"):
        run(make="x" * 51)
    run(revoke=UUID(made["id"]))
    assert Client().get(path).status_code == 404 and run()["feeds"] == []
    with pytest.raises(CommandError, match="no such feed"):
        run(revoke=UUID(made["id"]))
    assert run(make="My\nphone")["id"] and run()["feeds"][0]["name"] == "My phone"
    Membership.objects.filter(user=ann).update(role="reader")
    with pytest.raises(CommandError, match="may not make feeds"):
        run(make="Mine")
    Membership.objects.filter(user=ann).update(role="buyer")
    out = StringIO()
    call_command("feeds", user="ann", stdout=out, make="")
    call_command("feeds", user="ann", stdout=out)
    assert "never read" in out.getvalue()


def test_hours_and_the_booking_page_are_ones_own(api: Api, ann: User, settings: Any) -> None:
    settings.PUBLIC_URL = ""
    hours = [{"weekday": 0, "start": "09:00", "end": "12:00"}]
    assert body_of(api.put("/api/hours", {"hours": hours}))["hours"] == hours
    for wrong in ([{**hours[0], "end": "08:00"}], [{**hours[0], "weekday": 7}], hours * 29 + [{"weekday": 0}]):
        assert api.put("/api/hours", {"hours": wrong}).status_code == 400
    assert code(api.patch("/api/booking-page", {"enabled": True}), 409) == "NOT_READY"
    settings.PUBLIC_URL = "https://buckets.example.com"
    page = body_of(api.patch("/api/booking-page", {"enabled": True, "minutes": 45}))["page"]
    assert (page["enabled"], page["minutes"]) == (True, 45)
    assert Client().get(page["address"].removeprefix(settings.PUBLIC_URL)).status_code == 200
    assert api.patch("/api/booking-page", {"minutes": 1}).status_code == 400
    assert body_of(api.get("/api/booking-page"))["page"] == page


def test_a_command_lists_the_calendar(api: Api, ann: User) -> None:
    plan(api, title="Secret")
    out = StringIO()
    call_command("events", user="ann", json=True, stdout=out)
    (event,) = json.loads(out.getvalue())["events"]
    assert event["kind"] == "reminder" and "Secret" not in out.getvalue()
    assert own_access(ann).user == ann
