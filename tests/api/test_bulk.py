"""POST /api/leads/bulk and what follows it."""

from typing import Any

import pytest

from accounts.models import Membership, Role
from accounts.services import create_api_token
from buckets.services import create_bucket
from leads.bulk import services
from leads.bulk.working import continue_job
from leads.models import BulkJob, Lead, Suppression
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
BULK = "/api/leads/bulk"


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


@pytest.fixture
def api(ann: Any) -> Api:
    return Api(ann)


def status_job(leads: Any, **more: Any) -> dict[str, Any]:
    return {"action": "status", "arguments": {"status": "lost"}, "leadIds": [str(one.pk) for one in leads], **more}


def test_a_small_job_is_done_when_the_answer_comes_and_is_undone_by_its_id(api, ann):
    _, leads = make_leads(3, by=ann)
    job = body_of(api.post(BULK, status_job(leads)), 202)["job"]
    assert {name: job[name] for name in ("action", "status", "leads", "done", "changed", "canUndo", "error")} == {
        "action": "status", "status": "completed", "leads": 3, "done": 3, "changed": 3, "canUndo": True, "error": None,
    }  # fmt: skip
    assert (job["words"], job["leftOut"], job["arguments"]) == ("3 of 3 leads changed to Lost.", {}, {"status": "lost"})
    assert body_of(api.get(f"{BULK}/{job['id']}"))["job"] == job
    assert [one["id"] for one in body_of(api.get(BULK))["jobs"]] == [job["id"]]
    undone = body_of(api.post(f"{BULK}/{job['id']}/undo"), 202)["job"]
    assert (undone["status"], undone["restored"], undone["canUndo"]) == ("undone", 3, False)
    assert set(Lead.objects.values_list("status", flat=True)) == {"new"}
    refused(api.post(f"{BULK}/{job['id']}/cancel"), 409)


def test_the_same_key_makes_one_job_and_answers_how_it_stands_by_then(api, ann):
    _, leads = make_leads(2, by=ann)
    first = body_of(api.post(BULK, status_job(leads), Idempotency_Key="k"), 202)["job"]
    body_of(api.post(f"{BULK}/{first['id']}/undo", None, Idempotency_Key="u"), 202)
    again = body_of(api.post(BULK, status_job(leads), Idempotency_Key="k"), 202)["job"]
    assert (again["id"], again["status"], BulkJob.objects.count()) == (first["id"], "undone", 1)
    refused(api.post(BULK, status_job(leads[:1]), Idempotency_Key="k"), 409, "Idempotency-Key")
    assert set(Lead.objects.values_list("status", flat=True)) == {"new"}


