"""Rows that share a name and are several properties all the same, and what a lead learns from the rows that are it."""

from __future__ import annotations

from io import BytesIO

import pytest

from buckets.filling.algebra import Sets, count, count_left_out
from buckets.filling.left_out import PLACE, ZEROS, left_out
from buckets.imports import services
from buckets.models import Bucket, Import
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from integrations.lookups import names
from leads.merging.services import merge_bucket
from leads.models import Lead, LeadName
from tests.buckets.imports.files import csv_of, imported, totals, work
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("APN", "FIPS", "State", "Address", "City", "Zip", "Owner")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


def rows(*lines: str) -> bytes:
    """Rows of HEADER, cells apart by a bar."""
    return csv_of([[cell.strip() for cell in line.split("|")] for line in lines], HEADER)


def another(bucket: Bucket) -> Bucket:
    return Bucket.objects.create(owner=bucket.owner, name="Another")


def updating(bucket: Bucket, content: bytes) -> Import:
    return work(
        services.start_import(job=services.upload(bucket=bucket, file=BytesIO(content), name="f.csv", update=True))
    )


def new(bucket: Bucket, *lines: str) -> int:
    return totals(imported(bucket, rows(*lines)))[1]


def in_pieces(bucket: Bucket, *lines: str) -> list[int]:
    return [new(bucket, line) for line in lines]


HOUSTON, HOUSTON_TOO = "||TX|12 Oak St|Houston|77002|A", "||TX|12 Oak St|Houston|77587|B"


def test_one_street_line_in_two_zips_of_a_city_is_two_houses(bucket: Bucket) -> None:
    assert new(bucket, HOUSTON, HOUSTON_TOO) == 2
    assert (new(bucket, HOUSTON, HOUSTON_TOO), Lead.objects.count()) == (0, 2)
    other = another(bucket)
    assert in_pieces(other, HOUSTON, HOUSTON_TOO, "||TX|12 Oak St|Houston||A", "||TX|12 Oak St||77587|B") == [
        1,
        1,
        0,
        0,
    ]
    updated = imported(another(bucket), rows(HOUSTON))
    totals_of_update = totals(updating(updated.bucket, rows(HOUSTON_TOO)))
    assert (totals_of_update[1], Lead.objects.filter(bucket=updated.bucket).count()) == (1, 2)


def test_a_lead_by_city_that_learned_its_zip_is_no_house_of_another(bucket: Bucket) -> None:
    assert in_pieces(bucket, "||TX|12 Oak St|Houston||A", HOUSTON, HOUSTON_TOO) == [1, 0, 1]


def test_what_was_bought_at_one_zip_is_not_served_at_another(bucket: Bucket) -> None:
    oak = {"property_state": "TX", "property_address": "12 Oak St", "property_city": "Houston", "property_zip": "77002"}
    names.learn([("11", oak)])
    imported(bucket, rows(HOUSTON_TOO))
    assert quote(bucket=bucket, by=bucket.owner, options=RunOptions(skip_trace=False)).price > 0
    assert list(Lead.objects.values_list("property_id", flat=True)) == ["address:12 OAK ST@77587"]
    other = another(bucket)
    imported(other, rows(HOUSTON))
    assert list(Lead.objects.filter(bucket=other).values_list("property_id", flat=True)) == ["11"]


def test_a_house_in_another_zip_is_possibly_on_an_excluded_list(bucket: Bucket) -> None:
    other = another(bucket)
    imported(bucket, rows(HOUSTON)), imported(other, rows(HOUSTON_TOO))
    sets = Sets(all_of=(bucket.pk,), none_of=(other.pk,))
    assert (count(sets), count_left_out(sets)) == (0, 1)
    assert [row.why for row in left_out(by=bucket.owner, sets=sets, after=None, limit=9)[0]] == [PLACE]
    assert count(Sets(all_of=(bucket.pk, other.pk))) == 0


def test_of_places_that_cannot_be_compared_a_house_is_possibly_on_an_excluded_list(bucket: Bucket) -> None:
    other = another(bucket)
    imported(bucket, rows("||WA|12 Oak St||98101|A", "||WA|14 Oak St||98101|A"))
    imported(other, rows("||WA|12 Oak Street|Seattle||A", "||OR|14 Oak St|Salem||A"))
    sets = Sets(all_of=(bucket.pk,), none_of=(other.pk,))
    assert (count(sets), count_left_out(sets)) == (1, 1)
    # two ZIPs can be compared, and so can two cities
    third = another(bucket)
    imported(third, rows("||WA|12 Oak St||98102|A", "||WA|14 Oak St||98103|A"))
    assert count(Sets(all_of=(bucket.pk,), none_of=(third.pk,))) == 2
    fourth = another(bucket)
    imported(fourth, rows("||WA|12 Oak St|Kent||A"))
    assert count(Sets(all_of=(other.pk,), none_of=(fourth.pk,))) == 2


