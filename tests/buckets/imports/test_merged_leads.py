"""Files over leads that are merged, and lists of whom not to call, however they spell their properties."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from buckets.filling.algebra import Sets
from buckets.filling.fills import combine
from buckets.imports import services
from buckets.models import Bucket
from buckets.services import add_ids
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from leads.merging.services import merge_bucket
from leads.models import Lead
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, imported, totals, uploaded, work
from tests.buckets.imports.test_updates import corrected
from tests.support import finish, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("APN", "FIPS", "County", "State", "Address", "City", "Zip", "Phone", "DNC", "Beds")


@pytest.fixture
def bucket() -> Bucket:
    return a_bucket("My list")


def a_bucket(name: str) -> Bucket:
    owner = User.objects.filter(username="ann").first() or make_user("ann")
    return Bucket.objects.create(owner=owner, name=name)


def rows(*lines: str) -> bytes:
    """Rows of HEADER, cells apart by a bar; those that are left out at the end are empty."""
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return csv_of([row + [""] * (len(HEADER) - len(row)) for row in cells], HEADER)


def parcels_of(sandbox: Sandbox) -> list[Any]:
    """Parcels with all that names them, and separators in the APN."""
    parcels = (sandbox.source.parcel(n) for n in range(2_000))
    return [p for p in parcels if p.fips and p.apn and "-" in p.apn and p.county and p.street and p.zip][:40]


@pytest.mark.long
def test_two_spellings_that_a_purchase_joins_are_one_lead_which_both_files_find_again(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    parcel = parcels_of(sandbox)[0]
    by_address, by_parcel = f"|||{parcel.state}|{parcel.street}||{parcel.zip}", f"{parcel.apn}|{parcel.fips}|||||"
    files = [rows(by_address + "|206-555-0101"), rows(by_parcel + "|206-555-0102")]
    assert [totals(imported(bucket, one))[:2] for one in files] == [(1, 1), (1, 1)]
    older, younger = bucket.leads.order_by("pk")
    bought = a_bucket("Bought")
    add_ids(bucket=bought, property_ids=[str(parcel.id)])
    finish(start(bought, skip_trace=False))

    assert merge_bucket(bucket.pk) == 1

    assert quote(bucket=bucket, by=bucket.owner, options=RunOptions(skip_trace=False)).price == 0
    assert [totals(imported(bucket, one)) for one in files] == [(1, 0, 1, 0, 0)] * 2
    assert totals(imported(bucket, rows(by_parcel + "|206-555-0102|Yes"))) == (1, 0, 1, 0, 0)
    shown = Lead.objects.get(bucket=bucket)
    entries = {entry["value"]: entry.get("do_not_call") for entry in (shown.other_facts or {}).get("phone", [])}
    marks = entries | {shown.phone: shown.phone_do_not_call, shown.secondary_phone: shown.secondary_phone_do_not_call}
    assert (shown.pk, marks["+12065550102"], marks["+12065550101"]) == (older.pk, True, None)
    assert Lead.every.get(pk=younger.pk).phone_do_not_call is None

    job = corrected(bucket, [*by_parcel.split("|"), "", "", "3"], header=HEADER)
    assert (totals(job), job.updated) == ((1, 0, 1, 0, 0), 1)
    assert (Lead.objects.get(bucket=bucket).bedrooms, Lead.every.get(pk=younger.pk).bedrooms) == (3, None)
    finish(start(bucket, skip_trace=False))
    assert requests_of(sandbox)["property_detail"] == 1


def on_a_list(parcel: Any) -> list[str]:
    """One property in six spellings of a do-not-call list."""
    return [
        f"{parcel.apn}|{parcel.fips}|||||",
        f"{parcel.apn}||County of {parcel.county}|{parcel.state}|||",
        f"{''.join(filter(str.isalnum, parcel.apn))}|{parcel.fips}|||||",
        f"|||{parcel.state}|{parcel.street}||{parcel.zip}",
        f"|||{parcel.state}|{parcel.street}|{parcel.city}|",
        f"|||{parcel.state}|{abbreviated(parcel.street)}||{parcel.zip}-1234",
    ]


def abbreviated(street: str) -> str:
    """The same line as others write it: 12 N Oak Ave is 12 NORTH OAK AVENUE."""
    words = {"N": "NORTH", "S": "So.", "E": "EAST", "W": "West", "Ave": "AVENUE", "St": "Str.", "Dr": "Drive",
             "Rd": "ROAD", "Ln": "Lane", "Ct": "COURT", "Blvd": "Boulevard", "Pl": "Place", "Way": "WY"}  # fmt: skip
    return " ".join(words.get(word, word) for word in street.split())


def combined(a: Bucket, c: Bucket) -> tuple[set[str], int]:
    """The property ids of A - C, with one of A's that is surely not in C, and how many are left out as possible."""
    fill = combine(by=a.owner, name="A - C", sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))
    return set(fill.bucket.leads.values_list("property_id", flat=True)), fill.left_out


