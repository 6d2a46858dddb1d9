"""A piece's rows are saved by the lines their reader made; only those that may be known are compared with leads."""

from __future__ import annotations

import marshal
import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from buckets.imports import services
from buckets.models import Bucket
from integrations.lookups.identity import Name
from leads.facts import incoming
from leads.facts.batches import Batch, Incoming
from leads.facts.incoming import insert_leads, said_by_file, take_vendor_ids
from leads.facts.matching import found_of, known_leads
from leads.models import Lead, LeadKey, LeadName
from tests.buckets.imports.files import csv_of, homes, imported, totals, uploaded, work
from tests.buckets.imports.test_shortcuts import made_rows
from tests.leads.samples import together
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(bucket: Bucket) -> tuple[list[Any], ...]:
    """What the bucket's leads are and are called, and their keys, without ids and times."""
    leads = Lead.every.filter(bucket=bucket).order_by("pk")
    facts = leads.values_list("property_id", "property_address", "apn", "phone", "owner_name", "email", "litigator")
    names = LeadName.objects.filter(bucket_id=bucket.pk).order_by("lead__property_id", "exact")
    keys = LeadKey.objects.filter(lead__bucket=bucket).order_by("lead__property_id", "key")
    return (
        list(facts),
        list(names.values_list("lead__property_id", "exact", "loose", "bare", "source")),
        list(keys.values_list("lead__property_id", "key", "role", "position")),
    )


def test_few_rows_are_compared_and_it_is_as_if_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    user, content = make_user(), made_rows(900)
    few, all_ = (Bucket.objects.create(owner=user, name=name) for name in ("Few", "All"))
    first = [totals(imported(few, content)), totals(imported(few, content + content[-2000:].partition(b"\n")[2]))]

    monkeypatch.setattr(incoming, "found_of", lambda *_: None)
    second = [totals(imported(all_, content)), totals(imported(all_, content + content[-2000:].partition(b"\n")[2]))]

    assert first == second
    assert rows_of(few) == rows_of(all_)
    assert Lead.objects.filter(bucket=few).count() > 200


def test_new_rows_that_share_nothing_are_not_compared_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    monkeypatch.setattr(incoming, "_compare", None)
    assert totals(imported(bucket, csv_of(homes(50))))[:2] == (50, 50)


def test_an_id_that_a_purchase_gives_a_lead_in_that_moment_is_that_lead_s(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    imported(bucket, csv_of(homes(1)))
    lead = Lead.objects.get()
    sort, sorted_ = incoming._sort, list[int]()

    def bought() -> None:
        with transaction.atomic():
            take_vendor_ids({lead.pk: "777"})

    def sort_then_buy(bucket_id: Any, batch: Batch) -> Any:
        found = sort(bucket_id, batch)
        sorted_.append(len(found.new))
        if len(sorted_) == 1:
            assert together(bought) == [None]
        return found

    monkeypatch.setattr(incoming, "_sort", sort_then_buy)
    header = ["Our id", "Address", "City", "State", "Zip"]
    content = csv_of([["777", *homes(1, first=9)[0][:4]], ["", *homes(1, first=5)[0][:4]]], header)
    mapping = {"propertyId": 0, "address": 1, "city": 2, "state": 3, "zip": 4}
    job = services.choose_columns(job=uploaded(bucket, content), mapping=mapping, constants={})
    services.start_import(job=job)
    work(job)

    assert sorted_ == [2, 1]
    assert totals(job)[:3] == (2, 1, 1)
    assert sorted(Lead.objects.values_list("property_id", flat=True))[0] == "777"
    bucket.refresh_from_db()
    assert bucket.total_leads == 2


def test_another_constraint_is_not_tried_again() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    with pytest.raises(IntegrityError, match="lead_has_property_id"), transaction.atomic():
        insert_leads(bucket_id=bucket.pk, owner_id=bucket.owner_id, team_id=bucket.team_id, source="import",
                     leads=[Incoming("", {"property_address": "1 Oak St"})])  # fmt: skip
    assert Lead.objects.count() == 0


def test_a_batch_is_sent_with_its_rows_closed_and_opens_to_the_same() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    row = Incoming("apn:53033:1-2", {"apn": "1-2", "fips": "53033", "tags": ["a"], "custom": {"n": 1.5, "b": True},
                                     "more_phones": [{"value": "+12065550143"}]})  # fmt: skip
    batch = Batch.of([row], bucket_id=bucket.pk, said=said_by_file(timezone.now()))
    whole = batch.rows()
    assert marshal.loads(batch.sent().packed)
    assert batch.rows() == whole
    assert [name.exact for name in batch.rows()[0].names] == [name.exact for name in whole[0].names]


def test_the_ids_of_a_young_bucket_are_found_by_the_index_of_ids() -> None:
    """The table's statistics know an older bucket alone, and promise one row of this: any index would do then."""
    owner = make_user()
    old, young = (Bucket.objects.create(owner=owner, name=name) for name in ("Old", "Young"))
    imported(old, made_rows(300))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
        imported(young, made_rows(300))
        asked = Batch.of([Incoming("1", {})], bucket_id=young.pk, said=said_by_file(timezone.now())).asked
        with CaptureQueriesContext(connection) as sent:
            found_of(young.pk, asked)
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sent[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "lead_once_per_bucket on leads_lead" in plan


def test_leads_with_a_name_are_found_one_by_one_whatever_the_tables_statistics_say() -> None:
    """Of a table that was nearly empty when it was last counted PostgreSQL expects one lead: it went through all names
    of a piece for each lead there was.
    """
    bucket = Bucket.objects.create(owner=make_user(), name="Young")
    imported(bucket, made_rows(600))
    texts = Lead.objects.filter(bucket=bucket).values_list("property_id", flat=True)
    names = [Name(text, text) for text in texts]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_leadname")
        cursor.execute("UPDATE pg_class SET reltuples = 1, relpages = 100 WHERE relname = 'leads_lead'")
        with CaptureQueriesContext(connection) as sent:
            known_leads(bucket.pk, [*texts], names)
        plans = []
        for one in sent:
            cursor.execute(f"EXPLAIN {one['sql']}")
            plans.append([line for (line,) in cursor.fetchall()])
    assert len(plans) == 2
    for plan in plans:
        looks = [place for place, line in enumerate(plan) if re.search(r" on leads_lead( |$)", line)]
        assert looks
        assert all("Cond: " in plan[place + 1] for place in looks), "\n".join(plan)
