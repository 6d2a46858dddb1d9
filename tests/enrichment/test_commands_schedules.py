import pytest

from accounts.audit import record
from accounts.models import Membership
from enrichment.models import Run, Schedule
from tests.command_line import assert_refused, run
from tests.support import make_bucket, make_user, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(sandbox):
    return make_bucket(sandbox, make_user(time_zone="America/Phoenix"), 5, name="King")


ADD = ("--kind", "enrich", "--cadence", "30 2 * * *", "--limit", 2, "--max-cost", "$1.50")


def test_one_is_added_listed_done_and_removed(bucket):
    told = run("schedules", "add", bucket.pk, *ADD, "--guard", "absenteeOwner=true", "--no-skip-trace", "--json").json
    schedule = Schedule.objects.get()
    assert told["schedule"]["id"] == str(schedule.pk)
    assert told["schedule"]["options"] == {"limit": 2, "skipTrace": False, "guard": {"absenteeOwner": True}}
    assert (told["schedule"]["maxCost"], told["schedule"]["timeZone"]) == ("1.50", "America/Phoenix")

    listed = run("schedules", "list", "--user", "ann")
    assert listed.out.startswith(
        f"{schedule.pk}  Enrich the next leads, King: 30 2 * * * (America/Phoenix), at most $1.50"
    )
    assert listed.out.rstrip().endswith("2:30 AM MST")

    done = run("schedules", "run-now", schedule.pk)
    assert (done.status, done.err) == (0, "")
    assert "  2 leads taken. Last enrichment job: queued, 0 of 2 leads done, 0 with a phone." in done.out.splitlines()
    assert (Run.objects.get().idempotency_key or "").startswith(f"schedule:{schedule.pk}:")

    assert run("schedules", "remove", schedule.pk, "--json").json["removed"]["lastRunId"] == str(Run.objects.get().pk)
    assert run("schedules", "list").out == ""


def test_the_audit_says_that_a_command_did_it_and_not_the_owner_unless_it_names_her(bucket):
    boss = make_user("boss")
    Membership.objects.create(team=bucket.team, user=boss, role="manager")
    for who in ((), ("--user", "boss")):
        added = run("schedules", "add", bucket.pk, *ADD, *who, "--json").json["schedule"]["id"]
        run("schedules", "remove", added, *who)
        run("process_bucket", bucket.pk, *who, "--limit", 1, "--max-cost", 1)
    done = [(who, what) for who, what, _ in told("schedule.created", "schedule.deleted", "run.started")]
    deeds = ("schedule.created", "schedule.deleted", "run.started")
    assert done == [(who, deed) for who in ("", "boss") for deed in deeds]
    assert list(Run.objects.order_by("pk").values_list("owner__username", flat=True)) == ["ann", "boss"]
    record("tag.deleted", by=bucket.owner)
    assert told("tag.deleted")[0][0] == "ann"  # what a command said of itself ended with it


def test_a_guard_is_read_or_refused(bucket):
    told = run("schedules", "add", bucket.pk, *ADD, "--guard", "absenteeOwner=YES", "--guard=tag=2026", "--json").json

    assert told["schedule"]["options"]["guard"] == {"absenteeOwner": True, "tag": "2026"}
    refusal = "vacant: Write a boolean: true or false (yes or no, 1 or 0)."
    assert_refused(run("schedules", "add", bucket.pk, *ADD, "--guard", "vacant=perhaps"), refusal)
    assert Schedule.objects.count() == 1


def test_a_search_and_a_rebuy_are_added_too(bucket):
    search = ("--kind", "refresh", "--cadence", "0 6 * * 1", "--time-zone", "UTC", "--where", "state=WA")
    rebuy = ("--kind", "rebuy", "--cadence", "0 3 1 * *", "--older-than-days", 90, "--max-cost", 9)

    assert run("schedules", "add", bucket.pk, *search, "--json").json["schedule"]["options"] == {
        "search": {"state": "WA"}
    }
    assert run("schedules", "add", bucket.pk, *rebuy, "--json").json["schedule"]["options"] == {"olderThanDays": 90}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--kind", "enrich"), "Say what and when: --kind and --cadence."),
        (
            ("--kind", "enrich", "--cadence", "30 2 * * *"),
            "Enter a spending limit: this schedule spends money by itself.",
        ),
        ((*ADD, "--time-zone", "Mars"), "'Mars' is no time zone, such as America/New_York."),
        (
            (*ADD[:3], "* * * * *", *ADD[4:]),
            "The minute must be one number from 0 to 59: a schedule comes at most once an hour.",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line(bucket, flags, words):
    assert_refused(run("schedules", "add", bucket.pk, *flags), words)
    assert not Schedule.objects.exists()


def test_somebody_elses_is_not_there(bucket):
    make_user("bob")
    run("schedules", "add", bucket.pk, *ADD)
    schedule = Schedule.objects.get()

    assert_refused(run("schedules", "add", bucket.pk, *ADD, "--user", "bob"), f"bob has no bucket {bucket.pk}.")
    assert_refused(run("schedules", "remove", schedule.pk, "--user", "bob"), f"bob has no schedule {schedule.pk}.")
    assert run("schedules", "list", "--user", "bob", "--json").json == {"schedules": []}
    assert_refused(
        run("schedules", "remove"),
        "add goes with a bucket's ID, remove and run-now with a schedule's, list with none.",
    )
