"""A database of an earlier version: what is owned stays owned, and a file imported before is there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from integrations.ledger import catalogue
from integrations.lookups import refreshing
from integrations.lookups.identity import names_of
from integrations.models import Lookup, NameRefresh, PropertyName
from leads.facts.refreshing import refresh_names
from leads.merging.services import merge_bucket, separate
from leads.models import Lead, LeadName
from tests.buckets.imports.files import csv_of, imported, totals
from tests.leads.test_merging import APN, HOUSE, add, learn
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("APN", "County", "State", "Address", "City", "Zip")
OAK = {
    "apn": "123-456", "property_county": "King", "property_state": "WA",
    "property_address": "12 Oak Street", "property_city": "Seattle", "property_zip": "98101",
}  # fmt: skip
ELM = {"property_state": "WA", "property_address": "7 North Elm Ave", "property_city": "Kent", "property_zip": "98030"}
FILE = csv_of([["123-456", "King", "WA", "12 Oak Street", "Seattle", "98101"],
               ["", "", "WA", "7 North Elm Ave", "Kent", "98030"]], HEADER)  # fmt: skip
OLD_OAK, OLD_ELM = "apn:WA-KING:123456", "address:7 N ELM AVE|98030"


def bought(key: str, facts: dict[str, Any], operation: str = "property_detail") -> None:
    Lookup.objects.create(
        operation=catalogue.operation(operation), key=key, facts=facts, state="answered", cost=Decimal("0.05"),
        fetched_at=database_now(),
    )  # fmt: skip


@pytest.fixture
def old() -> Bucket:
    """Two leads of a file, one asked for by its parcel and one by its address, as version 1 kept them."""
    NameRefresh.objects.all().delete()
    bucket = Bucket.objects.create(owner=make_user(), name="Old list", total_leads=2)
    for property_id, facts in ((OLD_OAK, OAK), (OLD_ELM, ELM)):
        Lead.objects.create(bucket=bucket, owner=bucket.owner, source="import", property_id=property_id, **facts)
    for old_name, property_id, facts in ((OLD_OAK, "11", OAK | {"fips": "53033"}), (OLD_ELM, "12", ELM)):
        bought(old_name, facts | {"property_id": property_id})
        bought(property_id, facts)
        PropertyName.objects.create(name=old_name, property_id=property_id)
    bought("a page", {"rows": [{"property_id": "13", "apn": "9-9", "fips": "53033"}]}, "property_search")
    return bucket


def price(bucket: Bucket) -> Decimal:
    return quote(bucket=bucket, by=bucket.owner, options=RunOptions(skip_trace=False)).price


@pytest.mark.long
def test_what_was_owned_is_owned_and_the_same_file_again_adds_nothing(old: Bucket) -> None:
    call_command("migrate", verbosity=0)

    assert price(old) == 0
    assert totals(imported(old, FILE)) == (2, 0, 2, 0, 0)
    anew = Bucket.objects.create(owner=old.owner, name="New list")
    assert totals(imported(anew, FILE)) == (2, 2, 0, 0, 0)
    assert price(anew) == 0
    assert set(Lead.objects.filter(bucket=anew).values_list("property_id", flat=True)) == {"11", "12"}


def test_every_name_gets_its_hashes_and_every_lead_its_names(old: Bucket) -> None:
    refresh_names()

    assert PropertyName.objects.filter(exact=0).count() == 0
    learned = dict(PropertyName.objects.values_list("name", "property_id"))
    for property_id, facts in (("11", OAK), ("12", ELM), ("13", {"apn": "9-9", "fips": "53033"})):
        assert [learned.get(name.text) for name in names_of(facts)] == [property_id] * len(names_of(facts))
    assert (learned[OLD_OAK], learned[OLD_ELM]) == ("11", "12")
    for lead in Lead.objects.all():
        called = set(LeadName.objects.filter(lead=lead, source="file").values_list("exact", flat=True))
        facts = {name: getattr(lead, name) for name in OAK}
        assert {name.exact for name in names_of(facts)} <= called


def test_a_second_time_changes_nothing(old: Bucket) -> None:
    refresh_names()
    before = [list(model.objects.order_by("pk").values()) for model in (PropertyName, LeadName, NameRefresh)]
    assert refresh_names() == {"properties": 0, "leads": 0}
    NameRefresh.objects.all().delete()
    assert all(refresh_names().values())
    assert [list(model.objects.order_by("pk").values()) for model in (PropertyName, LeadName, NameRefresh)] == before


@contextmanager
def dies_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends before it has committed one more batch."""
    left = [batches]
    real = names_of

    def batch(facts: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(facts)

    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "names_of", batch)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_killed_it_goes_on_where_it_stopped(old: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "LOOKUPS_AT_ONCE", 1)
    with dies_after(2, monkeypatch):
        refresh_names()
    assert NameRefresh.objects.get(of="properties").after == str(Lookup.objects.order_by("pk")[1].pk)
    assert refreshing.is_current("properties") is False

    assert refresh_names()["properties"] == 5  # three look-ups, none left, and the names of before
    assert refreshing.is_current("properties") is refreshing.is_current("leads") is True
    assert price(old) == 0


def test_a_lead_keeps_the_names_of_those_merged_into_it_and_gives_them_back_when_they_part() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    older = add(bucket, **APN)
    younger = add(bucket, property_id=names_of(HOUSE)[0].text, **APN, **HOUSE)
    third = add(bucket, property_id="77")
    learn("77", **APN)
    before = names_by_lead()
    assert merge_bucket(bucket.pk) == 2
    merged = names_by_lead()
    assert set(merged) == {older.pk}
    NameRefresh.objects.all().delete()

    refresh_names()

    assert names_by_lead() == merged
    separate(lead=Lead.every.get(pk=older.pk), by=bucket.owner)
    assert names_by_lead() == before
    assert set(Lead.objects.all()) == {older, younger, third}


def names_by_lead() -> dict[Any, set[tuple[Any, ...]]]:
    found: dict[Any, set[tuple[Any, ...]]] = {}
    for lead_id, *name in LeadName.objects.values_list("lead_id", "exact", "loose", "bare", "source"):
        found.setdefault(lead_id, set()).add(tuple(name))
    return found
