"""Calling from a lead's page: the gate at the press, how it ended by one press, and an e-mail of one's own."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from campaigns.models import CallAttempt
from leads.admin.addresses import link
from leads.calendar.table import Event
from leads.models import Activity, Lead, Suppression
from tests.admin_site import member, signed_in
from tests.campaigns.dialing.world import Floor, make_floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(settings: Any) -> Floor:
    made = make_floor(3, settings)
    User.objects.update(is_staff=True)
    return made


def test_a_call_is_pressed_ended_and_the_next_lead_follows_on_the_leads_own_page(floor: Floor) -> None:
    lead, client = floor.leads[2], signed_in(floor.ann)
    page = link(lead, "")
    before = client.get(page).content.decode()
    assert "tel:" not in before and "Log a call" in before

    pressed = client.post(page, {"do": "call", "number": lead.phone})
    assert pressed.headers["Location"] == page
    assert f'href="tel:{lead.phone}"' in client.get(page).content.decode()
    assert "Say first how your last call ended" in client.get(link(floor.leads[0])).content.decode()
    ended = client.post(page, {"do": "outcome", "code": "interested", "note": "Wants an offer", "seen": "0"})

    assert str(floor.leads[1].pk) in ended.headers["Location"]
    row = CallAttempt.objects.get()
    assert (row.disposition and row.disposition.code, row.note, row.mode) == ("interested", "Wants an offer", "tel")
    assert Lead.objects.get(pk=lead.pk).status == "qualified"
    again = client.post(page, {"do": "call", "number": lead.phone}).content.decode()
    assert "Wait 60 minutes after the last attempt" in again
    assert "none of the lead" in client.post(page, {"do": "call", "number": "+12065550100"}).content.decode()


@pytest.mark.long
def test_an_outcome_that_stops_contact_needs_a_call_and_can_be_taken_back(floor: Floor) -> None:
    lead, client = floor.leads[0], signed_in(floor.ann)

    refused = client.post(link(lead), {"do": "outcome", "code": "do_not_call", "seen": "0"})
    assert "stops contact for good: press Call first" in refused.content.decode()
    assert (Activity.objects.count(), Suppression.objects.count()) == (0, 0)

    client.post(link(lead), {"do": "call", "number": lead.phone})
    said = client.post(link(lead), {"do": "outcome", "code": "do_not_call"})
    assert "Take it back" in client.get(said.headers["Location"]).content.decode()
    back = client.post(link(floor.leads[1]), {"do": "take-back"})
    assert back.headers["Location"] == link(lead)
    assert CallAttempt.objects.get().disposition is None
    assert "It is too late" in client.post(link(lead), {"do": "take-back"}).content.decode()


@pytest.mark.long
def test_a_call_made_on_her_own_phone_is_told_by_one_press_once(floor: Floor) -> None:
    lead, client = floor.leads[0], signed_in(floor.ann)
    pressed = {"do": "outcome", "code": "not_interested", "note": "Keeps it", "seen": "0"}

    for _ in range(2):
        assert client.post(link(lead), pressed).status_code == 302
    assert list(Activity.objects.filter(kind="call").values_list("text", flat=True)) == ["Not interested: Keeps it"]
    assert (Lead.objects.get(pk=lead.pk).status, CallAttempt.objects.count()) == ("lost", 0)
    wrong = client.post(link(floor.leads[1]), pressed | {"code": "callback", "when": "some day"})
    assert (wrong.status_code, "Keeps it" in wrong.content.decode()) == (200, True)
    assert "needs a time" in client.post(link(floor.leads[1]), pressed | {"code": "callback"}).content.decode()
    client.post(link(floor.leads[1]), pressed | {"code": "callback", "when": "tue 3pm"})
    assert Event.objects.get().lead_id == floor.leads[1].pk
    assert "no such outcome" in client.post(link(lead), pressed | {"code": "x\x00"}).content.decode()


@pytest.mark.long
def test_who_may_not_call_sees_no_outcomes(floor: Floor) -> None:
    lead, team = floor.leads[0], floor.bucket.team
    _, reader = member(team, "reader", "rita")
    other = signed_in(floor.callers[0])

    assert "Log a call" not in reader.get(link(lead)).content.decode()
    for act in ("call", "outcome", "take-back", "mail"):
        assert reader.post(link(lead), {"do": act}).status_code == 403
        assert other.post(link(lead), {"do": act}).status_code == 404  # not assigned to her


@pytest.mark.long
def test_an_e_mail_is_written_on_the_page_or_it_says_why_not(floor: Floor) -> None:
    lead, client = floor.leads[0], signed_in(floor.ann)
    assert "Write an e-mail" not in client.get(link(lead)).content.decode()
    Lead.objects.filter(pk=lead.pk).update(email="maria@example.com")

    assert "Write an e-mail" in client.get(link(lead)).content.decode()
    refused = client.post(link(lead), {"do": "mail", "subject": "Your house", "mail": "Hello", "press": "x"})
    assert "The e-mail is not sent" in refused.content.decode()