@pytest.mark.parametrize("way", ["ids", "bought", "file"])
def test_whom_not_to_call_is_left_out_however_the_list_spells_the_property(sandbox: Sandbox, way: str) -> None:
    parcels = parcels_of(sandbox)
    listed, free = parcels[:6], parcels[6]
    a, c = a_bucket("A"), a_bucket("C")
    if way == "file":
        told = [f"{p.apn}|{p.fips}||{p.state}|{p.street}|{p.city}|{p.zip}" for p in [*listed, free]]
        assert imported(a, rows(*told)).new == 7
    else:
        add_ids(bucket=a, property_ids=[str(p.id) for p in [*listed, free]])
    if way == "bought":
        finish(start(a, skip_trace=False))
    else:  # somebody else has bought them
        other = a_bucket("Other")
        add_ids(bucket=other, property_ids=[str(p.id) for p in [*listed, free]])
        if way == "ids":
            finish(start(other, skip_trace=False))
    job = imported(c, rows(*(on_a_list(p)[n] for n, p in enumerate(listed))))
    assert (job.new, job.failed) == (6, 0)

    left, possibly = combined(a, c)

    # an APN without separators in one file is possibly the one with them in another: left out, and counted apart
    assert (len(left), possibly) == (1, 1 if way == "file" else 0)
    assert left <= {str(free.id)} or way == "file"


def test_a_unit_and_its_house_are_possibly_one_and_two_spellings_of_a_unit_are_surely_one() -> None:
    a, c = a_bucket("A"), a_bucket("C")
    said = ("|||WA|12 N Oak St Apt 4||98101", "|||WA|14 Oak St||98101", "|||WA|16 Oak St # 2||98101",
            "|||WA|18 Oak St||98101")  # fmt: skip
    listed = ("|||WA|12 North Oak Street||98101", "|||WA|14 Oak St Unit 9||98101", "|||WA|16 Oak Street Apt 2||98101")
    imported(a, rows(*said)), imported(c, rows(*listed))

    left, possibly = combined(a, c)

    assert (len(left), possibly) == (1, 2)
    assert next(iter(left)).startswith("address:18 OAK")


def test_a_parcel_of_the_same_digits_with_other_separators_is_not_left_out_and_one_without_any_is() -> None:
    a, segmented, bare = a_bucket("A"), a_bucket("Segmented"), a_bucket("Bare")
    imported(a, rows("12-3|53033|||||", "9-99|53033|||||"))
    imported(segmented, rows("1-23|53033|||||")), imported(bare, rows("123|53033|||||"))

    assert combined(a, segmented) == ({"apn:53033:12-3", "apn:53033:9-99"}, 0)
    assert combined(a, bare) == ({"apn:53033:9-99"}, 1)


def test_a_preview_counts_rows_of_one_property_and_says_which_parcel_numbers_are_unsure(bucket: Bucket) -> None:
    two = ["12-3|53033||WA|12 Oak St||98101", "|||WA|12 OAK STREET||98101", "12-3|53033||WA|14 Oak St||98101"]
    job = uploaded(bucket, rows(*two, "1-23|53033|||||", "123|53033|||||"))
    unsure = "1 row has an APN without separators that more than one parcel fits: not joined to any."
    twice = "1 row has a property that an earlier row names too: one lead is made."
    assert [one for one in services.preview_of(job).warnings if "lead is made" in one or "APN" in one] == [
        twice,
        unsure,
    ]

    assert totals(work(services.start_import(job=job))) == (5, 4, 1, 0, 0)
    again = uploaded(bucket, rows("123|53033|||||", "1-2-3|53033|||||"))
    assert unsure in services.preview_of(again).warnings
