"""All that an investor's file has: facts with their source, tags, a status, notes, and the columns no field holds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from buckets.imports import services
from buckets.imports.guessing import guess
from buckets.models import Bucket, Import
from buckets.services import recount
from common.db.clock import database_now
from integrations.models import PropertyName
from leads.facts.saving import PROPERTY, FactRow, save_facts
from leads.models import Activity, Lead, Tag
from leads.services import add_activity, add_tag
from tests.buckets.imports.files import csv_of, imported, totals, undone, uploaded, work
from tests.leads.samples import counters
from tests.support import make_user

pytestmark = pytest.mark.django_db

HEADER = ("Address", "City", "State", "Zip", "Est. Value", "Beds", "Last Sale Date", "Email", "Email 2", "Tags",
          "Lists", "Status", "Notes", "Pool")  # fmt: skip
FULL = ["1 A St", "Boston", "MA", "02134", "$300,000", "3", "2020-07-14", "a@example.com", "b@example.com",
        "Hot, absentee", "Absentee; Q3", "contacted", "Left a message", "Yes"]  # fmt: skip
PLAIN = ["2 A St", "Boston", "MA", "02134", *[""] * 10]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


def bring(bucket: Bucket, *rows: list[str], **choices: Any) -> Import:
    job = uploaded(bucket, csv_of(rows, HEADER))
    job = services.choose_columns(job=job, mapping=job.mapping, constants={}, **choices)
    return work(services.start_import(job=job))


def tags_of(lead: Lead) -> list[str]:
    return sorted(lead.tags.values_list("name", flat=True))


def test_a_lead_has_all_that_its_row_says_with_the_file_as_its_source(bucket):
    job = bring(bucket, FULL, PLAIN, keep_others=True)

    assert totals(job) == (2, 2, 0, 0, 0)
    lead, plain = Lead.objects.order_by("pk")
    said = {"source": "file", "at": job.created_at.isoformat()}
    assert (lead.estimated_value, lead.bedrooms, str(lead.last_sale_date)) == (300000, 3, "2020-07-14")
    assert lead.fact_sources == {
        **dict.fromkeys(("email", "estimated_value", "bedrooms", "last_sale_date"), said),
        "tags": {**said, "value": ["hot", "absentee", "q3"]},
    }
    assert (lead.email, lead.other_facts) == ("a@example.com", {"email": [{**said, "value": "b@example.com"}]})
    assert (tags_of(lead), tags_of(plain)) == (["Hot", "Q3", "absentee"], [])
    assert (lead.status, plain.status) == ("contacted", "new")
    note = Activity.objects.get()
    assert (note.lead_id, note.by_id, note.kind, note.text, note.created_at) == (
        lead.pk, bucket.owner_id, "note", "Left a message", job.created_at,
    )  # fmt: skip
    assert (lead.activity_count, lead.last_activity_at) == (1, job.created_at)
    assert (lead.data, plain.data, plain.fact_sources) == ({"Pool": "Yes"}, None, None)
    assert counters(bucket) == (2, 0, 0, 1)
    assert recount(mend=False) == {}


def test_every_address_of_an_e_mail_cell_is_kept_the_first_shown(bucket):
    cell = "Ann <A@Example.com>; c@example.com"
    bring(bucket, [*FULL[:7], cell, "b@example.com, a@example.com", *[""] * 5], [*PLAIN[:7], cell, *[""] * 6])

    assert [
        (lead.email, [entry["value"] for entry in (lead.other_facts or {})["email"]])
        for lead in Lead.objects.order_by("pk")
    ] == [
        ("a@example.com", ["b@example.com", "c@example.com"]),
        ("a@example.com", ["c@example.com"]),
    ]


def test_other_columns_are_kept_only_where_that_is_chosen(bucket):
    bring(bucket, FULL)

    assert Lead.objects.get().data is None


def test_the_file_again_brings_no_tag_note_or_status_twice(bucket):
    bring(bucket, FULL)
    Lead.objects.get().tags.clear()

    assert totals(bring(bucket, FULL)) == (1, 0, 1, 0, 0)
    assert (tags_of(Lead.objects.get()), Activity.objects.count(), Tag.objects.count()) == ([], 1, 3)
    assert counters(bucket) == (1, 0, 0, 1)


def test_a_tag_the_owner_has_in_other_letters_is_that_tag(bucket):
    Tag.objects.create(owner=bucket.owner, name="HOT")
    bring(bucket, FULL)

    assert tags_of(Lead.objects.get()) == ["HOT", "Q3", "absentee"]


def test_what_the_import_itself_brought_is_nobody_s_work_when_it_is_undone(bucket):
    job = bring(bucket, FULL, PLAIN)

    job = undone(job)

    assert (job.removed, job.kept, Lead.objects.count(), Activity.objects.count()) == (2, {}, 0, 0)
    assert counters(bucket) == (0, 0, 0, 0)
    assert recount(mend=False) == {}


@pytest.mark.parametrize("what", ["tag", "note"])
def test_what_a_person_added_since_keeps_the_lead(bucket, what):
    job = bring(bucket, FULL)
    lead = Lead.objects.get()
    if what == "tag":
        add_tag(leads=[lead], name="Mine")
    else:
        add_activity(lead=lead, by=bucket.owner, kind="note", text="Mine")

    job = undone(job)

    assert (job.removed, job.kept) == (0, {"worked": 1})
    assert counters(bucket) == (1, 0, 0, 1)


def test_a_bought_fact_replaces_the_file_s_which_stays_visible(bucket):
    job = bring(bucket, FULL)
    lead = Lead.objects.get()
    bought = {"estimated_value": 310000, "last_sale_date": "2021-01-02", "last_sale_price": 250000, "bathrooms": "2"}
    save_facts(PROPERTY, [FactRow(lead.pk, bought, database_now() + timedelta(hours=1))])

    lead.refresh_from_db()
    assert (lead.estimated_value, str(lead.last_sale_date), lead.last_sale_price) == (310000, "2021-01-02", 250000)
    assert (lead.bedrooms, lead.bathrooms) == (3, Decimal(2))
    said = {"source": "file", "at": job.created_at.isoformat()}
    assert lead.other_facts is not None
    assert lead.other_facts["estimated_value"] == [{**said, "value": 300000}]
    assert lead.other_facts["last_sale_date"] == [{**said, "value": "2020-07-14"}]
    assert lead.fact_sources is not None
    assert (lead.fact_sources.get("bedrooms"), "estimated_value" in lead.fact_sources) == (said, False)


def test_two_condos_of_one_building_are_two_leads(bucket):
    rows = [["500 Ocean Dr", unit, "Miami Beach", "FL", "33139"] for unit in ("101", "102", "101")]
    job = imported(bucket, csv_of(rows, ("Address", "Unit #", "City", "State", "Zip")))

    assert totals(job) == (3, 2, 1, 0, 0)


IDS = ["property_id", "Address", "Zip"]


def test_another_tool_s_property_id_is_taken_only_where_every_one_is_known(bucket):
    rows = [["253175355", "1 A St", "02134"], ["253175356", "2 A St", "02134"]]
    assert uploaded(bucket, csv_of(rows, IDS)).mapping == {"address": 1, "zip": 2}

    PropertyName.objects.create(name="address:1 A ST|02134", property_id="253175355")
    assert uploaded(bucket, csv_of(rows, IDS)).mapping == {"address": 1, "zip": 2}
    PropertyName.objects.create(name="address:2 A ST|02134", property_id="253175356")
    assert uploaded(bucket, csv_of(rows, IDS)).mapping == {"propertyId": 0, "address": 1, "zip": 2}


def test_a_person_may_say_that_it_is_ours_and_our_own_export_is():
    assert guess(["Property ID", "Address", "Owner source", "Other values"])["propertyId"] == 0
    names, lead_id = ["Lead ID", "Property ID", "Address", "Owner"], "0199a3f0-7d3c-7a43-8a1c-0123456789ab"
    assert "propertyId" not in guess(names)
    assert "propertyId" not in guess(names, [["1", "2"], ["7", "8"], [], []])
    assert guess(names, [[lead_id, ""], ["7", "8"], [], []])["propertyId"] == 1
    assert guess(["RealEstateAPI ID"]) == {"propertyId": 0}