def test_a_repeat_says_so_and_finds_the_job_whose_leads_it_has_deleted(api, ann):
    _, leads = make_leads(3, by=ann)
    asked = {"action": "delete", "leadIds": [str(one.pk) for one in leads[:2]], "expect": 2}
    first, again = (api.post(BULK, asked, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, again.status_code, Lead.objects.count()) == (202, 202, 1)
    assert ("Idempotent-Replay" in first, again.headers.get("Idempotent-Replay")) == (False, "true")
    assert body_of(first, 202)["job"]["id"] == body_of(again, 202)["job"]["id"]
    tagged = body_of(api.post(BULK, {"action": "tag", "arguments": {"tag": "Hot"}, "filters": {}}), 202)["job"]
    undone, twice = (api.post(f"{BULK}/{tagged['id']}/undo", Idempotency_Key="u") for _ in range(2))
    assert (undone.content, twice.headers["Idempotent-Replay"]) == (twice.content, "true")


def test_a_price_is_said_yes_to_once_under_a_key_and_in_the_same_words(api, ann):
    make_leads(2, by=ann)
    asking = body_of(api.post(BULK, {"action": "enrich", "filters": {}}), 202)["job"]
    yes = {"quote": body_of(api.get(f"{BULK}/{asking['id']}/quote"))["quote"]}
    first, again = (api.post(f"{BULK}/{asking['id']}/start", yes, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, first.content, again.headers["Idempotent-Replay"]) == (202, again.content, "true")
    other = api.post(f"{BULK}/{asking['id']}/start", yes | {"maxCost": 1}, Idempotency_Key="k")
    refused(other, 409, "Idempotency-Key")


def test_all_that_filters_find_are_meant_only_where_filters_are_given(api, ann):
    _, leads = make_leads(3, by=ann)
    Lead.objects.filter(pk=leads[0].pk).update(phone="+16175550112")
    tag: dict[str, Any] = {"action": "tag", "arguments": {"tag": "Hot"}}
    refused(api.post(BULK, tag), 400, "leadIds")
    refused(api.post(BULK, tag | {"filters": {}, "leadIds": [str(leads[0].pk)]}), 400, "leadIds")
    refused(api.post(BULK, tag | {"leadIds": []}), 400, "leadIds")
    refused(api.post(BULK, tag | {"filters": {"hasFax": True}}), 400, "hasFax")
    refused(api.post(BULK, tag | {"q": "1", "leadIds": [str(leads[0].pk)]}), 400, "q")
    refused(api.post(BULK, tag | {"filters": {"hasEmail": True}}), 400, "leads")  # none
    refused(api.post(BULK, tag | {"filters": {"hasPhone": True}, "expect": 2}), 409, "expect")
    assert not BulkJob.objects.exists()
    done = body_of(api.post(BULK, tag | {"filters": {"hasPhone": True}, "expect": 1}), 202)["job"]
    assert (done["leads"], done["changed"], done["filters"]) == (1, 1, ["hasPhone"])
    assert body_of(api.post(BULK, tag | {"filters": {}}), 202)["job"]["changed"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "burn"}, "action"),
        ({"action": None}, "action"),
        ({"arguments": []}, "arguments"),
        ({"arguments": {"status": ["lost"]}}, "arguments.status"),
        ({"arguments": {"status": "lo\x00st"}}, "arguments"),
        ({"leadIds": "all"}, "leadIds"),
        ({"leadIds": [1]}, "leadIds"),
        ({"leadIds": ["0" * 32] * 10_001}, "leadIds"),
        ({"expect": "two"}, "expect"),
        ({"expect": 0}, "expect"),
        ({"everything": True}, "everything"),
    ],
)
def test_what_cannot_be_meant_is_a_400_that_names_the_field(api, ann, change, field):
    _, leads = make_leads(1, by=ann)
    refused(api.post(BULK, status_job(leads) | change), 400, field)
    assert (BulkJob.objects.count(), Lead.objects.get().status) == (0, "new")


def test_a_lead_of_somebody_else_among_mine_is_a_404_and_nothing_is_done(api, ann):
    _, leads = make_leads(1, by=ann)
    _, theirs = make_leads(1, by=make_user("eve"))
    refused(api.post(BULK, status_job([*leads, *theirs])), 404, "leadIds")
    tag: dict[str, Any] = {"action": "tag", "arguments": {"tag": "Hot"}, "filters": {}}
    refused(api.post(BULK, tag | {"bucketId": str(theirs[0].bucket_id)}), 404, "bucketId")
    moving = {"action": "move", "arguments": {"bucketId": str(theirs[0].bucket_id)}, "filters": {}}
    refused(api.post(BULK, moving), 404, "arguments.bucketId")
    assert set(Lead.objects.values_list("status", flat=True)) == {"new"}


def test_what_cannot_be_undone_wants_the_number_and_a_token_does_no_more_than_its_scopes(ann, api):
    _, leads = make_leads(2, by=ann)
    Lead.objects.filter(pk=leads[0].pk).update(phone="+16175550112")
    silence: dict[str, Any] = {"action": "doNotContact", "filters": {}}
    refused(api.post(BULK, silence), 400, "expect")
    refused(api.post(BULK, silence | {"expect": 1}), 409, "expect")
    limited = Api(token=create_api_token(username="ann", scopes=["read", "write"])[1])
    refused(limited.post(BULK, {"action": "delete", "filters": {}, "expect": 2}), 403)
    refused(limited.post(BULK, {"action": "export", "filters": {}}), 403)
    done = body_of(api.post(BULK, silence | {"expect": 2}), 202)["job"]
    assert (done["changed"], done["canUndo"], Suppression.objects.count()) == (1, False, 1)
    refused(api.post(f"{BULK}/{done['id']}/undo"), 409)


