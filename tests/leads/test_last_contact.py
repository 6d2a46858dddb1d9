"""When a person last called, texted or e-mailed the owner."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.db import connection

from leads.models import Activity, Lead
from leads.services import add_activity
from tests.leads.samples import make_lead

pytestmark = pytest.mark.django_db
FAR_AHEAD = datetime(2901, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["call", "sms", "email"])
def test_a_call_an_sms_and_an_e_mail_are_contacts(kind: str) -> None:
    lead = make_lead()
    activity = add_activity(lead=lead, by=lead.owner, kind=kind)

    assert Lead.objects.get().last_contact_at == activity.created_at


@pytest.mark.parametrize("kind", ["note", "callback"])
def test_a_note_is_none(kind: str) -> None:
    lead = make_lead()
    add_activity(lead=lead, by=lead.owner, kind=kind, text="x")

    assert Lead.objects.get().last_contact_at is None


def test_it_never_goes_back() -> None:
    lead = make_lead(last_contact_at=FAR_AHEAD)
    add_activity(lead=lead, by=lead.owner, kind="call")

    assert Lead.objects.get().last_contact_at == FAR_AHEAD


def test_what_was_logged_before_is_filled_in() -> None:
    lead = make_lead()
    for kind, at in (("call", 1), ("sms", 3), ("email", 2), ("note", 4)):
        activity = Activity.objects.create(lead=lead, kind=kind)
        Activity.objects.filter(pk=activity.pk).update(created_at=datetime(2026, 11, at, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute(import_module("leads.migrations.0012_search").CONTACTED)

    assert Lead.objects.get().last_contact_at == datetime(2026, 11, 3, tzinfo=UTC)
