"""Bought facts on leads: which one wins, and no write where nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import models

from leads.facts.saving import APOLLO, CONTACT, PROPERTY, FactRow, Source, save_facts
from leads.models import Lead
from leads.services import Finish, Finished, finish_leads
from tests.leads.samples import make_lead, make_leads

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
DETAIL: dict[str, Any] = {
    "apn": "3225-079-008",
    "property_address": '12 O\'Neil "Ünïcødé" St \\ 東京',
    "property_state": "WA",
    "bedrooms": 3,
    "bathrooms": "2.25",
    "estimated_value": 2_147_483_648,
    "equity_percent": "-12.5",
    "latitude": "47.6062095",
    "absentee_owner": False,
    "vacant": True,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "mailing_address": "1 Main St",
    "mailing_zip": "00501",
}


def save(source: Source, lead: Lead, facts: dict[str, Any], at: datetime = NOON) -> int:
    changed = save_facts(source, [FactRow(lead.pk, facts, at)]).changed
    lead.refresh_from_db()
    return changed


def test_a_detail_is_written_to_the_letter_and_stamped() -> None:
    lead = make_lead()
    assert save(PROPERTY, lead, DETAIL) == 1
    written = {name: getattr(lead, name) for name in DETAIL}
    decimals = {"bathrooms": Decimal("2.25"), "equity_percent": Decimal("-12.5"), "latitude": Decimal("47.6062095")}
    assert written == DETAIL | decimals
    assert (lead.enriched_at, lead.skip_traced_at, lead.enrichment_status) == (NOON, None, "pending")


@pytest.mark.parametrize(
    ("phone", "before", "after", "grown"),
    [
        ("+15125550100", "pending", "completed", 1),
        ("+15125550100", "failed", "completed", 1),
        ("+15125550100", "completed", "completed", 0),
        (None, "pending", "partial", 0),
        (None, "failed", "partial", 0),
    ],
)
def test_how_buying_ended_is_written_with_its_last_answer(
    phone: str | None, before: str, after: str, grown: int
) -> None:
    lead = make_lead(enrichment_status=before, enrichment_error="NOT_FOUND: x", phone=phone and "+15125550199")
    saved = save_facts(CONTACT, [FactRow(lead.pk, {"phone": phone} if phone else {}, NOON, ends=True)])
    lead.refresh_from_db()
    assert (lead.enrichment_status, lead.enrichment_error) == (after, None)
    assert saved.grown[lead.bucket_id]["enriched_leads"] == grown
    assert finish_leads([Finish(lead.pk)]) == ({lead.pk: Finished(bool(phone), False)}, 0)


def test_a_lead_that_is_merged_into_another_does_not_end() -> None:
    _, (first, second) = make_leads(2)
    Lead.objects.filter(pk=second.pk).update(merged_into=first)
    save_facts(CONTACT, [FactRow(second.pk, {"phone": "+15125550100"}, NOON, ends=True)])
    assert Lead.every.get(pk=second.pk).enrichment_status == "pending"


def test_the_same_answer_again_changes_nothing() -> None:
    lead = make_lead()
    save(PROPERTY, lead, DETAIL)
    before = Lead.objects.values().get()
    assert save(PROPERTY, lead, DETAIL) == 0
    assert Lead.objects.values().get() == before


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("bathrooms", "2.128", Decimal("2.13")),
        ("equity_percent", "33.333333333", Decimal("33.33")),
        ("latitude", "47.606209512", Decimal("47.6062095")),
        ("bathrooms", 2.5, Decimal("2.50")),
        ("bathrooms", Decimal("2.50"), Decimal("2.50")),
    ],
)
def test_more_decimals_than_the_column_keeps_are_rounded_and_are_no_news_the_second_time(
    name: str, value: Any, kept: Decimal
) -> None:
    lead = make_lead()
    assert save(PROPERTY, lead, {name: value}) == 1
    assert getattr(lead, name) == kept
    assert save(PROPERTY, lead, {name: value}) == 0


def test_a_newer_detail_replaces_and_what_it_does_not_know_stays() -> None:
    lead = make_lead()
    save(PROPERTY, lead, DETAIL)
    assert save(PROPERTY, lead, {"bedrooms": 4, "apn": None, "vacant": False}, LATER) == 1
    assert (lead.bedrooms, lead.apn, lead.vacant, lead.property_state) == (4, "3225-079-008", False, "WA")
    assert lead.enriched_at == LATER


def test_an_answer_without_facts_still_stamps_the_lead() -> None:
    lead = make_lead()
    assert save(CONTACT, lead, {}) == 1
    assert (lead.skip_traced_at, lead.phone) == (NOON, None)


def test_a_skip_trace_has_a_mailing_address_of_its_own_and_fills_the_name_only_where_there_is_none() -> None:
    lead = make_lead()
    save(PROPERTY, lead, {"first_name": "Ada", "mailing_address": "1 Main St", "mailing_city": "Olympia"})
    trace = {
        "first_name": "Augusta",
        "last_name": "King",
        "phone": "+15125550100",
        "phone_type": "mobile",
        "phone_do_not_call": False,
        "email": "ada@example.com",
        "mailing_address": "9 Elm St",
    }
    save(CONTACT, lead, trace)
    assert (lead.first_name, lead.last_name) == ("Ada", "King")
    assert (lead.mailing_address, lead.mailing_city) == ("1 Main St", "Olympia")
    assert (lead.traced_address, lead.traced_city) == ("9 Elm St", None)
    assert (lead.phone, lead.phone_type, lead.phone_do_not_call) == ("+15125550100", "mobile", False)


def test_the_assessors_and_the_traces_mailing_address_are_two_facts_in_either_order() -> None:
    lead = make_lead()
    save(CONTACT, lead, {"mailing_address": "9 Elm St", "mailing_zip": "98101"})
    save(PROPERTY, lead, {"mailing_address": "1 Main St", "mailing_zip": "00501"}, LATER)
    assert (lead.mailing_address, lead.mailing_zip) == ("1 Main St", "00501")
    assert (lead.traced_address, lead.traced_zip) == ("9 Elm St", "98101")
    save(PROPERTY, lead, {"mailing_address": "2 Main St"}, LATER + timedelta(days=1))
    assert lead.mailing_address == "2 Main St"
    assert lead.other_facts is not None
    assert [entry["value"] for entry in lead.other_facts["mailing_address"]] == ["1 Main St, 00501"]


def test_apollos_phone_stands_behind_a_persons_own_and_it_replaces_its_own_facts() -> None:
    lead = make_lead(phone="+15125550100", apollo_title="Clerk")
    answer = {
        "apollo_title": "Owner",
        "apollo_employee_count": 12,
        "apollo_data": {"skills": ["a", {"b": None}]},
        "phone": "+15125550199",
        "phone_type": "mobile",
        "email": "owner@example.com",
    }
    assert save(APOLLO, lead, answer) == 1
    assert (lead.apollo_title, lead.apollo_employee_count) == ("Owner", 12)
    assert lead.apollo_data == {"skills": ["a", {"b": None}]}
    assert (lead.phone, lead.email, lead.apollo_enriched_at) == ("+15125550100", "owner@example.com", NOON)
    assert (lead.secondary_phone, lead.secondary_phone_type) == ("+15125550199", "mobile")
    assert save(APOLLO, lead, answer) == 0


def test_what_is_no_column_of_the_source_is_not_stored() -> None:
    lead = make_lead()
    forbidden = {
        "ethnicity": "x",
        "phone": "+15125550100",
        "status": "closed",
        "property_id": "9",
        "enriched_at": LATER,
    }
    save(PROPERTY, lead, {**forbidden, "bedrooms": 2})
    assert (lead.bedrooms, lead.phone, lead.status, lead.property_id, lead.enriched_at) == (2, None, "new", "1", NOON)


def test_a_batch_writes_each_answer_to_its_own_lead_and_counts_those_that_changed() -> None:
    _, leads = make_leads(3)
    rows = [FactRow(lead.pk, {"bedrooms": n}, NOON) for n, lead in enumerate(leads)]
    assert save_facts(PROPERTY, rows[:1]).changed == 1
    assert save_facts(PROPERTY, [*reversed(rows), FactRow(uuid4(), {"bedrooms": 9}, NOON)]).changed == 2
    assert list(Lead.objects.order_by("pk").values_list("bedrooms", flat=True)) == [0, 1, 2]


def test_no_answers_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert save_facts(PROPERTY, []).changed == 0


@pytest.mark.parametrize("source", [PROPERTY, CONTACT, APOLLO])
def test_every_column_named_is_one_of_the_lead_with_its_type(source: Source) -> None:
    kinds = {
        "text": models.CharField,
        "integer": models.IntegerField,
        "bigint": models.BigIntegerField,
        "numeric": models.DecimalField,
        "date": models.DateField,
        "boolean": models.BooleanField,
        "jsonb": models.JSONField,
    }
    for name, kind in source.types.items():
        field = Lead._meta.get_field(name)
        # numeric columns carry their digits, so that a rounded value is no news
        assert isinstance(field, kinds[kind.split("(")[0]]), name
        assert field.null
