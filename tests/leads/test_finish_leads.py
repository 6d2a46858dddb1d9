"""How buying ended, on the lead: status, error, and by how many the leads with a phone grew."""

from __future__ import annotations

from uuid import uuid4

import pytest

from leads.models import Lead
from leads.services import Finish, Finished, finish_leads
from tests.leads.samples import make_lead, make_leads

pytestmark = pytest.mark.django_db

PHONE = "+15125550100"


def state(lead: Lead) -> tuple[str, str | None]:
    lead.refresh_from_db()
    return lead.enrichment_status, lead.enrichment_error


def test_a_lead_with_a_phone_is_completed_and_one_without_is_partial() -> None:
    _, (reached, silent) = make_leads(2)
    Lead.objects.filter(pk=reached.pk).update(phone=PHONE, email="a@example.com")
    found, grown = finish_leads([Finish(silent.pk), Finish(reached.pk)])
    assert found == {reached.pk: Finished(True, True), silent.pk: Finished(False, False)}
    assert grown == 1
    assert (state(reached), state(silent)) == (("completed", None), ("partial", None))


def test_a_failure_is_kept_in_words_of_at_most_300_letters() -> None:
    lead = make_lead()
    assert finish_leads([Finish(lead.pk, "NOT_FOUND: " + "x" * 400)])[1] == 0
    assert state(lead) == ("failed", "NOT_FOUND: " + "x" * 289)


@pytest.mark.parametrize(("phone", "status"), [(PHONE, "completed"), (None, "partial")])
def test_a_failure_takes_nothing_away_from_a_lead_that_was_finished(phone: str | None, status: str) -> None:
    lead = make_lead(phone=phone, enrichment_status=status)
    assert finish_leads([Finish(lead.pk, "NETWORK_ERROR: cut")])[1] == 0
    assert state(lead) == (status, "NETWORK_ERROR: cut")
    assert finish_leads([Finish(lead.pk)])[1] == 0
    assert state(lead) == (status, None)


@pytest.mark.parametrize("before", ["pending", "failed", "partial"])
def test_the_count_grows_once_however_often_it_is_told(before: str) -> None:
    lead = make_lead(phone=PHONE, enrichment_status=before, enrichment_error="NOT_FOUND: x")
    assert finish_leads([Finish(lead.pk)])[1] == 1
    assert finish_leads([Finish(lead.pk)])[1] == 0
    assert state(lead) == ("completed", None)


def test_a_completed_lead_that_lost_its_phone_makes_the_count_shrink() -> None:
    lead = make_lead(phone=PHONE, enrichment_status="completed")
    Lead.objects.filter(pk=lead.pk).update(phone="")
    assert finish_leads([Finish(lead.pk)])[1] == -1
    assert state(lead) == ("partial", None)


def test_no_news_is_no_write() -> None:
    lead = make_lead(phone=PHONE)
    finish_leads([Finish(lead.pk)])
    before = Lead.objects.values().get()
    finish_leads([Finish(lead.pk)])
    assert Lead.objects.values().get() == before


def test_a_lead_that_is_gone_is_nobodys_error() -> None:
    assert finish_leads([Finish(uuid4())]) == ({}, 0)
    assert finish_leads([]) == ({}, 0)
