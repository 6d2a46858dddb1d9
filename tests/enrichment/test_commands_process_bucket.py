from decimal import Decimal
from uuid import uuid4

import pytest

from buckets.services import add_ids
from enrichment.models import Run, RunItem
from leads.models import Lead
from tests.command_line import Ran, assert_refused, run
from tests.support import billed, make_bucket, make_user, some_ids

Money = Decimal


def process(bucket, *arguments: object, **how) -> Ran:
    return run("process_bucket", bucket.pk, *arguments, **how)


@pytest.fixture
def bucket(sandbox, db):
    return make_bucket(sandbox, make_user(), 20)


def test_a_quote_buys_nothing(bucket, sandbox):
    ran = process(bucket, "--limit", 10, "--quote-only")

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "10 leads, 0 of them owned: at most $1.00",
        "  property_detail (realestateapi): 0 owned, 10 to buy at $0.0500: $0.50",
        "  skip_trace (realestateapi): 0 owned, 10 to buy at $0.0500: $0.50",
        "  Expected with a phone: unknown yet: no history",
    ]
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)


def test_a_quote_says_which_cap_is_in_the_way_in_json_too(bucket):
    ran = process(bucket, "--quote-only", "--max-cost", "$1.50", "--no-skip-trace", "--json")

    assert ran.json == {
        "quote": {
            "leads": 20,
            "owned": 0,
            "toBuy": 20,
            "price": "1.0000",
            "lines": [
                {
                    "vendor": "realestateapi",
                    "operation": "property_detail",
                    "owned": 0,
                    "toBuy": 20,
                    "unitPrice": "0.05",
                    "cost": "1.00",
                }
            ],
            "limits": [],
            "notes": [],
        }
    } | {"quote": ran.json["quote"]}
    assert Money(ran.json["quote"]["price"]) == Money("1.00")
    tight = process(bucket, "--quote-only", "--max-cost", "0.50", "--no-skip-trace", "--json")
    assert tight.json["quote"]["limits"] == ["your spending limit of $0.50 may stop it before the end"]


def test_what_is_asked_for_is_what_the_run_keeps(bucket):
    first = bucket.leads.order_by("pk").first()

    ran = process(
        bucket,
        "--limit=5",
        "--max-cost=2.5",
        f"--start-from={first.pk}",
        "--guard=absenteeOwner=true",
        "--user=ann",
        "--json",
    )

    made = Run.objects.get()
    assert (ran.status, ran.err) == (0, "")
    assert (ran.json["run"]["id"], ran.json["run"]["status"]) == (str(made.pk), "queued")
    assert (made.owner, made.total, made.max_cost) == (bucket.owner, 5, Money("2.5"))
    assert made.options == {
        "limit": 5,
        "startFrom": str(first.pk),
        "onlyFailed": False,
        "chosenLeads": None,
        "skipTrace": True,
        "guard": {"absenteeOwner": True},
    }


def test_at_a_terminal_a_person_is_asked_and_no_means_no(bucket):
    ran = process(bucket, terminal=True, stdin="n\n")

    assert ran.status == 1
    assert ran.err == "Buy for at most $2.00? [y/N] CommandError: Nothing was bought.\n"
    assert not Run.objects.exists()


def test_at_a_terminal_yes_starts_the_run(bucket):
    assert process(bucket, terminal=True, stdin="y\n").status == 0
    assert Run.objects.get().total == 20


def test_leads_that_came_while_a_person_thought_are_not_bought(bucket, sandbox, monkeypatch):
    def think() -> str:
        add_ids(bucket=bucket, property_ids=some_ids(sandbox, 5, start=50))
        return "y\n"

    monkeypatch.setattr("tests.command_line._Stdin.readline", lambda self: think())

    ran = process(bucket, terminal=True)

    assert (ran.status, ran.err.splitlines()[-1].split("] ")[-1]) == (
        1,
        "CommandError: The price has changed meanwhile: nothing was bought. Ask again.",
    )
    assert not Run.objects.exists()


def test_yes_given_as_a_flag_asks_nothing(bucket):
    ran = process(bucket, "--yes", terminal=True)

    assert (ran.status, ran.err, Run.objects.count()) == (0, "", 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-cost", "0"], "Enter a spending limit of more than $0.00."),
        (["--max-cost", "-1"], "Enter a spending limit of more than $0.00."),
        (["--max-cost", "much"], "'much' is not an amount in US dollars, such as 12.50."),
        (["--max-cost", "nan"], "'nan' is not an amount in US dollars, such as 12.50."),
        (["--max-cost", "1e12"], "'1e12' is not an amount in US dollars, such as 12.50."),
        (["--limit", "0"], "The limit must be from 1 to 100000."),
        (["--limit", "100001"], "The limit must be from 1 to 100000."),
        (["--guard", "haunted=true"], "haunted: There is no such filter."),
        (["--guard", "vacant=2"], "vacant: Write a boolean: true or false (yes or no, 1 or 0)."),
        (["--guard=vacant=true", "--guard=vacant=1"], "vacant: Give it one value, not a list, and only once."),
        (["--max-cost=1", "--max-cost=100"], "Error: argument --max-cost: give it once"),
        (["--max-cost", "1_0"], "'1_0' is not an amount in US dollars, such as 12.50."),
        (["--guard", "absenteeOwner"], "--guard 'absenteeOwner': write it as name=value."),
        (["--start-from", "x"], "'x' is not the id of a lead."),
        (["--user", "eve"], "There is no user 'eve': create_api_token eve makes one."),
    ],
)
def test_what_cannot_be_meant_starts_nothing(bucket, sandbox, arguments, words):
    assert_refused(process(bucket, *arguments), words)
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)


