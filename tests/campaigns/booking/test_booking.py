"""Guests book, confirm, move and cancel; what they get by mail; what is refused."""

from __future__ import annotations

import json
from datetime import time, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from icalendar import Calendar

from accounts.access import own_access, team_of
from accounts.models import AuditEvent, User
from campaigns import clock
from campaigns.booking import booking, hours, mails
from campaigns.booking.slots import Opening
from campaigns.models import BookingPage, MailSender, Receipt
from common.dates import iso
from common.db.clock import database_now
from integrations.models import Operation, VendorCall
from integrations.vendors import mail as vendor
from leads.calendar import planning
from leads.models import Activity, Event, Lead, Suppression
from leads.permission import adding
from leads.permission.selling import save_seller
from leads.privacy.finding import Asked
from leads.privacy.forgetting import forget_person
from leads.services import edit_lead
from tests.campaigns.booking.samples import make_host, post, slots
from tests.campaigns.sending.mailing import carry
from tests.campaigns.sending.postbox import Postbox, words
from tests.campaigns.sending.world import PROFILE
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> BookingPage:
    return make_host()


def held(page: BookingPage, slot: str, email: str = "pat@example.com", **said: Any) -> Event:
    assert post(page, slot, email, **said).status_code == 201
    return Event.objects.get(guest_email=email, status="held")


def link_of(event: Event, page: BookingPage) -> str:
    return f"/book/{page.slug}/{booking.token_of(event)}"


def press(event: Event, page: BookingPage, **said: str) -> Any:
    return Client().post(link_of(event, page), said or {"do": "confirm"})


def invited(number: int = -1) -> tuple[str, Any]:
    """The method and the one event of a mail's calendar, read back from what leaves."""
    to_guests = [one for one in mail.outbox if one.to != ["jane@example.com"]]
    raw = message_from_bytes(to_guests[number].message().as_bytes(), policy=policy.default)
    (part,) = (one for one in raw.walk() if one.get_content_type() == "text/calendar")
    calendar: Any = Calendar.from_ical(part.get_content())
    assert calendar["METHOD"] == part.get_param("method")
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


def test_a_guest_holds_a_slot_confirms_it_and_is_invited(page: BookingPage) -> None:
    slot = slots(page)[3]
    event = held(
        page, slot, "Pat@Example.com".lower(), phone="(202) 555-0143", note="The house", zone="America/Chicago"
    )
    assert event.held_until is not None
    assert timedelta(minutes=14) < event.held_until - database_now() <= timedelta(minutes=15)
    assert slot not in slots(page)
    assert mails.send_due() == 1 and mails.send_due() == 0
    (asked,) = mail.outbox
    assert asked.to == ["pat@example.com"] and f"https://buckets.example.com{link_of(event, page)}" in asked.body
    assert "Jane Roe" in asked.body and "C" in asked.subject
    assert "Pat" not in f"{asked.subject} {asked.body}"  # it may be a stranger's mailbox

    assert Client().get(link_of(event, page)).status_code == 200
    event.refresh_from_db()
    assert event.status == "held"  # a scanner that opens the link confirms nothing
    assert [press(event, page).status_code for _ in range(2)] == [200, 200]
    event.refresh_from_db()
    assert (event.status, event.held_until, event.source) == ("planned", None, "booking")
    assert mails.send_due() == 1
    method, invitation = invited()
    assert method == "REQUEST" and invitation["UID"] == f"{event.pk}@buckets.example.com"
    assert int(invitation["SEQUENCE"]) == 0 and invitation["ATTENDEE"] == "mailto:pat@example.com"
    assert invitation["ATTENDEE"].params["RSVP"] == "TRUE" and invitation["DTSTART"].dt == event.starts_at
    assert AuditEvent.objects.filter(action="appointment.booked").count() == 1
    assert list(Receipt.objects.values_list("purpose", "verdict").distinct()) == [("confirm", "yes")]


