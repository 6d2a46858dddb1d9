"""The views that every team has: which leads each holds, how many, and which one the list opens on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import access_in, own_access
from accounts.models import Membership, Role, User
from campaigns.models import Conversation
from leads.models import ContactKey, Lead
from leads.selection.presets import PRESETS, count_of, first_view, leads_of, missing_for_calls
from tests.campaigns.gate.samples import NOON, bucket_of, checked, company, person
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.clock.now", lambda: NOON)
    monkeypatch.setattr("leads.calendar.clock.now", lambda: NOON)


@pytest.fixture
def ann() -> User:
    return make_user("ann")


def counts(user: User) -> dict[str, int]:
    access = own_access(user)
    return {key: count_of(access, key) for key in PRESETS}


def wrote(lead: Lead, *, is_read: bool = False, state: str = "open") -> Conversation:
    key = ContactKey.objects.create(kind=1, digest=lead.pk.bytes * 2, hint="…0143")
    return Conversation.objects.create(
        team_id=lead.team_id, lead=lead, key=key, opened_at=NOON, last_in_at=NOON, is_read=is_read, state=state
    )


def test_each_preset_counts_the_leads_it_names_of_the_team_alone(ann: User) -> None:
    ready, due, talks, bare, read = bucket_of(ann).leads.order_by("pk")
    checked(company(ann))
    for lead in (ready, due, talks, read):
        person(lead, "B")
        Lead.objects.filter(pk=lead.pk).update(enrichment_status="completed")
    Lead.objects.filter(pk=due.pk).update(callback_at=NOON - timedelta(hours=1), status="contacted")
    Lead.objects.filter(pk=talks.pk).update(last_contact_at=NOON, status="contacted")
    Lead.objects.filter(pk=read.pk).update(enrichment_status="partial", status="lost")
    wrote(talks)
    wrote(read, is_read=True)
    wrote(bare, state="closed")
    bob = make_user("bob")
    person(bucket_of(bob, name="Bob's").leads.order_by("pk")[0], "A")

    assert counts(ann) == {
        "readyToCall": 1, "callbacksDue": 1, "newReplies": 1, "noContactYet": 1, "notEnriched": 1, "withPhone": 4,
        "all": 5,
    }  # fmt: skip
    assert list(leads_of(own_access(ann), "readyToCall")) == [ready]
    assert list(leads_of(own_access(ann), "newReplies")) == [talks]
    assert count_of(own_access(ann), "all", at_most=3) == 4  # more than 3
    assert counts(bob)["all"] == 5


def test_the_list_opens_on_ready_to_call_once_a_company_and_a_check_are_there(ann: User) -> None:
    lead = bucket_of(ann).leads.order_by("pk")[0]
    assert first_view(own_access(ann)) == "all"  # no lead has a phone
    person(lead, "B")
    assert first_view(own_access(ann)) == "withPhone"
    assert "company’s profile" in missing_for_calls(own_access(ann))
    seller = company(ann)
    assert "do-not-call registry" in missing_for_calls(own_access(ann))
    checked(seller)
    assert (missing_for_calls(own_access(ann)), first_view(own_access(ann))) == ("", "readyToCall")


def test_a_caller_counts_her_own_leads_alone(ann: User) -> None:
    cleo, (first, *_) = make_user("cleo"), bucket_of(ann).leads.order_by("pk")
    Membership.objects.create(user=cleo, team_id=first.team_id, role=Role.CALLER)
    Lead.objects.filter(pk=first.pk).update(assigned_to=cleo, callback_at=timezone.now() - timedelta(days=400))
    hers = access_in(cleo, first.team_id)
    assert (count_of(hers, "all"), count_of(hers, "callbacksDue")) == (1, 1)
    assert count_of(own_access(ann), "callbacksDue") == 0  # assigned to somebody else
