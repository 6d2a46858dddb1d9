"""Combinations of buckets by identity: a property is one under all its names; leaving out leaves out what it may be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from buckets.filling import fills
from buckets.filling.algebra import SetError, Sets, count, count_left_out
from buckets.filling.fills import combine, continue_fill, duplicate, open_fills
from buckets.filling.left_out import HOUSE, PARCEL, left_out
from buckets.models import Bucket, Fill
from buckets.services import create_bucket, recount
from enrichment.quoting.combination_preview import preview
from integrations.ledger import catalogue
from integrations.models import Lookup, PropertyName
from leads.models import Lead, LeadName
from tests.leads.samples import together
from tests.support import make_user

pytestmark = pytest.mark.django_db

# Names as (exact, loose, bare): a house by its address, the same with a unit, a parcel by its segments and without.
# What is possibly the same is even for addresses and odd for parcels, as in `identity.Name.possible`.
HOUSE_12, HOUSE_12_CITY = (12, 1200, False), (13, 1300, False)
UNIT_4, UNIT_5 = (124, 1200, False), (125, 1200, False)
PARCEL_12_3, PARCEL_1_23, PARCEL_123 = (3, 301, False), (4, 301, False), (5, 301, True)


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


def bucket(by: Any, name: str, *leads: tuple[str, list[tuple[int, int, bool]]], **facts: Any) -> Bucket:
    """A bucket with these leads: (property id, names)."""
    made, _ = create_bucket(by=by, name=name)
    for property_id, names in leads:
        lead = Lead.objects.create(bucket=made, owner=by, property_id=property_id, source="import", **facts)
        LeadName.objects.bulk_create(
            LeadName(lead=lead, bucket_id=made.pk, exact=exact, loose=loose, bare=bare, source="file")
            for exact, loose, bare in names
        )
    recount(bucket_ids=[made.pk])
    return made


def learn(property_id: str, *names: tuple[int, int, bool]) -> None:
    PropertyName.objects.bulk_create(
        PropertyName(name=f"{property_id}/{exact}", property_id=property_id, exact=exact, loose=loose, bare=bare)
        for exact, loose, bare in names
    )


def ids_of(one: Bucket) -> list[str]:
    return list(one.leads.order_by("pk").values_list("property_id", flat=True))


def told(sets: Sets, by: Any) -> tuple[list[str], int, int]:
    """Whom the combination holds, copied; how many by the count, and how many are left out."""
    try:
        fill = combine(by=by, name="New", sets=sets)
    except SetError:
        return [], count(sets), count_left_out(sets)
    assert (fill.fetched, fill.left_out) == (count(sets), count_left_out(sets))
    return ids_of(fill.bucket), fill.fetched, fill.left_out


@pytest.mark.parametrize(
    ("ours", "theirs", "known"),
    [
        (("7", []), ("7", []), []),
        (("address:a", [HOUSE_12]), ("address:b", [HOUSE_12]), []),
        (("address:a", [HOUSE_12, PARCEL_12_3]), ("apn:b", [PARCEL_12_3]), []),
        (("7", []), ("address:b", [HOUSE_12]), [("7", HOUSE_12)]),
        (("address:a", [HOUSE_12]), ("7", []), [("7", HOUSE_12)]),
        (("address:a", [HOUSE_12]), ("apn:b", [PARCEL_12_3]), [("7", HOUSE_12), ("7", PARCEL_12_3)]),
    ],
)
def test_one_property_under_two_names_is_left_out_met_and_held_once(ann, ours, theirs, known):
    a, c = bucket(ann, "A", ours, ("1", [])), bucket(ann, "C", theirs)
    for property_id, name in known:
        learn(property_id, name)

    assert told(Sets(all_of=(a.pk,), none_of=(c.pk,)), ann) == (["1"], 1, 0)
    assert told(Sets(all_of=(a.pk, c.pk)), ann) == ([ours[0]], 1, 0)
    assert told(Sets(all_of=(a.pk,), any_of=(c.pk,)), ann) == ([ours[0]], 1, 0)
    assert told(Sets(any_of=(a.pk, c.pk)), ann) == ([ours[0], "1"], 2, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "why"),
    [
        (("address:a", [UNIT_4]), ("address:b", [HOUSE_12]), HOUSE),
        (("address:a", [HOUSE_12]), ("address:b", [UNIT_4]), HOUSE),
        (("address:a", [UNIT_4]), ("address:b", [UNIT_5]), HOUSE),
        (("apn:a", [PARCEL_123]), ("apn:b", [PARCEL_12_3]), PARCEL),
    ],
)
def test_what_is_possibly_the_same_is_left_out_counted_apart_and_never_joined(ann, ours, theirs, why):
    facts = {"apn": "12-3"} if why == PARCEL else {"property_address": "12 Main St"}
    a, c = bucket(ann, "A", ours, ("1", []), **facts), bucket(ann, "C", theirs, **facts)
    sets = Sets(all_of=(a.pk,), none_of=(c.pk,))

    assert told(sets, ann) == (["1"], 1, 1)
    assert told(Sets(all_of=(a.pk, c.pk)), ann) == ([], 0, 0)
    assert told(Sets(any_of=(a.pk, c.pk)), ann) == ([ours[0], "1", theirs[0]], 3, 0)
    (row,), last = left_out(by=ann, sets=sets, after=None, limit=5)
    assert (row.lead.property_id, [m.property_id for m in row.maybe], row.why, last) == (
        ours[0],
        [theirs[0]],
        why,
        None,
    )


@pytest.mark.parametrize("known", [False, True])
def test_two_parcels_with_separators_are_never_possibly_the_same(ann, known):
    ours = ("7", []) if known else ("apn:a", [PARCEL_12_3])
    a, c = bucket(ann, "A", ours, ("1", [])), bucket(ann, "C", ("apn:b", [PARCEL_1_23]))
    if known:
        learn("7", PARCEL_12_3)

    assert told(Sets(all_of=(a.pk,), none_of=(c.pk,)), ann) == ([ours[0], "1"], 2, 0)
    bare = bucket(ann, "Bare", ("apn:b", [PARCEL_123]))
    assert told(Sets(all_of=(a.pk,), none_of=(bare.pk,)), ann) == (["1"], 1, 1)


def test_a_bought_lead_without_names_is_left_out_by_what_everybody_knows_it_is_called(ann):
    a, c = bucket(ann, "A", ("7", []), ("8", [])), bucket(ann, "C", ("address:b", [UNIT_4]))
    learn("7", HOUSE_12)

    assert told(Sets(all_of=(a.pk,), none_of=(c.pk,)), ann) == (["8"], 1, 1)


def test_what_is_surely_the_same_is_not_counted_as_possibly_the_same(ann):
    a = bucket(ann, "A", ("address:a", [UNIT_4]))
    c = bucket(ann, "C", ("address:b", [UNIT_4]), ("address:c", [UNIT_5]))

    assert told(Sets(all_of=(a.pk,), none_of=(c.pk,)), ann) == ([], 0, 0)


def test_a_house_on_an_imported_do_not_call_list_is_left_out_however_it_is_spelled(ann):
    """Five spellings of one house, as names that share one, and a unit of it."""
    spelled = [[HOUSE_12], [HOUSE_12, HOUSE_12_CITY], [HOUSE_12_CITY, HOUSE_12], [PARCEL_12_3, HOUSE_12], [UNIT_4]]
    a = bucket(ann, "A", *((f"address:{n}", names) for n, names in enumerate(spelled)), ("1", []))
    dnc = bucket(ann, "Do not call", ("address:dnc", [HOUSE_12]))

    assert told(Sets(all_of=(a.pk,), none_of=(dnc.pk,)), ann) == (["1"], 1, 1)


def test_an_empty_rest_says_how_many_were_left_out(ann):
    a, c = bucket(ann, "A", ("address:a", [UNIT_4])), bucket(ann, "C", ("address:b", [HOUSE_12]))

    with pytest.raises(SetError, match=r"no bucket was made\. 1 was left out as possibly the same"):
        combine(by=ann, name="New", sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))


def test_pages_of_what_is_left_out_follow_each_other(ann):
    a = bucket(ann, "A", *((f"address:{n}", [(n, 1200, False)]) for n in range(5)))
    c = bucket(ann, "C", ("address:b", [HOUSE_12]))
    sets, pages, after = Sets(any_of=(a.pk,), none_of=(c.pk,)), [], None
    while True:
        rows, after = left_out(by=ann, sets=sets, after=after, limit=2)
        pages.append([row.lead.property_id for row in rows])
        if after is None:
            break

    assert pages == [["address:0", "address:1"], ["address:2", "address:3"], ["address:4"]]


def test_the_names_of_a_lead_come_along_with_it(ann):
    copy = duplicate(bucket=bucket(ann, "A", ("address:a", [UNIT_4, PARCEL_123]), ("1", []))).bucket

    rows = LeadName.objects.filter(bucket_id=copy.pk).order_by("exact").values_list("exact", "loose", "bare", "source")
    assert list(rows) == [(5, 301, True, "file"), (124, 1200, False, "file")]


def test_a_hidden_lead_is_copied_nowhere_and_still_leaves_out(ann):
    a = bucket(ann, "A", ("address:a", [HOUSE_12]), ("7", []))
    older, younger = a.leads.order_by("pk")
    Lead.objects.filter(pk=younger.pk).update(merged_into=older)

    assert ids_of(duplicate(bucket=a).bucket) == ["address:a"]
    b = bucket(ann, "B", ("7", []), ("8", []))
    assert told(Sets(all_of=(b.pk,), none_of=(a.pk,)), ann) == (["8"], 1, 0)


def test_the_preview_counts_as_owned_what_was_bought_under_another_name(ann):
    a = bucket(ann, "A", ("address:a", [HOUSE_12]), ("address:b", [UNIT_4]), ("9", []))
    c = bucket(ann, "C", ("address:c", [UNIT_5]))
    learn("7", HOUSE_12)
    detail = catalogue.operation("property_detail")
    Lookup.objects.create(operation=detail, key="7", state="answered", facts={}, fetched_at="2126-01-01T00:00Z")

    seen = preview(by=ann, sets=Sets(all_of=(a.pk,)))
    assert (seen.total, seen.owned, seen.stale, seen.new, seen.left_out) == (3, 1, 0, 2, 0)
    seen = preview(by=ann, sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))
    assert (seen.total, seen.owned, seen.new, seen.left_out) == (1, 0, 1, 2)


# --- In pieces, at once, killed ---------------------------------------------------------------------------------------


def large(ann: Any) -> tuple[Bucket, Bucket]:
    a = bucket(ann, "A", *((f"address:{n}", [(n, n, False)]) for n in range(1, 13)))
    return a, bucket(ann, "C", ("address:x", [(3, 3, False)]), ("address:y", [(99, 6, False)]))


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_fill_copy_each_lead_once(ann, monkeypatch):
    monkeypatch.setattr(fills, "AT_ONCE", 2)
    a, c = large(ann)
    fill = combine(by=ann, name="New", sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))

    while open_fills():
        together(lambda: continue_fill(fill.pk), lambda: continue_fill(fill.pk))

    fill.refresh_from_db()
    assert (fill.status, fill.saved, fill.left_out, recount(mend=False)) == ("completed", 10, 1, {})
    assert LeadName.objects.filter(bucket_id=fill.bucket_id).count() == 10


WORKER = """
import sys, uuid, django
django.setup()
from buckets.filling import fills
fills.AT_ONCE = 2
fills.continue_fill(uuid.UUID(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_fill_whose_worker_is_killed_goes_on_with_leads_and_names(ann, monkeypatch):
    monkeypatch.setattr(fills, "AT_ONCE", 2)
    a, c = large(ann)
    fill = combine(by=ann, name="New", sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = {"DATABASE_URL": database, "FAULT_POINT": "fill.store.before_commit:2", "DEBUG": "1"}
    place = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(fill.pk)], env=os.environ | environment, cwd=place, check=False
    )

    assert done.returncode == -signal.SIGKILL
    Fill.objects.filter(pk=fill.pk).update(lease_until=None)
    while continue_fill(fill.pk):
        pass
    fill.refresh_from_db()
    assert (fill.status, fill.saved, fill.left_out, recount(mend=False)) == ("completed", 10, 1, {})
    assert LeadName.objects.filter(bucket_id=fill.bucket_id).count() == 10