@pytest.mark.long
def test_moving_keeps_the_uid_and_raises_the_sequence_and_cancelling_once_more(page: BookingPage) -> None:
    first, later = slots(page)[2:4]
    event = held(page, first)
    press(event, page)
    mails.send_due()
    assert press(event, page, do="move", at=later).status_code == 200
    mails.send_due()
    method, moved = invited()
    assert (method, int(moved["SEQUENCE"])) == ("REQUEST", 1)
    event.refresh_from_db()
    planning.cancel(event, by=page.user)
    mails.send_due()
    method, cancelled = invited()
    assert (method, int(cancelled["SEQUENCE"]), cancelled["STATUS"]) == ("CANCEL", 2, "CANCELLED")
    assert cancelled["UID"] == moved["UID"] and len(mail.outbox) == 6  # each told the host as well
    assert first in slots(page) and later in slots(page)
    assert press(event, page, do="cancel").status_code == 409


def test_a_double_press_is_one_booking_and_one_mail(page: BookingPage) -> None:
    slot = slots(page)[0]
    assert [post(page, slot).status_code for _ in range(2)] == [201, 201]
    assert Event.objects.count() == 1
    assert mails.send_due() == 1


def test_a_taken_slot_answers_with_the_next_three(page: BookingPage) -> None:
    first, *rest = slots(page)
    held(page, first)
    answer = post(page, first, "sam@example.com")
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "SLOT_TAKEN"
    assert answer.json()["error"]["next"] == rest[:3]
    html = Client().post(f"/book/{page.slug}", {"at": first, "name": "Sam", "email": "sam@example.com"})
    assert html.status_code == 409 and "taken meanwhile" in html.content.decode()
    assert Event.objects.count() == 1


def test_a_hold_that_is_over_frees_its_slot_and_a_late_press_counts_while_it_is_free(page: BookingPage) -> None:
    slot = slots(page)[0]
    event = held(page, slot)
    Event.objects.filter(pk=event.pk).update(held_until=database_now() - timedelta(seconds=1))
    assert slot in slots(page)
    press(event, page)
    event.refresh_from_db()
    assert event.status == "planned"

    other = held(page, slots(page)[0], "sam@example.com")
    Event.objects.filter(pk=other.pk).update(held_until=database_now() - timedelta(seconds=1))
    held(page, slots(page)[0], "kim@example.com")
    late = press(other, page)
    assert late.status_code == 404 and "no longer kept" in late.content.decode()


@pytest.mark.parametrize("reason", ["dnc_request", "erased"])
def test_who_is_suppressed_or_forgotten_sees_the_same_page_and_gets_no_mail(page: BookingPage, reason: str) -> None:
    if reason == "erased":
        forget_person(
            by=User.objects.create_superuser("boss"), asked=Asked(email="pat@example.com"), typed="pat@example.com"
        )
    else:
        adding.add_suppression(access=own_access(page.user), email="pat@example.com")
    assert Suppression.objects.exists()
    welcome, other = (post(page, slots(page)[0], email) for email in ("pat@example.com", "sam@example.com"))
    assert (welcome.status_code, welcome.content) == (201, other.content) or other.status_code == 409
    Event.objects.exclude(guest_email="pat@example.com").delete()
    assert mails.send_due() == 0 and mail.outbox == []
    assert Event.objects.filter(guest_email="pat@example.com").exists() == (reason != "erased")


@pytest.mark.long
def test_five_a_day_an_e_mail_and_twenty_an_address(page: BookingPage, settings: Any) -> None:
    settings.NUM_PROXIES = 1
    free = slots(page)
    answers = [post(page, free[n], "pat@example.com", ip=f"203.0.113.{n}").status_code for n in range(6)]
    assert answers == [201] * 5 + [429]
    answers = [
        post(page, "2030-01-01T00:00:00Z", f"g{n}@example.com", ip="203.0.113.99").status_code for n in range(21)
    ]
    assert answers == [409] * 20 + [429]


