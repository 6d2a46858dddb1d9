from __future__ import annotations

import time
import uuid

import pytest

from enrichment.models import Run, RunItem
from leads.models import Lead
from tests.api.client import Api, body_of, refused
from tests.support import billed, make_bucket, make_user, pump_until_still, some_ids, worker_of

PROCESS = "/api/property/bucket/process"


@pytest.fixture
def bucket(sandbox, ann):
    return make_bucket(sandbox, ann, 6)


def quote_of(api, bucket, query=""):
    return body_of(api.get(f"/api/property/bucket/{bucket.pk}/quote{query}"))["quote"]


def test_a_quote_says_what_is_owned_and_what_the_rest_costs(api, bucket):
    assert quote_of(api, bucket) == {
        "leads": 6,
        "owned": 0,
        "toBuy": 6,
        "price": 0.6,
        "byVendor": [
            {"vendor": "realestateapi", "operation": "property_detail", "owned": 0, "toBuy": 6, "unitPrice": 0.05,
             "price": 0.3},
            {"vendor": "realestateapi", "operation": "skip_trace", "owned": 0, "toBuy": 6, "unitPrice": 0.05,
             "price": 0.3},
        ],
        "reachable": {"low": None, "high": None, "basis": "unknown yet: no history", "blocked": 0},
        "limits": [],
        "notes": [],
    }  # fmt: skip


def test_a_quote_takes_what_a_run_takes(api, bucket):
    ids = [str(pk) for pk in Lead.objects.order_by("pk").values_list("pk", flat=True)]
    address = f"/api/property/bucket/{bucket.pk}/quote"

    assert quote_of(api, bucket, "?limit=2&skipTrace=false")["price"] == 0.1
    assert quote_of(api, bucket, f"?startFrom={ids[3]}")["leads"] == 2
    assert quote_of(api, bucket, f"?resumeFrom={ids[3]}")["leads"] == 2
    assert quote_of(api, bucket, "?onlyFailed=true")["leads"] == 0
    capped = quote_of(api, bucket, "?maxCost=0.25")
    assert capped["limits"] == ["your spending limit of $0.25 may stop it before the end"]
    assert body_of(api.post(address, {"leadIds": ids[:3], "skipTrace": False}))["quote"]["price"] == 0.15
    apollo = body_of(api.post(address, {"kind": "apollo", "leadIds": ids[:2], "revealPhones": False}))["quote"]
    assert (apollo["leads"], apollo["price"], apollo["byVendor"][0]["operation"]) == (2, 0.04, "apollo_people")
    assert not Run.objects.exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_run_is_accepted_watched_and_bought_once(sandbox):
    ann = make_user("ann")
    api, bucket = Api(ann), make_bucket(sandbox, ann, 6)

    accepted = body_of(api.post(PROCESS, {"bucketId": str(bucket.pk), "maxCost": "5.00"}), 202)

    run = Run.objects.get()
    last = Lead.objects.order_by("-pk")[0]
    assert accepted["stats"] == {"processed": 0, "successful": 0, "failed": 0, "withPhones": 0, "remaining": 6}
    assert accepted["resumeFrom"] == str(last.pk)
    shown = accepted["run"]
    assert (shown["id"], shown["bucketId"], shown["bucketName"]) == (str(run.pk), str(bucket.pk), "Leads")
    assert (shown["kind"], shown["status"], shown["maxCost"], shown["spent"]) == ("property", "queued", 5, 0)
    assert (shown["waiting"], shown["pausedBy"], shown["startedAt"]) == ("No worker is running.", "", None)
    assert shown["counts"]["total"] == 6

    pump_until_still()

    done = body_of(api.get(f"/api/runs/{run.pk}"))["run"]
    counts = done["counts"]
    assert (done["status"], counts["done"], counts["failed"], done["etaSeconds"]) == ("completed", 6, 0, None)
    assert counts["enriched"] + counts["partial"] == 6
    assert float(done["spent"]) == float(billed(sandbox)) > 0
    assert done["reserved"] == 0

    again = body_of(api.post(PROCESS, {"bucketId": str(bucket.pk)}), 200)
    assert (again["run"]["status"], again["run"]["counts"]["total"], again["stats"]["remaining"]) == ("completed", 0, 0)
    other = Api(make_user("bob"))
    assert body_of(other.get("/api/usage"))["usage"]["spentThisMonth"] == 0
    usage = body_of(api.get("/api/usage"))["usage"]
    assert (usage["spentThisMonth"], usage["spentToday"], usage["leadsToday"]) == (done["spent"], done["spent"], 6)
    assert (usage["monthlyBudget"], usage["dailyLeadLimit"]) == (1000, 5000)
    assert {line["operation"] for line in usage["byOperation"]} == {"property_detail", "skip_trace"}
    everything = body_of(api.get(f"/api/runs/{run.pk}/items?limit=4"))
    rest = body_of(api.get(f"/api/runs/{run.pk}/items?limit=4&cursor={everything['nextCursor']}"))
    items = everything["items"] + rest["items"]
    assert [item["propertyId"] for item in items] == some_ids(sandbox, 6)
    assert {item["outcome"] for item in items} <= {"enriched", "partial"}
    assert {item["stage"] for item in items} == {"done"}
    enriched = body_of(api.get(f"/api/runs/{run.pk}/items?outcome=enriched"))
    assert enriched["count"] == counts["enriched"]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_prefer_wait_holds_the_answer_until_the_run_is_done(sandbox):
    ann = make_user("ann")
    bucket = make_bucket(sandbox, ann, 3)

    with worker_of():
        answer = Api(ann).post(PROCESS, {"bucketId": str(bucket.pk)}, Prefer="wait=30")

    done = body_of(answer, 200)
    assert answer["Preference-Applied"] == "wait=30"
    assert (done["run"]["status"], done["stats"]["processed"], done["stats"]["remaining"]) == ("completed", 3, 0)


