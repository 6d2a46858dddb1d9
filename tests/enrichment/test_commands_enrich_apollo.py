from uuid import uuid4

import pytest

from enrichment.models import Run
from tests.command_line import assert_refused, run
from tests.support import billed, make_bucket, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(sandbox):
    return make_bucket(sandbox, make_user(), 4)


def test_leads_are_put_in_a_run_with_what_is_to_be_revealed(bucket):
    ran = run("enrich_apollo", bucket.pk, "--limit", 3, "--max-cost", 1, "--json")

    made = Run.objects.get()
    assert (ran.status, ran.json["run"]["id"], ran.json["run"]["kind"]) == (0, str(made.pk), "apollo")
    assert (made.total, made.max_cost, made.owner) == (3, 1, bucket.owner)
    assert made.options | {} == {
        "limit": 3,
        "startFrom": None,
        "onlyFailed": False,
        "chosenLeads": None,
        "type": "people",
        "revealEmails": True,
        "revealPhones": False,
        "updateDb": True,
    }


def test_the_quote_is_a_credit_a_lead_because_phones_are_not_bought(bucket, sandbox):
    assert run("enrich_apollo", bucket.pk, "--quote-only").out.splitlines()[0] == (
        "4 leads, 0 of them owned: at most $0.08"
    )
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)


def test_chosen_leads_only(bucket):
    chosen = bucket.leads.order_by("pk")[1]

    run("enrich_apollo", bucket.pk, "--lead", chosen.pk, "--type", "organizations")

    assert [item.lead for item in Run.objects.get().items.all()] == [chosen]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lead", "x"], "'x' is not the id of a lead."),
        (["--lead", str(uuid4())], "1 of these leads are not in the bucket."),
        (["--type", "dogs"], "Error: argument --type: invalid choice: 'dogs' (choose from 'people', 'organizations')"),
        (["--max-cost", "0"], "Enter a spending limit of more than $0.00."),
        (["--user", "bob"], "bob has no bucket BUCKET."),
    ],
)
def test_what_cannot_be_meant_starts_nothing(bucket, arguments, words):
    make_user("bob")

    assert_refused(run("enrich_apollo", bucket.pk, *arguments), words.replace("BUCKET", str(bucket.pk)))
    assert not Run.objects.exists()
