"""Counting leads anew: drift is found and mended, an honest bucket is not touched."""

from __future__ import annotations

from uuid import uuid4

import pytest

from buckets.models import Bucket
from buckets.services import recount
from common.db.clock import database_now
from enrichment.options import RunOptions
from enrichment.services import start_run
from leads.models import Lead
from leads.services import change_status
from tests.leads.samples import counters, make_leads

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket() -> Bucket:
    """Four leads: one contacted, one with a phone, three in a run; of another the detail alone is bought."""
    bucket, leads = make_leads(4)
    Lead.objects.filter(pk=leads[0].pk).update(phone="+15125550100", enrichment_status="completed")
    Lead.objects.filter(pk=leads[2].pk).update(enriched_at=database_now())
    Bucket.objects.update(enriched_leads=1, phone_leads=1, detailed_leads=1)
    change_status(lead=leads[1], by=bucket.owner, status="lost")
    start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    assert counters(bucket) == (4, 1, 3, 1)
    return bucket


def test_an_honest_bucket_is_not_touched(bucket: Bucket) -> None:
    before = Bucket.objects.values().get()
    assert recount() == {}
    assert Bucket.objects.values().get() == before


def test_drift_is_found_and_mended(bucket: Bucket) -> None:
    Bucket.objects.update(
        total_leads=9, enriched_leads=0, queued_leads=2, contacted_leads=5, detailed_leads=4, phone_leads=0
    )
    expected = {
        "total_leads": (9, 4),
        "enriched_leads": (0, 1),
        "queued_leads": (2, 3),
        "contacted_leads": (5, 1),
        "detailed_leads": (4, 1),
        "phone_leads": (0, 1),
    }
    assert recount(mend=False) == {bucket.pk: expected}
    assert counters(bucket) == (9, 0, 2, 5)
    assert recount() == {bucket.pk: expected}
    assert counters(bucket) == (4, 1, 3, 1)
    assert recount() == {}


def test_only_what_differs_is_reported(bucket: Bucket) -> None:
    Bucket.objects.update(contacted_leads=0)
    assert recount() == {bucket.pk: {"contacted_leads": (0, 1)}}


def test_only_the_buckets_named_are_counted(bucket: Bucket) -> None:
    other, _ = make_leads(1, by=bucket.owner)
    Bucket.objects.update(total_leads=9)
    assert recount(bucket_ids=[other.pk, uuid4()]) == {other.pk: {"total_leads": (9, 1)}}
    assert counters(bucket)[0] == 9


def test_a_mended_bucket_keeps_everything_else(bucket: Bucket) -> None:
    Bucket.objects.update(total_leads=9, name="New name", enrichment_progress={"total": 3})
    recount()
    bucket.refresh_from_db()
    assert (bucket.name, bucket.enrichment_progress, bucket.enrichment_status) == (
        "New name",
        {"total": 3},
        "processing",
    )