def test_a_guest_who_is_a_lead_is_booked_on_its_history(page: BookingPage) -> None:
    _, (lead,) = make_leads(1, by=page.user)
    edit_lead(lead=lead, by=page.user, changes={"email": "pat@example.com"})
    event = held(page, slots(page)[0])
    press(event, page)
    event.refresh_from_db()
    assert event.lead_id == lead.pk
    assert list(Activity.objects.filter(lead=lead).values_list("kind", "ref")) == [("appointment", event.pk)]
    assert Lead.objects.get(pk=lead.pk).activity_count == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [({"email": "nobody"}, "email"), ({"name": ""}, "name"), ({"name": "You won: evil.com"}, "name"),
     ({"name": "Call +1 (202) 555-0143"}, "name"), ({"name": "www.Evil"}, "name"), ({"name": "a@b"}, "name"),
     ({"phone": "12"}, "phone"), ({"at": "soon"}, "at"), ({"at": "2030-01-01T10:00"}, "at")],
)  # fmt: skip
def test_bad_input_is_named_by_field(page: BookingPage, said: dict[str, str], field: str) -> None:
    body = {"slot": slots(page)[0]} | said
    answer = post(page, body.pop("at", body.pop("slot")), body.pop("email", "pat@example.com"), **body)
    assert answer.status_code == 400 and list(answer.json()["error"]["fields"]) == [field]
    assert not Event.objects.exists()


def test_a_page_is_off_until_it_is_switched_on_and_tells_only_a_name(page: BookingPage, settings: Any) -> None:
    seen = Client().get(f"/book/{page.slug}")
    text = seen.content.decode()
    assert "Jane Roe" in text and "jane@example.com" not in text and page.user.username not in text.replace("Jane", "")
    assert (
        "no-store" in seen.headers["Cache-Control"] and "script-src 'self'" in seen.headers["Content-Security-Policy"]
    )
    assert len(page.slug) >= 22
    access = own_access(page.user)
    hours.change_page(access=access, enabled=False)
    assert Client().get(f"/book/{page.slug}").status_code == 404
    hours.change_page(access=access, enabled=True, new_address=True)
    assert Client().get(f"/book/{page.slug}").status_code == 404
    User.objects.filter(pk=page.user_id).update(is_active=False)
    assert Client().get(f"/book/{hours.page_of(access).slug}").status_code == 404


