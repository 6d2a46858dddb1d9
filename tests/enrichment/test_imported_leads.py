"""A lead from a file of one's own can be bought: asked for by address or APN, once, and then called by its real id."""

from __future__ import annotations

from decimal import Decimal

import pytest

from buckets.models import Bucket
from buckets.services import add_ids
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from integrations.models import Lookup, VendorCall
from leads.models import Lead
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, imported, totals
from tests.support import billed, finish, make_user, mostly_long, requests_of, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)

BY_ADDRESS = ("Address", "City", "State", "Zip")
WAYS = {
    "address": (BY_ADDRESS, lambda p: [str(p.street), p.city, p.state, p.zip]),
    "apn and county": (("APN", "County", "State"), lambda p: [p.apn, f"{p.county} County", p.state]),
    "apn and fips": (("Parcel", "FIPS"), lambda p: [p.apn, str(p.fips)]),
}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


def addresses(sandbox: Sandbox, count: int, first: int = 0) -> list[list[str]]:
    parcels = [sandbox.source.parcel(first + n) for n in range(count)]
    return [[str(p.street), p.city, p.state, p.zip] for p in parcels]


def ids(sandbox: Sandbox, count: int, first: int = 0) -> list[str]:
    return [str(sandbox.source.parcel(first + n).id) for n in range(count)]


@pytest.mark.parametrize("way", mostly_long(WAYS))
def test_imported_leads_are_bought_paid_as_billed_and_called_by_their_id(sandbox, bucket, way):
    header, cells = WAYS[way]
    parcels = [p for p in map(sandbox.source.parcel, range(500)) if p.fips][:6]
    job = imported(bucket, csv_of(map(cells, parcels), header))
    assert totals(job) == (6, 6, 0, 0, 0)

    run = finish(start(bucket))

    assert (run.status, run.failed, run.enriched + run.partial) == ("completed", 0, 6)
    assert set(Lead.objects.values_list("property_id", "apn")) == {(str(p.id), p.apn) for p in parcels}
    assert Lead.objects.filter(enriched_at=None).count() == 0
    assert Lead.objects.exclude(phone=None).count() == run.enriched > 0
    assert run.spent == billed(sandbox) > 0
    assert requests_of(sandbox)["property_detail"] == 6
    assert find_drift() == []


@pytest.mark.long
def test_the_same_file_after_the_run_adds_nothing_and_another_bucket_gets_it_for_nothing(sandbox, bucket):
    content = csv_of(addresses(sandbox, 4), BY_ADDRESS)
    imported(bucket, content)
    finish(start(bucket))
    paid = billed(sandbox)

    assert totals(imported(bucket, content)) == (4, 0, 4, 0, 0)
    other = Bucket.objects.create(owner=make_user("bob"), name="Bob's")
    assert totals(imported(other, content)) == (4, 4, 0, 0, 0)
    assert quote(bucket=other, by=other.owner, options=RunOptions()).price == 0
    run = finish(start(other))

    assert (run.enriched + run.partial, run.spent, billed(sandbox)) == (4, 0, paid)
    by_id = Bucket.objects.create(owner=other.owner, name="By id")
    add_ids(bucket=by_id, property_ids=ids(sandbox, 4))
    run = finish(start(by_id))
    assert (run.enriched + run.partial, run.spent, billed(sandbox)) == (4, 0, paid)
    assert find_drift() == []


@pytest.mark.long
def test_ids_still_go_in_one_batch_when_addresses_wait_beside_them(sandbox, bucket):
    imported(bucket, csv_of(addresses(sandbox, 3), BY_ADDRESS))
    add_ids(bucket=bucket, property_ids=ids(sandbox, 20, first=10))

    run = finish(start(bucket, skip_trace=False))

    settled = VendorCall.objects.filter(operation__name="property_detail", state="settled")
    inputs = settled.values_list("inputs", flat=True)
    assert sorted(inputs) == [1, 1, 1, 20]
    assert (run.status, run.failed, run.spent) == ("completed", 0, billed(sandbox))


@pytest.mark.long
def test_a_lead_whose_bucket_has_that_id_already_keeps_its_own_name(sandbox, bucket):
    add_ids(bucket=bucket, property_ids=ids(sandbox, 1))
    imported(bucket, csv_of(addresses(sandbox, 1), BY_ADDRESS))
    stand_in = Lead.objects.exclude(property_id__in=ids(sandbox, 1)).get()

    run = finish(start(bucket))

    stand_in.refresh_from_db()
    assert stand_in.property_id.startswith("address:")
    assert (run.failed, run.enriched + run.partial) == (0, 2)
    assert Lead.objects.filter(enriched_at=None).count() == 0
    assert find_drift() == []
    assert totals(imported(bucket, csv_of(addresses(sandbox, 1), BY_ADDRESS))) == (1, 0, 1, 0, 0)


@pytest.mark.long
def test_what_the_vendor_does_not_know_fails_for_nothing(sandbox, bucket):
    imported(
        bucket, csv_of([["99999 Nowhere Blvd", "Nowhere", "WA", "98101"], ["1 A St", "", "", "98101"]], BY_ADDRESS)
    )

    run = finish(start(bucket))

    assert (run.status, run.failed, run.spent, billed(sandbox)) == ("completed", 2, Decimal(0), Decimal(0))
    assert {(lead.enrichment_error or "").split(":")[0] for lead in Lead.objects.all()} == {"NOT_FOUND"}
    assert Lookup.objects.filter(key__startswith="address:", state="answered").count() == 2


@pytest.mark.long
def test_the_phone_of_the_file_stays_where_nobody_finds_a_better_one(sandbox, bucket, settings):
    set_operations(settings, pace=0)
    rows = [[*row, "512-555-0142"] for row in addresses(sandbox, 8)]
    imported(bucket, csv_of(rows, (*BY_ADDRESS, "Phone")))

    run = finish(start(bucket, skip_trace=False))

    assert run.enriched == 8
    assert set(Lead.objects.values_list("phone", "enrichment_status")) == {("+15125550142", "completed")}
    bucket.refresh_from_db()
    assert (bucket.total_leads, bucket.enriched_leads) == (8, 8)
