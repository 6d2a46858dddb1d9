"""A row whose id, APN and address are not one property's is never served as an owned one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from buckets.imports import services
from buckets.models import Bucket
from buckets.services import add_ids
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from integrations.models import Lookup
from leads.facts.doubts import IN_DOUBT, warning_of
from leads.models import Lead, LeadName
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, imported, totals, uploaded
from tests.support import billed, finish, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("Property ID", "APN", "FIPS", "State", "Address", "City", "Zip")
WARNING = (
    "1 row has a property id, an APN and an address that are not one property's, by what was purchased: taken as a "
    "property of its own. Check them."
)


def new_bucket(name: str) -> Bucket:
    return Bucket.objects.create(owner=make_user(name), name=name)


def row(parcel: Any, **said: Any) -> list[str]:
    cells = {"id": "", "apn": parcel.apn, "fips": parcel.fips, "state": parcel.state, "address": parcel.street,
             "city": parcel.city, "zip": parcel.zip}  # fmt: skip
    return [str(cell or "") for cell in (cells | said).values()]


def file_of(*rows: list[str]) -> bytes:
    return csv_of(rows, HEADER)


def price(bucket: Bucket) -> Decimal:
    return quote(bucket=bucket, by=bucket.owner, options=RunOptions(skip_trace=False)).price


@pytest.fixture
def two(sandbox: Sandbox) -> list[Any]:
    """Two parcels of two streets, both bought by their ids."""
    parcels = [p for p in map(sandbox.source.parcel, range(500)) if p.fips and p.apn and p.street]
    one = parcels[0]
    other = next(p for p in parcels[1:] if str(p.street).split()[1:] != str(one.street).split()[1:])
    bucket = new_bucket("owner")
    add_ids(bucket=bucket, property_ids=[str(one.id), str(other.id)])
    finish(start(bucket, skip_trace=False))
    return [one, other]


CONTRADICTORY = {
    "the APN of one at the address of the other": lambda one, other: row(other, apn=one.apn, fips=one.fips),
    "the APN of one at an address nobody owns": lambda one, other: row(one, address=f"{one.street.split()[0]} Quay Rd"),
    "the id of one with the APN and address of the other's neighbor": lambda one, other: row(
        other, id=one.id, apn="77-77-7", address="77 Quay Rd"
    ),
}


@pytest.mark.parametrize("case", CONTRADICTORY)
def test_it_keeps_a_stand_in_is_priced_and_is_told_of(two: list[Any], case: str) -> None:
    bucket = new_bucket("ann")
    content = file_of(CONTRADICTORY[case](*two))
    assert WARNING in services.preview_of(uploaded(bucket, content)).warnings
    assert totals(imported(bucket, content))[:3] == (1, 1, 0)

    lead = Lead.objects.get(bucket=bucket)
    assert lead.property_id.split(":")[0] in ("apn", "address")
    assert warning_of(lead) == (IN_DOUBT if "id of one" not in case else "")
    assert price(bucket) > 0
    assert totals(imported(bucket, content))[:3] == (1, 0, 1)


def test_an_id_that_the_row_contradicts_gives_way_to_what_its_other_names_say(two: list[Any]) -> None:
    one, other = two
    bucket = new_bucket("ann")
    content = file_of(row(other, id=one.id), row(one, id=one.id))
    assert WARNING in services.preview_of(uploaded(bucket, content)).warnings
    imported(bucket, content)
    found = Lead.objects.filter(bucket=bucket).order_by("pk").values_list("property_id", flat=True)
    assert list(found) == [str(other.id), str(one.id)]
    assert price(bucket) == 0


def test_an_edited_lead_of_that_id_is_there_all_the_same(two: list[Any]) -> None:
    bucket = new_bucket("ann")
    add_ids(bucket=bucket, property_ids=[str(two[0].id)])
    finish(start(bucket, skip_trace=False))
    Lead.objects.filter(bucket=bucket).update(property_address="9 Quay Rd")
    assert totals(imported(bucket, file_of(row(two[0], id=two[0].id, address="9 Quay Rd"))))[:3] == (1, 0, 1)


def test_a_row_of_the_same_street_in_other_words_is_served(two: list[Any]) -> None:
    bucket = new_bucket("ann")
    one, _ = two
    imported(bucket, file_of(row(one, address=f"{one.street}, {one.city}")))
    assert Lead.objects.get(bucket=bucket).property_id == str(one.id)
    assert price(bucket) == 0


@pytest.mark.long
def test_its_own_question_is_bought_and_then_its_file_s_address_is_free_for_an_honest_row(
    sandbox: Sandbox, two: list[Any]
) -> None:
    one, other = two
    bucket = new_bucket("ann")
    imported(bucket, file_of(row(other, apn=one.apn, fips=one.fips)))
    asked, paid = requests_of(sandbox)["property_detail"], billed(sandbox)

    run = finish(start(bucket, skip_trace=False))

    assert (requests_of(sandbox)["property_detail"], run.spent) == (asked + 1, billed(sandbox) - paid)
    lead = Lead.objects.get(bucket=bucket)
    assert lead.property_id == str(one.id)
    assert set(LeadName.objects.filter(lead=lead).values_list("source", flat=True)) == {"vendor"}
    assert totals(imported(bucket, file_of(row(other, apn=""))))[:3] == (1, 1, 0)
    assert Lead.objects.filter(bucket=bucket, property_id=str(other.id)).count() == 1
    assert find_drift() == []


@pytest.mark.long
def test_a_no_match_answers_the_very_question_alone(sandbox: Sandbox) -> None:
    parcel = next(p for p in map(sandbox.source.parcel, range(500)) if p.fips and p.apn and p.street)
    eve, bob = new_bucket("eve"), new_bucket("bob")
    wrong = row(parcel, apn="", city="Nowhere Springs")
    imported(eve, file_of(wrong))
    assert (finish(start(eve, skip_trace=False)).failed, billed(sandbox)) == (1, 0)
    assert Lookup.objects.get(operation__name="property_detail").category == "NOT_FOUND"
    assert price(eve) == 0

    imported(bob, file_of(row(parcel, apn="")))
    assert price(bob) > 0
    run = finish(start(bob, skip_trace=False))
    assert (run.failed, Lead.objects.get(bucket=bob).property_id) == (0, str(parcel.id))
    assert price(eve) == 0
    assert find_drift() == []