def test_a_mail_server_that_is_away_loses_no_invitation(page: BookingPage, settings: Any) -> None:
    event = held(page, slots(page)[0])
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert mails.send_due() == 0
    Event.objects.filter(pk=event.pk).update(mail_until=None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mails.send_due() == 1


def test_mails_to_guests_leave_as_the_companys_others_do(page: BookingPage, settings: Any) -> None:
    """Through the ledger, from its address; the same again where it was certainly not sent."""
    seller = save_seller(team_id=team_of(page.user), by=page.user, values=PROFILE, attest=True)
    MailSender.objects.create(seller=seller, name="Acme Homes", address="hello@mail.example.com")
    event = held(page, slots(page)[0])
    with Postbox() as server:
        server.thread.start()
        carry(settings, server)
        server.throttled = 1
        assert mails.send_due() == 0
        Event.objects.filter(pk=event.pk).update(mail_until=None)
        Operation.objects.filter(name="email").update(next_slot_at=None)
        assert mails.send_due() == 1
        press(event, page)
        assert mails.send_due() == 1
        vendor.close()
        server.shutdown()
    (_, asked), (to, invitation) = server.taken
    assert (to, invitation["From"]) == ("pat@example.com", "Acme Homes <hello@mail.example.com>")
    assert link_of(event, page) in words(asked)
    (part,) = (one for one in invitation.walk() if one.get_content_type() == "text/calendar")
    assert part.get_param("method") == "REQUEST" and "METHOD:REQUEST" in words(invitation)
    assert asked["Message-ID"] != invitation["Message-ID"] and invitation["Auto-Submitted"] == "auto-generated"
    assert {one.to[0] for one in mail.outbox} == {"jane@example.com"}
    calls = VendorCall.objects.filter(purpose="booking", operation__name="email")
    assert sorted(calls.values_list("state", flat=True)) == ["released", "settled", "settled"]


def test_hours_and_days_are_by_the_hosts_clock(page: BookingPage) -> None:
    found = slots(page)
    first = clock.now() + timedelta(hours=page.notice_hours)
    assert min(found) >= f"{first:%Y-%m-%dT%H:%M}" and {slot[11:13] for slot in found} == {"17", "18", "19", "20", "21"}
    assert hours.openings_of(page.user_id)[0].weekday == 0
    with pytest.raises(hours.BadHours, match="overlap"):
        opening = hours.openings_of(page.user_id)[0]
        longer = Opening(0, opening.start, opening.end.replace(hour=19))
        hours.set_hours(access=own_access(page.user), openings=[opening, longer])


def test_the_host_gets_a_mail_of_her_own_that_names_no_guest(page: BookingPage) -> None:
    event = held(page, slots(page)[0], name="Pat Owner")
    mails.send_due()
    assert [one.to for one in mail.outbox] == [["pat@example.com"]]  # nothing for her until it is confirmed
    assert press(event, page).status_code == 200
    mails.send_due()
    press(event, page, do="move", at=slots(page)[3])
    mails.send_due()
    press(event, page, do="cancel")
    mails.send_due()
    mails.send_due()
    hers: list[Any] = [one for one in mail.outbox if one.to == ["jane@example.com"]]
    assert [one.subject.partition(":")[0] for one in hers] == [
        "Appointment booked", "Appointment moved", "Appointment cancelled",
    ]  # fmt: skip
    read: Any = [Calendar.from_ical(str(one.alternatives[0][0])).walk("VEVENT")[0] for one in hers]
    assert len({str(one["UID"]) for one in read}) == 1 and [int(one["SEQUENCE"]) for one in read] == [0, 1, 2]
    assert [str(one["STATUS"]) for one in read] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    everything = "".join(str(one.message()) for one in hers)
    assert "Pat" not in everything and "pat@" not in everything and str(event.pk) in everything


def test_a_new_place_is_mailed_to_the_guest_and_a_new_title_is_not(page: BookingPage) -> None:
    event = held(page, slots(page)[0])
    press(event, page)
    mails.send_due()
    event.refresh_from_db()
    planning.change(event, title="Wants to sell soon")
    assert mails.send_due() == 0
    planning.change(event, place="12 Main St")
    assert mails.send_due() == 1
    method, read = invited()
    assert (method, str(read["LOCATION"]), int(read["SEQUENCE"])) == ("REQUEST", "12 Main St", 2)
    assert "sell" not in str(mail.outbox[-2].message())


def test_who_has_booked_can_cancel_though_the_page_is_off_or_has_a_new_address(page: BookingPage) -> None:
    event, other = held(page, slots(page)[0]), held(page, slots(page)[1], "lee@example.com")
    press(event, page)
    access, old = own_access(page.user), page.slug
    hours.change_page(access=access, new_address=True)
    assert "Move it" in Client().get(f"/book/{old}/{booking.token_of(event)}").content.decode()
    hours.change_page(access=access, enabled=False)
    seen = Client().get(link_of(event, page)).content.decode()
    assert "Cancel this appointment" in seen and "Move it" not in seen and hours.page_of(access).slug not in seen
    assert press(event, page, do="move", at=event.starts_at.isoformat()).status_code == 409
    assert press(other, page).status_code == 409 and Event.objects.get(pk=other.pk).status == "held"
    assert press(event, page, do="cancel").status_code == 200
    assert Event.objects.get(pk=event.pk).status == "cancelled"
    assert Client().get(f"/book/{old}/{'0' * 64}").status_code == 404


@pytest.mark.parametrize(
    "body",
    ["[" * 16_000, '{"a":' * 3_000, {"name": "\ud800"}, {"email": "a@\ud800.com"}, {"note": "\ud800"}, {"name": None},
     {"name": "\r\n"}, {"at": "9999-12-31T23:59:59+00:00"}, {"at": "0001-01-01T00:00:00+14:00"}],
)  # fmt: skip
def test_no_body_breaks_the_public_page(body: Any) -> None:
    page = make_host(buffer_minutes=15)
    said = {"at": slots(page)[0], "name": "Pat", "email": "pat@example.com"}
    text = body if isinstance(body, str) else json.dumps(said | body)
    answer = Client(raise_request_exception=False).post(f"/book/{page.slug}", text, content_type="application/json")
    stored = {"\ud800"} & set(body.values()) and "email" not in body if isinstance(body, dict) else False
    assert answer.status_code == (201 if stored else 400)


def test_a_name_of_several_lines_and_control_characters_is_one_line_of_an_invitation(page: BookingPage) -> None:
    event = held(page, slots(page)[0], name='Eve\r\nATTENDEE:mailto:x\x01\x85\x0b "Q" \u202eevil')
    assert event.guest_name == 'Eve ATTENDEE:mailto:x "Q" evil'
    press(event, page)
    mails.send_due()
    _, read = invited()
    assert str(read["ATTENDEE"]) == "mailto:pat@example.com" and read["ATTENDEE"].params["CN"] == event.guest_name


@pytest.mark.long
def test_one_line_of_ipv6_is_one_address(page: BookingPage, settings: Any) -> None:
    settings.NUM_PROXIES = 1
    answers = [
        post(page, slots(page)[0], f"g{n}@example.com", ip=f"2001:db8:0:1::{n:x}").status_code for n in range(22)
    ]
    assert answers[-2:] == [429, 429] and 429 not in answers[:20]
    assert post(page, slots(page)[1], "h@example.com", ip="2001:db8:0:2::1").status_code == 201


@pytest.mark.parametrize("name", ["J. R. Ewing Jr.", "Dr.Smith", "José Núñez 3rd", "12 Main St LLC 2024", "Acme Inc."])
def test_a_name_with_dots_and_numbers_is_a_name(page: BookingPage, name: str) -> None:
    assert held(page, slots(page)[0], name=name).guest_name == name


def test_who_moves_keeps_the_length_and_the_buffer_though_the_pages_are_others_by_now(page: BookingPage) -> None:
    event = held(page, slots(page)[0])  # an hour
    press(event, page)
    free = slots(page)
    other = held(page, free[1], "sam@example.com")
    press(other, page)
    hours.change_page(access=own_access(page.user), minutes=30, buffer_minutes=30)
    event.refresh_from_db()
    page.refresh_from_db()
    offered = booking.offered(page, but=event)
    assert offered and all(abs(at - other.starts_at) >= timedelta(minutes=90) for at in offered)
    near = other.starts_at - timedelta(minutes=60)  # room for half an hour, not for an hour and its buffer
    assert press(event, page, do="move", at=near.isoformat()).status_code == 409
    assert press(event, page, do="move", at=offered[-1].isoformat()).status_code == 200
    event.refresh_from_db()
    assert (event.starts_at, event.ends_at - event.starts_at) == (offered[-1], timedelta(hours=1))


def test_a_late_press_too_near_to_another_is_refused(page: BookingPage) -> None:
    hours.change_page(access=own_access(page.user), buffer_minutes=30)
    event = held(page, slots(page)[0])
    Event.objects.filter(pk=event.pk).update(held_until=database_now() - timedelta(seconds=1))
    planning.plan(
        by=page.user, team_id=page.team_id, owner=page.user, kind="appointment", starts_at=event.ends_at, minutes=30,
    )  # fmt: skip
    held_again = Event.objects.filter(pk=event.pk)
    if not held_again.exists():  # a plan frees what is over
        event.save(force_insert=True)
        held_again.update(held_until=database_now() - timedelta(seconds=1))
    assert press(event, page).status_code == 409 and held_again.get().status == "held"


def test_a_page_of_five_minutes_day_and_night_shows_its_first_days_and_takes_the_last(page: BookingPage) -> None:
    hours.set_hours(access=own_access(page.user), openings=[Opening(day, time(0), time(23, 55)) for day in range(7)])
    hours.change_page(access=own_access(page.user), minutes=5, days_ahead=90)
    page.refresh_from_db()
    free = booking.offered(page)
    assert booking.SHOWN <= len(free) < booking.SHOWN + 300
    far = free[0] + timedelta(days=80)
    assert held(page, far.isoformat()).starts_at == far
    refused = post(page, far.isoformat(), "sam@example.com").json()["error"]
    assert refused["code"] == "SLOT_TAKEN" and refused["next"][0] == iso(far + timedelta(minutes=5))
    assert post(page, (far + timedelta(minutes=1)).isoformat(), "sue@example.com").status_code == 409