@pytest.mark.parametrize("value", ["1", "TRUE", "yes"])
def test_a_guard_means_true_in_every_spelling_and_keeps_texts(bucket, value):
    guard = [f"--guard=absenteeOwner={value}", "--guard=propertyZip=98101", "--guard=propertyZip=00501"]

    assert process(bucket, *guard, "--guard=equityPercentMin=40", "--yes").status == 0

    kept = {"absenteeOwner": True, "propertyZip": ["98101", "00501"], "equityPercentMin": 40}
    assert Run.objects.get().options["guard"] == kept


def test_somebody_elses_bucket_is_as_if_it_were_not_there(bucket):
    make_user("bob")

    assert_refused(process(bucket, "--user", "bob"), f"bob has no bucket {bucket.pk}.")
    assert_refused(run("process_bucket", "7"), "'7' is not the id of a bucket.")
    nobody = uuid4()
    assert_refused(run("process_bucket", nobody), f"There is no bucket {nobody}.")
    assert not Run.objects.exists()


def test_a_lead_of_another_bucket_is_no_place_to_start_from(bucket, sandbox):
    other = make_bucket(sandbox, bucket.owner, 1, start=100)

    assert_refused(process(bucket, "--start-from", other.leads.get().pk), "This lead is not in the bucket.")
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lone_investor_needs_no_worker(sandbox):
    bucket = make_bucket(sandbox, make_user(), 20)

    ran = process(bucket, "--here", "--json")

    made = Run.objects.with_money().get()
    assert (ran.status, made.status, made.done) == (0, Run.Status.COMPLETED, 20)
    assert ran.json["run"]["stats"]["processed"] == 20
    assert ran.json["run"]["stats"]["withPhones"] == Lead.objects.filter(phone__isnull=False).count() > 0
    assert Money(ran.json["run"]["spent"]) == made.spent == billed(sandbox) > 0
    assert ran.err.splitlines()[-1] == f"Leads: 20 of 20, ${made.spent:.2f} spent"


@pytest.mark.django_db(transaction=True)
def test_a_run_that_a_cap_stops_is_told_and_ends_with_status_1(sandbox):
    bucket = make_bucket(sandbox, make_user(), 20)

    ran = process(bucket, "--here", "--max-cost", "0.10", "--no-skip-trace", "--json")

    made = Run.objects.with_money().get()
    assert (made.status, made.spent, made.done) == (Run.Status.PAUSED, Money("0.10"), 2)
    assert (ran.status, ran.json["run"]["status"]) == (1, "paused")
    assert ran.err.splitlines()[-1] == (
        f"CommandError: Enrichment job {made.pk} is paused: Reached its $0.10 spending limit."
    )
    assert billed(sandbox) == Money("0.10")


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_waiting_without_a_worker_says_so_and_status_here_goes_on(sandbox, monkeypatch):
    bucket = make_bucket(sandbox, make_user(), 5)
    monkeypatch.setattr("enrichment.management.helpers.runs.NOBODY_AFTER", 0.1)

    ran = process(bucket, "--wait")

    assert (ran.status, ran.err.splitlines()[-1]) == (
        1,
        "CommandError: No worker is running: the job is stored and waits. Start a worker, or use bucket_status --here.",
    )
    assert Run.objects.get().status == Run.Status.QUEUED
    after = run("bucket_status", bucket.pk, "--here", "--json")
    assert (after.status, after.json["runs"][0]["status"]) == (0, "completed")
    assert not RunItem.objects.exclude(stage=0).exists()


def test_an_interruption_leaves_the_run_to_others_and_says_so(bucket, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("enrichment.management.helpers.runs.follow", interrupted)

    ran = process(bucket, "--wait")

    assert (ran.status, ran.err.splitlines()) == (
        130,
        [
            "No longer following.",
            "CommandError: The job continues with the next worker, or with bucket_status --here; "
            "the admin pauses and cancels it.",
        ],
    )
    assert Run.objects.get().status == Run.Status.QUEUED


@pytest.mark.django_db(transaction=True)
def test_failed_leads_are_tried_again(sandbox):
    bucket = make_bucket(sandbox, make_user(), 3)
    Lead.objects.filter(pk=bucket.leads.earliest("pk").pk).update(property_id="999999999999")
    process(bucket, "--here", "--no-skip-trace")
    failed = Run.objects.get()
    assert failed.failed == 1

    ran = run("retry_failed", failed.pk, "--json")

    again = Run.objects.latest("pk")
    assert (ran.status, ran.err) == (0, "")
    assert (ran.json["quote"]["leads"], ran.json["run"]["id"], again.total) == (1, str(again.pk), 1)
    assert again.options["skipTrace"] is False
    assert (
        process(bucket, "--only-failed", "--quote-only", "--json").json["quote"]["leads"] == 0
    )  # it waits in that run


def test_a_run_without_failures_has_nothing_to_try_again(bucket):
    process(bucket, "--limit", 1)
    made = Run.objects.get()

    assert_refused(run("retry_failed", made.pk), "No lead of this enrichment job failed.")
    make_user("bob")
    assert_refused(run("retry_failed", made.pk, "--user", "bob"), f"bob has no enrichment job {made.pk}.")
    assert Run.objects.count() == 1