def test_a_caller_does_it_to_hers_alone_and_sees_her_own_jobs(ann, api):
    _, leads = make_leads(2, by=ann)
    cal = make_user("cal")
    team = ann.memberships.get().team
    cal.memberships.all().delete()
    Membership.objects.create(team=team, user=cal, role=Role.CALLER)
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=cal)
    calls = Api(cal)
    body_of(api.post(BULK, status_job(leads[1:])), 202)
    refused(calls.post(BULK, status_job(leads[1:])), 404, "leadIds")
    refused(calls.post(BULK, {"action": "assign", "arguments": {"to": None}, "filters": {}}), 403)
    done = body_of(calls.post(BULK, {"action": "status", "arguments": {"status": "lost"}, "filters": {}}), 202)["job"]
    assert (done["leads"], [one["id"] for one in body_of(calls.get(BULK))["jobs"]]) == (1, [done["id"]])
    assert len(body_of(api.get(BULK))["jobs"]) == 2


def test_a_phone_in_a_tags_name_is_behind_dots_for_who_sees_no_contacts(ann, api):
    make_leads(1, by=ann)
    job = {"action": "tag", "arguments": {"tag": "call 206-555-0142"}, "filters": {}}
    assert body_of(api.post(BULK, job), 202)["job"]["arguments"]["tag"] == "call 206-555-0142"
    reader = make_user("reader")
    reader.memberships.all().delete()
    Membership.objects.create(team=ann.memberships.get().team, user=reader, role=Role.READER)
    (seen,) = body_of(Api(reader).get(BULK))["jobs"]
    assert (seen["arguments"]["tag"], seen["words"]) == ("call •••• 0142", "1 of 1 lead tagged call •••• 0142.")


def test_a_larger_job_goes_on_with_a_worker_and_can_be_stopped(api, ann, monkeypatch):
    monkeypatch.setattr(services, "SOON", 1)
    _, leads = make_leads(2, by=ann)
    job = body_of(api.post(BULK, status_job(leads)), 202)["job"]
    assert (job["status"], job["done"], job["finishedAt"]) == ("queued", 0, None)
    other = body_of(api.post(BULK, status_job(leads)), 202)["job"]
    stopped = body_of(api.post(f"{BULK}/{other['id']}/cancel"))["job"]
    assert (stopped["status"], stopped["changed"]) == ("cancelled", 0)
    assert continue_job(BulkJob.objects.get(pk=job["id"]).pk) is False
    assert body_of(api.get(f"{BULK}/{job['id']}"))["job"]["status"] == "completed"


@pytest.mark.long
def test_an_export_is_a_file_of_its_leads_and_enriching_has_a_price_first(api, ann):
    _, leads = make_leads(3, by=ann)
    create_bucket(by=ann, name="Other", property_ids=["77"])
    job = body_of(api.post(BULK, {"action": "export", "leadIds": [str(one.pk) for one in leads[:2]]}), 202)["job"]
    file = api.get(f"{BULK}/{job['id']}/file")
    assert (file.status_code, len(b"".join(file).decode().splitlines())) == (200, 3)
    asking = body_of(api.post(BULK, {"action": "enrich", "filters": {}}), 202)["job"]
    assert (asking["status"], asking["leads"]) == ("asking", 4)
    refused(api.get(f"{BULK}/{asking['id']}/file"), 409)
    price = body_of(api.get(f"{BULK}/{asking['id']}/quote?skipTrace=false"))
    assert [part["leads"] for part in price["buckets"]] == [3, 1]
    assert price["atMost"] == sum(part["price"] for part in price["buckets"])
    yes = {"quote": price["quote"], "skipTrace": False}
    refused(api.post(f"{BULK}/{asking['id']}/start", yes | {"skipTrace": True}), 409, "quote")
    runs = body_of(api.post(f"{BULK}/{asking['id']}/start", yes), 202)["runs"]
    assert sorted(run["counts"]["total"] for run in runs) == [1, 3]
    again = body_of(api.post(f"{BULK}/{asking['id']}/start", yes), 202)["runs"]
    assert [run["id"] for run in again] == [run["id"] for run in runs]
