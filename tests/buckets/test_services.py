"""Making and changing buckets."""

from __future__ import annotations

import pytest

from buckets.filling.fills import create_bucket_from_search
from buckets.models import Bucket
from buckets.services import add_ids, create_bucket, edit_bucket
from common.db.ids import uuid7
from leads.models import Lead
from tests.leads.samples import counters
from tests.support import make_user

pytestmark = pytest.mark.django_db


def test_a_bucket_of_ids_costs_nothing_and_is_counted() -> None:
    user = make_user()
    bucket, inserted = create_bucket(
        by=user,
        name="King County",
        description="Spring",
        source="mixed",
        property_ids=["2", "1", "2"],
        filters={"state": "WA", "city": "東京"},
        signals={"taxLien": 3},
    )
    assert inserted == 2
    assert counters(bucket) == (2, 0, 0, 0)
    assert (bucket.owner, bucket.name, bucket.description, bucket.source) == (user, "King County", "Spring", "mixed")
    assert (bucket.filters, bucket.signals) == ({"state": "WA", "city": "東京"}, {"taxLien": 3})
    assert (bucket.enrichment_status, bucket.enrichment_progress) == ("pending", {})
    assert set(Lead.objects.values_list("owner", "source")) == {(user.pk, "mixed")}


def test_a_bucket_whose_ids_are_refused_is_not_made() -> None:
    with pytest.raises(Exception, match="too long"):
        create_bucket(by=make_user(), name="King County", property_ids=["1", "x" * 65])
    assert Bucket.objects.count() == 0


def test_ids_added_later_come_after_those_that_were_there() -> None:
    bucket, _ = create_bucket(by=make_user(), name="King County", property_ids=["2", "3"])
    assert add_ids(bucket=bucket, property_ids=["3", "1"]) == 1
    assert bucket.total_leads == 3
    assert list(Lead.objects.order_by("pk").values_list("property_id", flat=True)) == ["2", "3", "1"]


def test_a_bucket_from_a_search_is_empty_at_first_and_remembers_the_search() -> None:
    criteria = {"state": "WA", "value_min": 300_000}
    bucket, fill = create_bucket_from_search(by=make_user(), name="WA", criteria=criteria, limit=50, description="x")
    assert (bucket.total_leads, bucket.filters, bucket.description) == (0, criteria, "x")
    assert (fill.bucket, fill.criteria, fill.limit, fill.status) == (bucket, criteria, 50, "queued")


def test_an_edit_changes_what_is_named_and_no_counter() -> None:
    bucket, _ = create_bucket(by=make_user(), name="King County", property_ids=["1"])
    Bucket.objects.update(total_leads=1, contacted_leads=1)  # meanwhile, unseen by our copy
    edit_bucket(bucket=bucket, changes={"name": "Pierce", "total_leads": 7, "owner": None})
    bucket.refresh_from_db()
    assert (bucket.name, bucket.contacted_leads, bucket.total_leads) == ("Pierce", 1, 1)
    edit_bucket(bucket=bucket, changes={"description": "", "filters": {}, "signals": {"vacant": 1}})
    bucket.refresh_from_db()
    assert (bucket.name, bucket.filters, bucket.signals) == ("Pierce", {}, {"vacant": 1})


def test_the_order_of_bucket_ids_is_the_order_of_making() -> None:
    user = make_user()
    made = [create_bucket(by=user, name=str(n))[0] for n in range(20)]
    assert list(Bucket.objects.order_by("pk")) == made
    assert made[-1].pk < uuid7()
