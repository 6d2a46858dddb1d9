"""Our own export comes back: the same facts from the same sources, and nothing twice."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from buckets.imports import services
from buckets.models import Bucket, Import
from buckets.services import create_bucket
from leads.models import Lead
from leads.selection.export import Layout, csv_pieces
from leads.selection.export_columns import HEADER, is_own_export
from tests.support import make_user

pytestmark = pytest.mark.django_db
SAID = {"source": "file", "at": "2026-11-20T09:00:00+00:00"}
TRACED = {"source": "trace", "at": "2026-11-24T15:00:00+00:00"}
KEPT = (
    "property_id", "apn", "fips", "property_address", "property_city", "property_state", "property_zip",
    "property_county", "owner_name", "first_name", "last_name", "mailing_address", "mailing_city", "mailing_state",
    "mailing_zip", "phone", "phone_type", "phone_do_not_call", "secondary_phone", "secondary_phone_type",
    "secondary_phone_do_not_call", "email",
)  # fmt: skip
ODD: list[dict[str, Any]] = [
    {
        "property_id": "101", "apn": "0123-045-006", "fips": "06067", "property_address": "12 N Main St",
        "property_city": "San José", "property_state": "CA", "property_zip": "01234", "owner_name": "José Núñez",
        "first_name": "José", "last_name": "Núñez", "mailing_address": "-7 Odd Ave", "mailing_city": "@home",
        "mailing_state": "CA", "mailing_zip": "02134", "phone": "+12065550101", "phone_type": "mobile",
        "phone_do_not_call": True, "secondary_phone": "+12065550102", "secondary_phone_type": "landline",
        "secondary_phone_do_not_call": False, "email": "=jose@example.com", "skip_traced_at": TRACED["at"],
        "fact_sources": {"owner_name": SAID, "phone": {**SAID, "extension": "12"}, "mailing_address": SAID},
        "other_facts": {"phone": [
            {**SAID, "value": "+12065550103", "type": "voip", "do_not_call": True, "extension": "7"},
            {**TRACED, "value": "+12065550104", "person": "Bo Roe"},
            {**TRACED, "value": "+12065550105", "type": "mobile", "do_not_call": False, "person": "Bo Roe"},
        ], "email": [{**TRACED, "value": "bo@example.com", "person": "Bo Roe"}, {**SAID, "value": "old@example.com"}]},
        "contact_name": "Bo Roe", "contact_is_other": True,
        "data": {"Loan #": "-77", "owner": "@cousin", "Parcel group": "A"},
    },
    {"property_id": "102", "apn": "000123", "owner_name": "=1+1 LLC", "property_county": "King"},
    {"property_id": "103", "owner_name": "O'Brien, \"Bo\"", "first_name": "Bo", "last_name": "O'Brien",
     "property_address": "5 Oak St", "property_zip": "98101"},
]  # fmt: skip


@pytest.fixture
def bucket() -> Bucket:
    made, _ = create_bucket(by=make_user("ann"), name="Odd", property_ids=[lead["property_id"] for lead in ODD])
    for lead in ODD:
        Lead.objects.filter(property_id=lead["property_id"]).update(**lead)
    return made


def exported(bucket: Bucket, layout: Layout) -> bytes:
    return b"".join(piece for piece, _ in csv_pieces(Lead.objects.filter(bucket=bucket), layout))


def imported(bucket: Bucket, content: bytes) -> Import:
    job = services.upload(bucket=bucket, file=io.BytesIO(content), name="export.csv")
    job = services.choose(job=job, keep_others=True)
    services.start_import(job=job)
    while services.continue_import(job.pk):
        pass
    job.refresh_from_db()
    return job


def told(lead: Lead) -> dict[str, Any]:
    """What must come back: facts, all phones with type and mark, who said what."""
    others = {
        entry["value"]: {name: part for name, part in entry.items() if name != "at" or entry["source"] != "file"}
        for fact in ("phone", "email")
        for entry in (lead.other_facts or {}).get(fact, [])
    }
    sources = {
        fact: {name: entry.get(name) for name in ("source", "extension")}
        for fact, entry in (lead.fact_sources or {}).items()
    }
    return {name: getattr(lead, name) for name in (*KEPT, "data")} | {"others": others, "sources": sources}


@pytest.mark.parametrize("bom", [True, False])
def test_odd_values_come_back_as_they_were_and_a_second_time_nothing_is_new(bucket, bom):
    content = exported(bucket, Layout(bom=bom))
    assert content.startswith("\ufeff".encode()) is bom
    copy, _ = create_bucket(by=bucket.owner, name="Copy")

    first = imported(copy, content)

    assert (first.status, first.new, first.already_there, first.failed) == ("completed", 3, 0, 0)
    before, after = (
        {lead.property_id: told(lead) for lead in Lead.objects.filter(bucket=one)} for one in (bucket, copy)
    )
    # what only the stamp of a skip trace told of the original is told by the copy itself
    before["101"]["sources"] |= {fact: {"source": "trace", "extension": None} for fact in ("secondary_phone", "email")}
    # what a row says without a column of its own: the state of its ZIP, and who an owner in one cell is
    before["103"] |= {"property_state": "WA", "first_name": "Bo", "last_name": "O'Brien"}
    for property_id in ("102", "103"):
        before[property_id]["sources"] = {"owner_name": {"source": "file", "extension": None}}
    assert after == before
    for target in (copy, bucket):
        again = imported(target, content)
        assert (again.status, again.new, again.already_there, again.failed) == ("completed", 0, 3, 0)
        assert target.leads.count() == 3


def test_the_header_is_known_as_ours_whatever_its_case_and_no_other_is():
    assert is_own_export(HEADER)
    assert is_own_export([" lead  ID", "Property id", "anything"])
    for other in (["Property ID", "APN"], ["Lead ID", "Phone"], ["property_id", "lead_id"], []):
        assert not is_own_export(other)


@pytest.mark.parametrize("bom", [True, False])
def test_a_messy_file_goes_round(bom):
    messy = Path(__file__).with_name("export_messy.csv")
    one, _ = create_bucket(by=make_user("ann"), name="One")
    first = imported(one, messy.read_bytes())
    two, _ = create_bucket(by=one.owner, name="Two")

    second = imported(two, exported(one, Layout(bom=bom)))

    assert (second.new, second.failed) == (first.new, 0)
    before, after = (sorted(map(str, map(told, each.leads.all()))) for each in (one, two))
    assert after == before


def test_a_cell_that_was_guarded_is_bare_again(bucket):
    rows = list(csv.DictReader(io.StringIO(exported(bucket, Layout(bom=False)).decode())))
    assert [row["Owner"] for row in rows] == ["José Núñez", "'=1+1 LLC", 'O\'Brien, "Bo"']
