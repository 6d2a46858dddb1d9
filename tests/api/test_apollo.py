from __future__ import annotations

import uuid

import pytest

from enrichment.models import Run
from leads.models import Lead
from tests.api.client import Api, body_of, refused
from tests.support import billed, make_bucket, make_user, worker_of

APOLLO = "/api/apollo/enrich"


def with_emails(bucket):
    """Apollo needs more than a name: an e-mail will do."""
    for number, lead in enumerate(bucket.leads.order_by("pk")):
        lead.email, lead.first_name, lead.last_name = f"owner{number}@example.com", "Ann", "Lee"
        lead.save()
    return [str(pk) for pk in bucket.leads.order_by("pk").values_list("pk", flat=True)]


@pytest.mark.django_db(transaction=True)
def test_leads_of_two_buckets_are_enriched_in_a_run_each(sandbox):
    ann = make_user("ann")
    one, two = make_bucket(sandbox, ann, 3), make_bucket(sandbox, ann, 2, start=10, name="Two")
    asked, more = with_emails(one), with_emails(two)
    Lead.objects.filter(pk=more[1]).update(email=None, first_name=None)

    body = {"leadIds": asked + more, "revealPhones": False}
    with worker_of(runs=2):
        answer = Api(ann).post(APOLLO, body, Prefer="wait=30", Idempotency_Key="k")

    done = body_of(answer, 200)
    results = done["results"]
    assert [run["bucketId"] for run in done["runs"]] == [str(one.pk), str(two.pk)]
    assert {run["status"] for run in done["runs"]} == {"completed"}
    assert {run["kind"] for run in done["runs"]} == {"apollo"}
    assert done["runs"][0]["options"]["revealPhones"] is False
    assert results["total"] == 5 == results["enriched"] + results["failed"]
    assert f"{more[1]}: INVALID_DATA" in results["errors"]
    assert len(results["errors"]) == results["failed"]
    assert [lead["leadId"] for lead in done["unaskable"]] == [more[1]]
    assert "e-mail" in done["unaskable"][0]["reason"]
    known = Lead.objects.filter(apollo_person_id__isnull=False).count()
    assert results["enriched"] == known > 0
    assert sum(float(run["spent"]) for run in done["runs"]) == float(billed(sandbox)) > 0

    again = Api(ann).post(APOLLO, body, Idempotency_Key="k")
    assert again["Idempotent-Replay"] == "true"
    assert body_of(again)["results"] == results
    for ids in (asked, more, with_emails(make_bucket(sandbox, ann, 1, start=20, name="Three"))):
        refused(Api(ann).post(APOLLO, {"leadIds": ids, "revealPhones": False}, Idempotency_Key="k"), 409)
    assert Run.objects.count() == 2


def test_an_answer_that_cannot_wait_says_what_is_going_on(api, ann, sandbox):
    ids = with_emails(make_bucket(sandbox, ann, 2))

    going = body_of(api.post(APOLLO, {"leadIds": ids, "type": "people", "updateDb": False}, Prefer="wait=0"), 202)

    assert going["results"] == {
        "total": 2, "enriched": 0, "withPhones": 0, "withEmails": 0, "failed": 0, "errors": [],
    }  # fmt: skip
    assert (going["runs"][0]["status"], going["runs"][0]["options"]["updateDb"]) == ("queued", False)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"leadIds": []}, 400, "leadIds"),
        ({"leadIds": None}, 400, "leadIds"),
        ({"leadIds": [str(uuid.UUID(int=n)) for n in range(1001)]}, 400, "leadIds"),
        ({"leadIds": ["x"]}, 400, "leadIds"),
        ({"leadIds": [str(uuid.uuid4())]}, 404, "leadIds"),
        ({"type": "dogs"}, 400, "type"),
        ({"revealEmails": "x"}, 400, "revealEmails"),
        ({"maxCost": 0}, 400, "maxCost"),
        ({"limit": 5}, 400, "limit"),
    ],
)
def test_what_cannot_be_asked_of_apollo_is_refused_by_name(api, ann, sandbox, change, status, field):
    ids = with_emails(make_bucket(sandbox, ann, 1))

    refused(api.post(APOLLO, {"leadIds": ids, **change}), status, field)

    assert not Run.objects.exists()


def test_one_lead_of_somebody_else_stops_all(api, ann, bob, sandbox):
    mine, his = with_emails(make_bucket(sandbox, ann, 2)), with_emails(make_bucket(sandbox, bob, 1))

    message = refused(api.post(APOLLO, {"leadIds": mine + his}), 404, "leadIds")

    assert message == "leadIds: 1 of these leads do not exist."
    assert not Run.objects.exists()


def test_the_health_check_says_whether_apollo_takes_our_key(api, sandbox, settings):
    healthy = body_of(api.get(APOLLO))
    settings.VENDORS = {**settings.VENDORS, "apollo": {**settings.VENDORS["apollo"], "key": "wrong"}}
    answer = api.get(APOLLO)

    assert healthy["status"] == "ok"
    refused(answer, 503)
    assert answer.json()["error"]["code"] == "APOLLO_UNAVAILABLE"
    assert billed(sandbox) == 0


@pytest.mark.parametrize("kind", ["people", "organizations"])
@pytest.mark.parametrize("reveal", [True, False])
def test_leads_without_facts_are_told_so_and_nothing_starts(api, ann, sandbox, kind, reveal):
    bucket = make_bucket(sandbox, ann, 3)
    ids = [str(pk) for pk in bucket.leads.values_list("pk", flat=True)]

    answer = api.post(APOLLO, {"leadIds": ids, "type": kind, "revealPhones": reveal}, Prefer="wait=0")

    assert "None of these 3 leads has the data Apollo needs." in refused(answer, 409, "leadIds")
    assert answer.json()["error"]["code"] == "NO_FACTS"
    alone = api.post(APOLLO, {"leadIds": ids[:1], "type": kind})
    assert "This lead does not have the data Apollo needs." in refused(alone, 409, "leadIds")
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)


def test_where_some_have_facts_the_others_are_named(api, ann, sandbox):
    ids = with_emails(make_bucket(sandbox, ann, 4))
    Lead.objects.filter(pk__in=ids[:2]).update(email=None)
    Lead.objects.filter(pk=ids[2]).update(phone="+12065550100")

    going = body_of(api.post(APOLLO, {"leadIds": ids}, Prefer="wait=0"), 202)

    assert [lead["leadId"] for lead in going["unaskable"]] == ids[:2]
    assert going["results"]["total"] == 4
