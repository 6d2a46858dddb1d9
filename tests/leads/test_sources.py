"""Which of several values a lead shows, and what becomes of the others: on real rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.facts.saving import APOLLO, CONTACT, PROPERTY, FactRow, Source, save_facts
from leads.facts.sources import other_person, same_name
from leads.models import Lead
from tests.leads.samples import make_lead, make_leads, source_of

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 24, 8, tzinfo=UTC)
NOON = MORNING + timedelta(hours=4)
NIGHT = NOON + timedelta(hours=10)
AT = "2026-11-20T09:00:00+00:00"
FILE = {"source": "file", "at": AT}
OWN: dict[str, Any] = {
    "owner_name": "Ann Doe",
    "phone": "+12065550199",
    "email": "ann.own@example.com",
    "mailing_address": "1 Own Rd",
    "mailing_city": "Reno",
    "mailing_state": "NV",
    "mailing_zip": "89501",
    "property_address": "14 NW 5th St",
    "fact_sources": dict.fromkeys(("owner_name", "phone", "email", "mailing_address"), FILE),
}
DETAIL: dict[str, Any] = {
    "owner_name": "ROE, RICHARD",
    "first_name": "Richard",
    "last_name": "Roe",
    "mailing_address": "7 Record Ave",
    "mailing_city": "Austin",
    "mailing_state": "TX",
    "mailing_zip": "78701",
    "property_address": "14 NORTHWEST 5TH ST",
    "bedrooms": 3,
}
TRACE: dict[str, Any] = {
    "first_name": "Richard",
    "last_name": "Roe",
    "phone": "+15125550101",
    "phone_type": "landline",
    "phone_do_not_call": True,
    "secondary_phone": "+15125550102",
    "secondary_phone_type": "mobile",
    "secondary_phone_do_not_call": False,
    "email": "bought@example.com",
    "mailing_address": "9 Traced St",
    "mailing_city": "Waco",
    "mailing_state": "TX",
    "mailing_zip": "76701",
}


def save(source: Source, lead: Lead, facts: dict[str, Any], at: datetime = NOON) -> int:
    changed = save_facts(source, [FactRow(lead.pk, facts, at)]).changed
    lead.refresh_from_db()
    return changed


def others(lead: Lead, fact: str) -> list[tuple[Any, str]]:
    return [(entry["value"], entry["source"]) for entry in (lead.other_facts or {}).get(fact, [])]


def test_a_files_contacts_stay_first_through_detail_and_trace_and_what_loses_stays_with_its_source() -> None:
    lead = make_lead(**OWN)
    save(PROPERTY, lead, DETAIL)
    save(CONTACT, lead, TRACE, NIGHT)

    shown = {name: getattr(lead, name) for name in OWN if name not in ("property_address", "fact_sources")}
    assert shown == {name: OWN[name] for name in shown}
    assert (lead.first_name, lead.last_name) == (None, None)
    assert (lead.phone_type, lead.phone_do_not_call) == (None, None)
    assert (lead.secondary_phone, lead.secondary_phone_type) == ("+15125550101", "landline")
    assert lead.secondary_phone_do_not_call is True
    assert (lead.traced_address, lead.traced_zip) == ("9 Traced St", "76701")
    assert others(lead, "phone") == [("+15125550102", "trace")]
    assert lead.other_facts is not None
    assert lead.other_facts["phone"][0] | {"at": ""} == {
        "value": "+15125550102", "type": "mobile", "do_not_call": False, "source": "trace", "at": "",
    }  # fmt: skip
    assert others(lead, "email") == [("bought@example.com", "trace")]
    assert others(lead, "owner_name") == [("ROE, RICHARD", "detail")]
    assert others(lead, "mailing_address") == [("7 Record Ave, Austin, TX 78701", "detail")]
    assert (lead.property_address, others(lead, "property_address")) == (
        "14 NORTHWEST 5TH ST", [("14 NW 5th St", "file")],
    )  # fmt: skip
    assert source_of(lead, "phone") == FILE


def test_the_same_answers_again_change_nothing() -> None:
    lead = make_lead(**OWN)
    save(PROPERTY, lead, DETAIL)
    save(CONTACT, lead, TRACE, NIGHT)
    before = Lead.objects.values().get()

    assert save(PROPERTY, lead, DETAIL) == 0
    assert save(CONTACT, lead, TRACE, NIGHT) == 0
    assert Lead.objects.values().get() == before


def test_a_phone_that_came_with_a_lead_before_sources_were_kept_is_a_persons_own() -> None:
    lead = make_lead(phone="+12065550199", email="own@example.com")
    save(CONTACT, lead, TRACE)

    assert (lead.phone, lead.secondary_phone, lead.email) == ("+12065550199", "+15125550101", "own@example.com")
    assert {source_of(lead, name)["source"] for name in ("phone", "email")} == {"file"}
    save(CONTACT, lead, TRACE | {"phone": "+15125550103"}, NIGHT)
    assert (lead.phone, lead.secondary_phone) == ("+12065550199", "+15125550103")


def test_what_is_typed_outranks_a_file_and_both_places_may_be_a_persons() -> None:
    typed = {"source": "typed", "at": AT, "by": "ann"}
    lead = make_lead(
        phone="+12065550199", secondary_phone="+12065550198", fact_sources={"phone": FILE, "secondary_phone": typed}
    )
    save(CONTACT, lead, TRACE)

    assert (lead.phone, lead.secondary_phone) == ("+12065550199", "+12065550198")
    assert others(lead, "phone") == [("+15125550101", "trace"), ("+15125550102", "trace")]
    assert lead.fact_sources == {"phone": FILE, "secondary_phone": typed}


@pytest.mark.parametrize(
    ("own", "bought", "mark"),
    [(True, False, True), (None, True, True), (False, True, True), (None, None, None), (False, None, False),
     (None, False, False), (True, None, True)],
)  # fmt: skip
def test_a_number_that_is_known_already_takes_the_marks_of_the_answer_and_they_never_weaken(own, bought, mark) -> None:
    lead = make_lead(phone="+15125550101", phone_do_not_call=own, fact_sources={"phone": FILE})
    save(CONTACT, lead, TRACE | {"phone_do_not_call": bought})

    assert (lead.phone, lead.phone_type, lead.phone_do_not_call) == ("+15125550101", "landline", mark)
    assert lead.secondary_phone == "+15125550102"
    assert source_of(lead, "phone") == FILE
    assert lead.other_facts is None


def test_of_what_was_bought_the_newer_wins_and_a_mark_once_seen_stays_with_its_number() -> None:
    lead = make_lead()
    save(CONTACT, lead, TRACE, MORNING)
    assert (lead.fact_sources, lead.other_facts) == (None, None)

    save(CONTACT, lead, {"phone": "+15125550105", "email": "newer@example.com"}, NOON)
    assert (lead.phone, lead.secondary_phone, lead.email) == ("+15125550105", "+15125550101", "newer@example.com")
    assert lead.secondary_phone_do_not_call is True
    assert others(lead, "phone") == [("+15125550102", "trace")]
    assert others(lead, "email") == [("bought@example.com", "trace")]

    save(CONTACT, lead, {"phone": "+15125550101", "phone_do_not_call": False, "email": "bought@example.com"}, NIGHT)
    assert (lead.phone, lead.phone_do_not_call, lead.secondary_phone) == ("+15125550101", True, "+15125550105")
    assert (lead.email, others(lead, "email")) == ("bought@example.com", [("newer@example.com", "trace")])


def test_an_older_answer_that_comes_later_loses_and_an_empty_one_takes_nothing() -> None:
    lead = make_lead()
    save(CONTACT, lead, TRACE, NOON)
    save(APOLLO, lead, {"email": "apollo@example.com", "phone": "+15125550107"}, MORNING)
    assert (lead.email, lead.phone, lead.secondary_phone) == ("bought@example.com", "+15125550101", "+15125550102")
    assert others(lead, "email") == [("apollo@example.com", "apollo")]
    assert others(lead, "phone") == [("+15125550107", "apollo")]

    save(CONTACT, lead, {}, NIGHT)
    assert (lead.email, lead.phone, lead.secondary_phone) == ("bought@example.com", "+15125550101", "+15125550102")


def test_apollos_newer_email_wins_over_the_traces_and_says_so() -> None:
    lead = make_lead()
    save(CONTACT, lead, TRACE, MORNING)
    save(APOLLO, lead, {"email": "apollo@example.com"}, NOON)

    assert (lead.email, others(lead, "email")) == ("apollo@example.com", [("bought@example.com", "trace")])
    assert source_of(lead, "email")["source"] == "apollo"
    assert (lead.phone, lead.secondary_phone) == ("+15125550101", "+15125550102")


def test_a_typed_property_fact_stays_and_a_files_is_replaced() -> None:
    typed = {"source": "typed", "at": AT}
    lead = make_lead(bedrooms=5, property_city="Ostin", property_county="Travis", fact_sources={"bedrooms": typed})
    save(PROPERTY, lead, {"bedrooms": 3, "property_city": "Austin", "sqft": 900})

    assert (lead.bedrooms, lead.property_city, lead.property_county, lead.sqft) == (5, "Austin", "Travis", 900)
    assert others(lead, "bedrooms") == [(3, "detail")]
    assert others(lead, "property_city") == [("Ostin", "file")]
    assert source_of(lead, "property_county")["source"] == "file"


def test_a_name_and_a_mailing_address_are_never_made_of_two_and_the_same_owner_is_completed() -> None:
    lead = make_lead(**OWN | {"owner_name": "Richard Roe", "mailing_address": "7 record ave.", "mailing_city": "Austin",
                              "mailing_state": "TX", "mailing_zip": "78701"})  # fmt: skip
    save(PROPERTY, lead, DETAIL)

    assert (lead.owner_name, lead.first_name, lead.last_name) == ("Richard Roe", "Richard", "Roe")
    assert lead.mailing_address == "7 record ave."
    assert lead.other_facts is None or "mailing_address" not in lead.other_facts
    assert others(lead, "owner_name") == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("DOE, ANN M", "Ann Doe", True), ("Ann Doe", "Bob Doe", False), ("SMITH JOHN & MARY", "John Smith", True)],
)
def test_two_spellings_of_one_owner_are_the_same_name(one, other, same) -> None:
    assert same_name(one, other) is same


@pytest.mark.usefixtures("by_the_lead_alone")
def test_contacts_of_another_person_are_told_so_and_are_not_called_as_the_owners() -> None:
    mine, lead = make_leads(2)[1]
    for one in (mine, lead):
        save(PROPERTY, one, DETAIL | {"first_name": None, "last_name": None, "owner_name": "ROE HOLDINGS LLC"})
    Lead.objects.filter(pk=mine.pk).update(phone="+12065550199")
    for one in (mine, lead):
        save(CONTACT, one, TRACE | {"phone_do_not_call": None, "contact_name": "Jane Roe", "contact_is_other": True})

    assert (lead.contact_name, lead.contact_is_other, lead.first_name) == ("Jane Roe", True, None)
    assert (lead.phone, mine.phone) == ("+15125550101", "+12065550199")
    assert [other_person(vars(mine), slot) for slot in ("phone", "secondary_phone")] == ["", "Jane Roe"]
    assert list(Lead.objects.contactable()) == [mine]

    save(CONTACT, lead, {"phone": "+15125550109", "contact_name": "Richard Roe", "contact_is_other": False}, NIGHT)
    assert (lead.contact_is_other, lead.secondary_phone) == (False, "+15125550101")
    assert source_of(lead, "secondary_phone")["person"] == "Jane Roe"
    assert set(Lead.objects.contactable()) == {mine, lead}


def test_clean_leads_and_own_ones_go_in_one_batch_and_the_counters_grow_with_it() -> None:
    bucket, leads = make_leads(3)
    Lead.objects.filter(pk=leads[1].pk).update(**OWN)
    rows = [FactRow(lead.pk, TRACE, NOON) for lead in leads]

    with CaptureQueriesContext(connection) as sent:
        saved = save_facts(CONTACT, rows)

    assert len(sent) == 11  # two of facts, one of the forgotten list, eight of the owners' keys: however many leads
    grown = {"detailed_leads": 0, "phone_leads": 2, "enriched_leads": 0}
    assert (saved.changed, saved.grown) == (3, {bucket.pk: grown})
    assert list(Lead.objects.order_by("pk").values_list("phone", flat=True)) == [
        "+15125550101", "+12065550199", "+15125550101",
    ]  # fmt: skip
    assert Lead.objects.filter(fact_sources__isnull=True, other_facts__isnull=True).count() == 2
    assert save_facts(PROPERTY, [FactRow(leads[0].pk, DETAIL, NOON)]).grown == {
        bucket.pk: {"detailed_leads": 1, "phone_leads": 0, "enriched_leads": 0}
    }
