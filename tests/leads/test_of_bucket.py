"""The leads of a bucket in the order of their ids, as a page of the API reads them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from leads.deletion.table import BucketDeletion
from leads.models import Lead
from leads.selectors import _of_bucket, of_bucket
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db


def test_they_are_the_bucket_s_own_a_page_at_a_time() -> None:
    bucket, leads = make_leads(5)
    make_leads(2, by=bucket.owner, name="Other", first=50)

    assert of_bucket(bucket.pk, None, 3) == leads[:3]
    assert of_bucket(bucket.pk, leads[2].pk, 3) == leads[3:]
    assert of_bucket(bucket.pk, leads[4].pk, 3) == of_bucket(uuid4(), None, 3) == []


def test_merged_leads_and_those_of_deleted_buckets_are_not_among_them() -> None:
    bucket, leads = make_leads(3)
    Lead.objects.filter(pk=leads[1].pk).update(merged_into=leads[0])
    assert of_bucket(bucket.pk, None, 9) == [leads[0], leads[2]]

    BucketDeletion.objects.create(bucket_id=bucket.pk, leads=3)
    assert of_bucket(bucket.pk, None, 9) == []


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_young_bucket_is_read_by_the_index_of_buckets(mode: str) -> None:
    """The table's statistics know an older bucket alone: by them the ids of all leads would do as well."""
    old, _ = make_leads(400, name="Old")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
        young, _ = make_leads(3, by=old.owner, name="Young", first=1000)
        sql = _of_bucket(51).replace("%(bucket)s", "$1").replace("%(after)s", "$2")
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):  # by which so few are as quick
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
        cursor.execute(f"PREPARE page(uuid, uuid) AS {sql}")
        cursor.execute(f"EXPLAIN EXECUTE page('{young.pk}', '{uuid4()}')")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE page")

    assert "lead_by_bucket on leads_lead" in plan and "Sort" not in plan
    assert "Index Cond: ((ROW(bucket_id, id) > ROW" in plan
