"""The handed files in which properties are spelled in several ways: how many leads they are, and what is owned."""

from __future__ import annotations

from pathlib import Path

import pytest

from buckets.filling.algebra import Sets
from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.options import RunOptions
from enrichment.quoting.combination_preview import preview
from enrichment.quoting.quotes import quote
from integrations.ledger import catalogue
from integrations.lookups import names
from integrations.models import Lookup
from leads.models import Lead
from tests.buckets.imports.files import imported, totals
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

FILES = Path(__file__).parent / "cases"


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


@pytest.mark.parametrize(
    ("name", "read", "new"),
    [
        ("dup_bought_twice", 3, 1),
        ("dup_apn_fips_vs_county", 3, 1),
        ("dup_zip_vs_nozip", 4, 1),
        ("dup_address_spellings", 16, 8),
        ("spellings_bought_twice", 7, 3),
        ("false_merge_words", 6, 6),
    ],
)
def test_each_property_is_one_lead_and_the_same_file_again_adds_none(
    bucket: Bucket, name: str, read: int, new: int
) -> None:
    content = (FILES / f"{name}.csv").read_bytes()
    assert totals(imported(bucket, content)) == (read, new, read - new, 0, 0)
    assert Lead.objects.count() == new
    assert totals(imported(bucket, content)) == (read, 0, read, 0, 0)


@pytest.mark.parametrize("apn", ["123457", "123-457"])
def test_what_is_owned_by_id_costs_nothing_by_apn(bucket: Bucket, apn: str) -> None:
    facts = {"apn": apn, "fips": "53033", "property_county": "King", "property_state": "WA"}
    Lookup.objects.create(
        operation=catalogue.operation("property_detail"), key="11", state="answered", facts=facts, cost="0.05",
        fetched_at=database_now(),
    )  # fmt: skip
    names.learn([("11", facts)])

    imported(bucket, (FILES / "owned_other_name.csv").read_bytes())

    assert quote(bucket=bucket, by=bucket.owner, options=RunOptions(skip_trace=False)).price == 0


@pytest.mark.parametrize(("apns", "owned"), [(["123457"], 1), (["123-457"], 1), (["123-457", "12-3457"], 0)])
def test_a_combination_counts_as_owned_what_bought_answers_know_by_the_file_s_name(
    bucket: Bucket, apns: list[str], owned: int
) -> None:
    imported(bucket, (FILES / "owned_other_name.csv").read_bytes())
    assert Lead.objects.get().property_id.startswith("apn:")
    for n, apn in enumerate(apns):
        facts = {"apn": apn, "fips": "53033", "property_county": "King", "property_state": "WA"}
        Lookup.objects.create(
            operation=catalogue.operation("property_detail"), key=f"1{n}", state="answered", facts=facts, cost="0.05",
            fetched_at=database_now(),
        )  # fmt: skip
        names.learn([(f"1{n}", facts)])

    seen = preview(by=bucket.owner, sets=Sets(all_of=(bucket.pk,)))

    assert (seen.total, seen.owned, seen.new, seen.price > 0) == (1, owned, 1 - owned, not owned)
