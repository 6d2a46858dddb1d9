"""One property is one lead of a bucket however files and searches call it, and is bought once."""

from __future__ import annotations

from typing import Any

import pytest

from buckets.models import Bucket
from buckets.services import add_ids
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from integrations.lookups import names
from integrations.models import VendorCall
from leads.facts.names import contradictions
from leads.models import Lead, LeadName
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, imported, totals
from tests.support import billed, finish, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("APN", "FIPS", "County", "State", "Address", "City", "Zip")
OAK = {
    "apn": "123-45-678", "fips": "53033", "property_county": "King", "property_state": "WA",
    "property_address": "12 Oak St", "property_city": "Seattle", "property_zip": "98101",
}  # fmt: skip


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


def rows(*lines: str) -> bytes:
    """Rows of HEADER, cells apart by a bar."""
    return csv_of([[cell.strip() for cell in line.split("|")] for line in lines], HEADER)


def property_ids(bucket: Bucket) -> list[str]:
    return list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("property_id", flat=True))


def spellings(parcel: Any) -> dict[str, str]:
    bare = "".join(filter(str.isalnum, parcel.apn))
    return {
        "fips": f"{parcel.apn}|{parcel.fips}|||||",
        "county": f"{parcel.apn}||{parcel.county} County|{parcel.state}|||",
        "bare": f"{bare}|{parcel.fips}|||||",
        "zip": f"|||{parcel.state}|{parcel.street}||{parcel.zip}",
        "city": f"|||{parcel.state}|{parcel.street}|{parcel.city}|",
    }


def test_one_parcel_by_five_spellings_in_two_files_and_a_search_is_one_lead_and_one_purchase(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    parcel = next(p for p in map(sandbox.source.parcel, range(500)) if p.fips and p.apn and p.county and p.street)
    said = spellings(parcel)
    assert totals(imported(bucket, rows(said.pop("fips"))))[:3] == (1, 1, 0)
    run = finish(start(bucket, skip_trace=False))
    paid = billed(sandbox)
    assert (run.enriched + run.partial, requests_of(sandbox)["property_detail"]) == (1, 1)

    assert totals(imported(bucket, rows(*said.values()))) == (4, 0, 4, 0, 0)
    assert add_ids(bucket=bucket, property_ids=[str(parcel.id)]) == 0
    for content in (rows(*said.values()), None):
        other = Bucket.objects.create(owner=bucket.owner, name="Another")
        if content:
            assert totals(imported(other, content)) == (4, 1, 3, 0, 0)
        else:
            assert add_ids(bucket=other, property_ids=[str(parcel.id)]) == 1
        assert quote(bucket=other, by=other.owner, options=RunOptions(skip_trace=False)).price == 0
        finish(start(other, skip_trace=False))
        assert property_ids(other) == [str(parcel.id)]
    assert (requests_of(sandbox)["property_detail"], billed(sandbox)) == (1, paid)
    assert VendorCall.objects.filter(operation__name="property_detail").count() == 1
    assert find_drift() == []


def test_an_id_of_a_search_whose_names_a_lead_has_is_there_already(bucket: Bucket) -> None:
    imported(bucket, rows("123-45-678|53033|||||", "|||WA|14 Oak St||98101"))
    names.learn([("11", OAK), ("12", {"property_address": "16 Oak St", "property_zip": "98101"})])

    assert add_ids(bucket=bucket, property_ids=["11", "12", "12"]) == 1
    assert len(property_ids(bucket)) == 3
    imported(bucket, rows("|||WA|16 Oak St||98101"))
    assert len(property_ids(bucket)) == 3


def test_a_lead_that_is_an_id_is_found_by_what_bought_answers_call_it(bucket: Bucket) -> None:
    add_ids(bucket=bucket, property_ids=["11"])
    names.learn([("11", OAK)])
    content = rows("123-45-678|53033|||||", "|||WA|12 Oak St||98101", "|||WA|12 Oak St|Seattle|")
    assert totals(imported(bucket, content)) == (3, 0, 3, 0, 0)


def test_two_ids_that_share_an_address_are_two_leads(bucket: Bucket) -> None:
    names.learn([("11", OAK), ("12", OAK | {"apn": "123-45-679"})])
    assert add_ids(bucket=bucket, property_ids=["11", "12"]) == 2
    content = rows("123-45-678|53033||WA|12 Oak St||98101", "123-45-679|53033||WA|12 Oak St||98101")
    assert totals(imported(bucket, content)) == (2, 0, 2, 0, 0)


def test_one_apn_at_two_houses_is_two_leads_and_again_the_same_two(bucket: Bucket) -> None:
    content = rows("123-45-678|53033||WA|12 Oak St||98101", "123-45-678|53033||WA|14 Oak St||98101")
    assert totals(imported(bucket, content)) == (2, 2, 0, 0, 0)
    assert [one.split(":")[0] for one in property_ids(bucket)] == ["apn", "address"]
    assert totals(imported(bucket, content)) == (2, 0, 2, 0, 0)


def test_two_parcels_at_one_address_are_two_leads(bucket: Bucket) -> None:
    content = rows("123-45-678|53033||WA|12 Oak St||98101", "123-45-679|53033||WA|12 Oak St||98101")
    assert totals(imported(bucket, content)) == (2, 2, 0, 0, 0)
    assert totals(imported(bucket, content)) == (2, 0, 2, 0, 0)


def test_names_of_a_file_hold_in_its_own_bucket_alone(bucket: Bucket) -> None:
    imported(bucket, rows("123-45-678|53033||WA|12 Oak St||98101"))
    other = Bucket.objects.create(owner=bucket.owner, name="Another")
    content = rows("123-45-678|53033|||||", "|||WA|12 Oak St||98101")
    assert totals(imported(other, content)) == (2, 2, 0, 0, 0)
    assert totals(imported(bucket, content)) == (2, 0, 2, 0, 0)
    assert set(LeadName.objects.values_list("source", flat=True)) == {"file"}


@pytest.mark.long
def test_a_bought_answer_ends_the_names_of_a_file_that_it_contradicts_and_says_so(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    parcel = next(p for p in map(sandbox.source.parcel, range(500)) if p.fips and p.apn and p.street)
    wrong = f"|||{parcel.state}|9{parcel.street}||{parcel.zip}"
    imported(bucket, rows(f"{parcel.apn}|{parcel.fips}|{wrong[2:]}"))
    assert LeadName.objects.filter(source="file").count() == 3  # one says where it possibly is

    finish(start(bucket, skip_trace=False))

    lead = Lead.objects.get()
    assert set(LeadName.objects.values_list("source", flat=True)) == {"vendor"}
    (said,) = contradictions(lead)
    assert said == (
        f"Your file gives the address 9{parcel.street}; purchased data says {lead.property_address}: check that it is "
        "the same property."
    )
    other = f"|||{parcel.state}|9{parcel.street}||{parcel.zip}"
    assert totals(imported(bucket, rows(other))) == (1, 1, 0, 0, 0)