@pytest.mark.parametrize(("one", "same"), [("0012-003", "12-3"), ("12-34-56-000", "12-34-56"), ("012-3", "0012-03")])
def test_zeros_around_the_parts_of_a_parcel_number_are_possibly_the_same(bucket: Bucket, one: str, same: str) -> None:
    other = another(bucket)
    imported(bucket, rows(f"{one}|53033|||||A")), imported(other, rows(f"{same}|53033|||||A"))
    for own, without in ((bucket, other), (other, bucket)):
        sets = Sets(all_of=(own.pk,), none_of=(without.pk,))
        assert (count(sets), count_left_out(sets)) == (0, 1)
        assert [row.why for row in left_out(by=bucket.owner, sets=sets, after=None, limit=9)[0]] == [ZEROS]
    assert (new(bucket, f"{same}|53033|||||A"), merge_bucket(bucket.pk)) == (1, 0)


@pytest.mark.parametrize("place", ["|||", "WA|12 Oak St||98101"])
@pytest.mark.parametrize("order", [("123", "1-23", "12-3"), ("1-23", "123", "12-3")])
def test_two_parcels_do_not_become_one_by_a_number_without_separators(
    bucket: Bucket, order: tuple[str, ...], place: str
) -> None:
    lines = [f"{apn}|53033|{place}|{apn}" for apn in order]
    assert new(bucket, *lines) == 2
    assert in_pieces(another(bucket), *lines) == [1, 0, 1]
    assert new(bucket, *lines) == 0


def test_a_row_with_zip_and_city_teaches_the_older_of_two_leads_and_both_stay(bucket: Bucket) -> None:
    both = "||WA|12 Oak St|Seattle|98101|A"
    assert in_pieces(bucket, "||WA|12 Oak St|Seattle||A", "||WA|12 Oak St||98101|A", both) == [1, 1, 0]
    older = Lead.objects.earliest("pk")
    assert LeadName.objects.filter(lead=older, loose__isnull=False).count() == 3
    assert (new(bucket, both), merge_bucket(bucket.pk), Lead.objects.count()) == (0, 0, 2)


UNITS = [f"1-23|53033||12 Oak St #{unit}|||{name} LEE" for unit, name in ((1, "ANN"), (2, "BOB"), (3, "CY"))]


def test_units_of_one_parcel_without_a_city_are_leads_of_their_own(bucket: Bucket) -> None:
    assert new(bucket, *UNITS) == 3
    owners = Lead.objects.order_by("pk").values_list("owner_name", flat=True)
    assert list(owners) == ["ANN LEE", "BOB LEE", "CY LEE"]
    assert totals(updating(bucket, rows(*UNITS)))[1] == 0
    assert list(owners) == ["ANN LEE", "BOB LEE", "CY LEE"]


def test_units_are_no_house_without_one_under_the_parcel_number(bucket: Bucket) -> None:
    cells = [f"1-23|53033|WA|12 Oak St{unit}||98101|{unit}" for unit in ("", " #1", " #2")]
    assert new(bucket, *cells) == 3
    assert (new(bucket, *cells), merge_bucket(bucket.pk)) == (0, 0)


@pytest.mark.parametrize(
    "units", [UNITS, [line.replace("||12", "|WA|12").replace("|||", "||98101|") for line in UNITS]]
)
def test_a_parcel_without_an_address_is_one_unit_only(bucket: Bucket, units: list[str]) -> None:
    bare = "1-23|53033|||||A"
    assert in_pieces(bucket, bare, *units) == [1, 0, 1, 1]
    assert new(bucket, bare, *units) == 0
    assert (merge_bucket(bucket.pk), Lead.objects.count()) == (0, 3)
    assert new(another(bucket), bare, *units) == 3


def test_an_address_without_a_parcel_number_is_one_parcel_only(bucket: Bucket) -> None:
    lines = ["|||12 Oak St||98101|A", *(f"{apn}|53033||12 Oak St||98101|A" for apn in ("1-23", "9-99"))]
    assert in_pieces(bucket, *lines) == [1, 0, 1]
    assert new(bucket, *lines) == 0
