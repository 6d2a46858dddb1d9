from uuid import uuid4

import pytest

from buckets.models import Bucket
from buckets.services import create_bucket
from tests.command_line import assert_refused, run
from tests.support import make_user

pytestmark = pytest.mark.django_db


def drifted() -> Bucket:
    bucket, _ = create_bucket(by=make_user(), name="Drifted", property_ids=["11", "12"])
    Bucket.objects.filter(pk=bucket.pk).update(total_leads=5, contacted_leads=1)
    return bucket


def test_right_counters_are_left_alone():
    create_bucket(by=make_user(), name="Right", property_ids=["11"])

    ran = run("recount_buckets")

    assert (ran.status, ran.out, ran.err) == (0, "All correct.\n", "")


def test_drift_is_mended():
    bucket = drifted()

    ran = run("recount_buckets")

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"{bucket.pk}: total_leads was 5, is 2",
        f"{bucket.pk}: contacted_leads was 1, is 0",
    ]
    bucket.refresh_from_db()
    assert (bucket.total_leads, bucket.contacted_leads) == (2, 0)


def test_a_check_finds_drift_and_leaves_it():
    bucket = drifted()

    ran = run("recount_buckets", bucket.pk, "--check", "--json")

    assert (ran.status, ran.err) == (1, "CommandError: The counters of 1 bucket are wrong.\n")
    assert ran.json == {
        "wrong": {
            str(bucket.pk): {"total_leads": {"stored": 5, "real": 2}, "contacted_leads": {"stored": 1, "real": 0}}
        },
        "mended": False,
    }
    bucket.refresh_from_db()
    assert bucket.total_leads == 5


def test_only_the_named_bucket_is_mended():
    bucket = drifted()
    other, _ = create_bucket(by=bucket.owner, name="Other", property_ids=["11"])

    assert run("recount_buckets", other.pk).out == "All correct.\n"
    bucket.refresh_from_db()
    assert bucket.total_leads == 5


def test_a_bucket_that_is_not_there_mends_nothing():
    bucket, nobody = drifted(), uuid4()

    assert_refused(run("recount_buckets", bucket.pk, nobody), f"There is no bucket {nobody}.")
    assert_refused(run("recount_buckets", "all"), "'all' is not the id of a bucket.")
    bucket.refresh_from_db()
    assert bucket.total_leads == 5
