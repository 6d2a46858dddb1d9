"""Imports stay undoable when what they brought was merged with leads that others brought."""

from __future__ import annotations

from typing import Any

import pytest

from buckets.models import Bucket, ImportedLead
from buckets.services import recount
from leads.merging.services import merge_bucket
from leads.merging.table import Merge
from leads.models import Activity, Lead
from leads.selectors import tags_and_owners
from leads.services import set_tags
from tests.buckets.imports.files import csv_of, imported, undone
from tests.leads.samples import counters
from tests.leads.test_merging import APN, HOUSE, add
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(django_user_model: Any) -> tuple[Bucket, list[Any], list[Lead]]:
    """A bucket, two imports and the lead of each: one property, merged."""
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    jobs = [imported(bucket, csv_of([[f"{n} Elm St", "Elk Grove", "CA", "95757", "", ""]])) for n in (1, 2)]
    Lead.objects.all().delete()
    leads = [
        add(bucket, **APN, phone="+12065550101"),
        add(bucket, property_id="address:12", **{**APN, **HOUSE}, sqft=9),
    ]
    for job, lead in zip(jobs, leads, strict=True):
        ImportedLead.objects.create(job=job, lead=lead)
    assert merge_bucket(bucket.pk) == 1
    return bucket, jobs, leads


def test_undoing_the_import_of_the_older_leaves_the_younger_as_a_lead_of_its_own(two):
    bucket, (first, _), (_, younger) = two

    job = undone(first)

    assert (job.status, job.removed, job.kept) == ("undone", 1, {})
    assert list(Lead.every.values_list("pk", "merged_into", "sqft")) == [(younger.pk, None, 9)]
    assert recount() == {} and counters(bucket) == (1, 0, 0, 0) and not Merge.objects.exists()


def test_undoing_the_import_of_the_younger_takes_along_what_came_from_it(two):
    bucket, (_, second), (older, _) = two

    job = undone(second)

    assert (job.status, job.removed, job.kept) == ("undone", 1, {})
    assert list(Lead.every.values_list("pk", "sqft", "property_address")) == [(older.pk, None, None)]
    assert recount() == {} and counters(bucket) == (1, 0, 0, 0)


def test_a_lead_that_undoing_keeps_is_merged_again_by_the_next_sweep(two):
    bucket, (_, second), (_, younger) = two
    Lead.every.filter(pk=younger.pk).update(status="contacted")
    Activity.objects.create(lead=younger, by=bucket.owner, kind="status", text="new to contacted")
    recount()

    job = undone(second)

    assert (job.removed, job.kept, Lead.objects.count()) == (0, {"worked": 1}, 2)
    assert merge_bucket(bucket.pk) == 1
    assert Lead.objects.get().status == "contacted" and recount() == {}


def test_tags_of_the_younger_go_with_it_and_the_older_keeps_its_own(two):
    _, (first, _), (older, younger) = two
    set_tags(lead=older, names=["Mine"])

    job = undone(first)

    assert (job.removed, job.kept) == (0, {"worked": 1})
    assert tags_and_owners([older, younger])[0] == {older.pk: ["Mine"]}
    assert Lead.objects.count() == 2 and recount() == {}
