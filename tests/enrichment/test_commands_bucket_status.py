import pytest

from buckets.filling.fills import start_fill
from enrichment.models import Run
from tests.command_line import assert_refused, run
from tests.support import make_bucket, make_user, start

pytestmark = pytest.mark.django_db


def test_a_bucket_tells_its_leads_searches_runs_and_money(sandbox):
    bucket = make_bucket(sandbox, make_user(), 5, name="King")
    fill = start_fill(bucket=bucket, criteria={"state": "WA"})
    made = start(bucket, limit=2)

    ran = run("bucket_status", bucket.pk)

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "King, of ann: processing",
        "  5 leads, 0 with property data, 0 with a phone, 2 waiting in a job, 0 contacted, $0.00 spent",
        f"Search {fill.pk}: Queued: 0 of ?.",
        f"Enrichment job {made.pk}: queued, 0 of 2 leads, $0.00 spent",
        "  0 with a phone, 0 with an e-mail, 0 failed, 0 skipped",
        "  No worker is running.",
    ]


def test_the_same_in_json(sandbox):
    bucket = make_bucket(sandbox, make_user(), 5, name="King")
    made = start(bucket, limit=2)

    told = run("bucket_status", bucket.pk, "--json").json

    assert told["bucket"]["totalLeads"] == 5
    assert (told["bucket"]["remaining"], told["bucket"]["spent"], told["bucket"]["owner"]) == (5, "0", "ann")
    assert [(r["id"], r["status"], r["stats"]["total"]) for r in told["runs"]] == [(str(made.pk), "queued", 2)]
    assert (told["fills"], told["workersAlive"]) == ([], False)


def test_a_user_sees_only_their_own_buckets(sandbox):
    ann, bob = make_user(), make_user("bob")
    mine = make_bucket(sandbox, ann, 1, name="Mine")
    make_bucket(sandbox, bob, 1, name="Theirs")

    ran = run("bucket_status", "--user", "ann")

    assert ran.out == f"{mine.pk}          1 leads          0 with a phone  Mine\n"
    assert [b["name"] for b in run("bucket_status", "--user", "bob", "--json").json["buckets"]] == ["Theirs"]


def test_somebody_elses_bucket_is_as_if_it_were_not_there(sandbox):
    bucket = make_bucket(sandbox, make_user(), 1)
    make_user("bob")

    assert_refused(run("bucket_status", bucket.pk, "--user", "bob"), f"bob has no bucket {bucket.pk}.")


def test_nobody_named_is_nobody_shown(db):
    assert_refused(run("bucket_status"), "Say which: BUCKET, or --user USERNAME for all of theirs.")


def test_a_finished_bucket_is_not_waited_for(sandbox):
    bucket = make_bucket(sandbox, make_user(), 1)
    made = start(bucket)
    Run.objects.filter(pk=made.pk).update(status="cancelled")

    assert run("bucket_status", bucket.pk, "--wait").status == 0