def test_prefer_wait_gives_up_in_time(api, bucket):
    started = time.monotonic()

    body_of(api.post(PROCESS, {"bucketId": str(bucket.pk)}, Prefer="respond-async, wait=1"), 202)

    assert 1 <= time.monotonic() - started < 20  # not the most that can be asked for


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bucketId": None}, "bucketId"),
        ({"bucketId": "x"}, "bucketId"),
        ({"bucketId": 5}, "bucketId"),
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 100_001}, "limit"),
        ({"limit": 10**30}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": None}, "limit"),
        ({"skipTrace": "sometimes"}, "skipTrace"),
        ({"skipTrace": None}, "skipTrace"),
        ({"maxCost": 0}, "maxCost"),
        ({"maxCost": "0.00"}, "maxCost"),
        ({"maxCost": -5}, "maxCost"),
        ({"maxCost": "NaN"}, "maxCost"),
        ({"maxCost": "Infinity"}, "maxCost"),
        ({"maxCost": True}, "maxCost"),
        ({"maxCost": 1e300}, "maxCost"),
        ({"maxCost": "1.00001"}, "maxCost"),
        ({"startFrom": "x"}, "startFrom"),
        ({"startFrom": str(uuid.uuid4())}, "startFrom"),
        ({"leadIds": []}, "leadIds"),
        ({"leadIds": "x"}, "leadIds"),
        ({"leadIds": ["x", 5, None]}, "leadIds"),
        ({"leadIds": [str(uuid.uuid4())]}, "leadIds"),
        ({"leadIds": [str(uuid.UUID(int=n)) for n in range(100_001)]}, "leadIds"),
        ({"guard": [1]}, "guard"),
        ({"guard": {"colour": "red"}}, "colour"),
        ({"guard": {"absenteeOwner": "sometimes"}}, "absenteeOwner"),
        ({"onlyFailed": "x"}, "onlyFailed"),
        ({"maxcost": 5}, "maxcost"),
        ({"kind": "apollo"}, "kind"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_and_starts_nothing(api, bucket, change, field):
    refused(api.post(PROCESS, {"bucketId": str(bucket.pk), **change}), 400, field)

    assert not Run.objects.exists()
    assert not RunItem.objects.exists()


def test_starting_from_a_lead_of_another_bucket_is_refused(api, ann, sandbox, bucket):
    other = make_bucket(sandbox, ann, 1, name="Other").leads.get()
    mine = bucket.leads.order_by("pk")[0]

    refused(api.post(PROCESS, {"bucketId": str(bucket.pk), "startFrom": str(other.pk)}), 400, "startFrom")
    two = {"bucketId": str(bucket.pk), "startFrom": str(mine.pk), "resumeFrom": str(other.pk)}
    refused(api.post(PROCESS, two), 400, "resumeFrom")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/quote?startFrom={other.pk}"), 400, "startFrom")
    assert not Run.objects.exists()


def test_a_bucket_that_is_not_mine_is_not_there(bob, bucket):
    refused(Api(bob).post(PROCESS, {"bucketId": str(bucket.pk)}), 404)
    refused(Api(bob).post(PROCESS, {"bucketId": str(uuid.uuid4())}), 404)

    assert not Run.objects.exists()


def test_runs_are_listed_paused_resumed_and_cancelled(api, bucket, django_assert_max_num_queries):
    run = body_of(api.post(PROCESS, {"bucketId": str(bucket.pk), "limit": 2}), 202)["run"]
    other = body_of(api.post(PROCESS, {"bucketId": str(bucket.pk), "limit": 2}), 202)["run"]
    address = f"/api/runs/{run['id']}"

    paused = body_of(api.post(f"{address}/pause"))["run"]
    assert (paused["status"], paused["pausedBy"], paused["waiting"]) == ("paused", "person", "Paused by a person")
    resumed = body_of(api.post(f"{address}/resume", {"maxCost": "2.5"}))["run"]
    assert (resumed["status"], resumed["maxCost"], resumed["pausedBy"]) == ("running", 2.5, "")
    refused(api.post(f"{address}/resume"), 409)
    refused(api.post(f"{address}/resume", {"maxCost": 0}), 400, "maxCost")
    refused(api.post(f"{address}/pause", {"reason": "x"}), 400, "reason")
    cancelled = body_of(api.post(f"{address}/cancel"))["run"]
    assert (cancelled["status"], cancelled["counts"]["skipped"]) == ("cancelled", 2)
    for verb in ("pause", "resume", "cancel"):
        assert refused(api.post(f"{address}/{verb}"), 409) == "The enrichment job is cancelled."
    assert refused(api.post(f"{address}/retry-failed"), 409) == "No lead of this enrichment job failed."

    with django_assert_max_num_queries(5):
        listed = body_of(api.get("/api/runs"))
    assert [r["id"] for r in listed["runs"]] == [other["id"], run["id"]]
    assert body_of(api.get("/api/runs?status=queued"))["count"] == 1
    assert body_of(api.get(f"/api/runs?bucketId={bucket.pk}&limit=1"))["nextCursor"] is not None
    refused(api.get("/api/runs?status=asleep"), 400, "status")
    refused(api.get(f"/api/runs?bucketId={uuid.uuid4()}"), 404)
    refused(api.get(f"{address}/items?outcome=great"), 400, "outcome")
    assert body_of(api.get(f"{address}/items?outcome=skipped"))["count"] == 2


def test_what_failed_is_tried_again_as_a_new_run(api, bucket):
    run = body_of(api.post(PROCESS, {"bucketId": str(bucket.pk), "maxCost": "1"}), 202)["run"]
    body_of(api.post(f"/api/runs/{run['id']}/cancel"))
    failed = RunItem.objects.earliest("pk")
    RunItem.objects.filter(pk=failed.pk).update(outcome=RunItem.Outcome.FAILED, category="NETWORK_ERROR")

    again = body_of(api.post(f"/api/runs/{run['id']}/retry-failed"), 201)["run"]

    assert (again["counts"]["total"], again["maxCost"]) == (1, 1)
    assert Run.objects.get(pk=again["id"]).items.get().lead_id == failed.lead_id
