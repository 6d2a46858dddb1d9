"""The same key with the same request: one effect, one answer; for every POST that does something."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, models
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts.models import IdempotentRequest
from accounts.services import forget_old_keys
from accounts.tasks import forget_expired
from buckets.filling.fills import start_fill
from buckets.models import Bucket, Fill, Import
from buckets.services import create_bucket
from common.db.clock import database_now
from enrichment.models import Run, Schedule
from enrichment.options import RunOptions
from enrichment.services import start_run
from integrations.ledger import catalogue
from integrations.models import VendorCall
from leads.models import Activity, BulkJob, CustomField, Lead, SavedView, StatusLabel, Tag
from tests.api.client import Api, body_of, refused
from tests.api.test_apollo import with_emails
from tests.api.test_tenancy import VENDOR_POSTS
from tests.support import billed, make_bucket, make_user, requests_of, some_ids

LIST = b"Address,Zip\n1 Main St,95757\n"
MODELS: list[type[models.Model]] = [Bucket, Fill, Import, Lead, Tag, Activity, Run, Schedule, VendorCall,
                                  SavedView, StatusLabel, CustomField]  # fmt: skip


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in MODELS}


class Asked:
    """A request of each kind: its address and body, what else could be asked, and what the first one makes."""

    def __init__(self, ann: Any) -> None:
        self.bucket, _ = create_bucket(by=ann, name="One", property_ids=["1", "2"])
        self.other, _ = create_bucket(by=ann, name="Two", property_ids=["3"])
        self.lead = Lead.objects.order_by("pk")[0]
        Fill.objects.filter(pk=start_fill(bucket=self.other, criteria={"state": "WA"}).pk).update(status="failed")
        self.run, _ = start_run(bucket=self.bucket, by=ann, options=RunOptions(limit=1))
        self.over, _ = start_run(bucket=self.other, by=ann, options=RunOptions(limit=1))
        Run.objects.filter(pk=self.over.pk).update(status="paused", paused_by="person")
        bucket = f"/api/property/bucket/{self.bucket.pk}"
        schedule = {"bucketId": str(self.bucket.pk), "kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1}
        self.kinds: dict[str, tuple[str, Any, Any, dict[str, int]]] = {
            "bucket of ids": (
                "/api/property/bucket", {"name": "x", "propertyIds": ["7", "8"]}, {"name": "y", "propertyIds": ["7"]},
                {"Bucket": 1, "Lead": 2},
            ),
            "bucket of a search": (
                "/api/property/bucket", {"name": "x", "search": {"state": "WA"}},
                {"name": "x", "search": {"state": "OR"}}, {"Bucket": 1, "Fill": 1},
            ),
            "more ids": (f"{bucket}/ids", {"propertyIds": ["9"]}, {"propertyIds": ["10"]}, {"Lead": 1}),
            "another search": (f"{bucket}/ids", {"search": {"zip": "1"}}, {"search": {"zip": "2"}}, {"Fill": 1}),
            "fill again": (f"/api/property/bucket/{self.other.pk}/fill", None, {"x": 1}, {}),
            "duplicate": (f"{bucket}/duplicate", {"name": "x"}, {"name": "y"}, {"Bucket": 1, "Fill": 1, "Lead": 2}),
            "combine": (
                "/api/property/bucket/combine", {"anyOf": [str(self.bucket.pk)], "name": "x"},
                {"anyOf": [str(self.bucket.pk)], "name": "y"}, {"Bucket": 1, "Fill": 1, "Lead": 2},
            ),
            "activity": (
                f"/api/leads/{self.lead.pk}/activities", {"kind": "call", "text": "x"}, {"kind": "call", "text": "y"},
                {"Activity": 1},
            ),
            "assign": ("/api/leads/assign", {"leadIds": [str(self.lead.pk)], "to": "ann"}, {"to": None}, {}),
            "invite": (
                "/api/team/invitations", {"email": "a@example.com", "role": "buyer"},
                {"email": "b@example.com", "role": "buyer"}, {},
            ),
            "tag": ("/api/tags", {"name": "x"}, {"name": "y"}, {"Tag": 1}),
            "label": (
                "/api/leads/statuses", {"name": "x", "status": "new"}, {"name": "y", "status": "new"},
                {"StatusLabel": 1},
            ),
            "field": (
                "/api/leads/fields", {"name": "x", "kind": "text"}, {"name": "y", "kind": "text"}, {"CustomField": 1},
            ),
            "view": (
                "/api/leads/views", {"name": "x", "filters": {"vacant": True}},
                {"name": "y", "filters": {"vacant": True}}, {"SavedView": 1},
            ),
            "move": (f"/api/leads/{self.lead.pk}/move", {"to": "lost"}, {"to": "closed"}, {"Activity": 1}),
            "schedule": ("/api/schedules", schedule, schedule | {"maxCost": 2}, {"Schedule": 1}),
            "pause": (f"/api/runs/{self.run.pk}/pause", {}, None, {}),
            "resume": (f"/api/runs/{self.over.pk}/resume", {"maxCost": 5}, {"maxCost": 6}, {}),
            "cancel": (f"/api/runs/{self.run.pk}/cancel", {}, None, {}),
        }  # fmt: skip


KINDS = [
    "bucket of ids", "bucket of a search", "more ids", "another search", "fill again", "duplicate", "combine",
    "activity", "assign", "invite", "tag", "label", "field", "view", "move", "schedule", "pause", "resume", "cancel",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeat_does_nothing_again_and_gets_the_same_answer(api, ann, bob, kind):
    address, body, another, made = Asked(ann).kinds[kind]
    before = counts()

    first = api.post(address, body, Idempotency_Key="k 1")
    after = counts()
    repeats = [Api(ann).post(address, body, Idempotency_Key="k 1") for _ in range(2)]

    assert first.status_code in (200, 201, 202), first.content
    assert "Idempotent-Replay" not in first
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == made
    for repeat in repeats:
        assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
        assert (repeat["Idempotent-Replay"], repeat["Content-Type"]) == ("true", "application/json")
    if another is not None:
        conflict = api.post(address, another, Idempotency_Key="k 1")
        assert conflict.json()["error"]["code"] == "IDEMPOTENCY_CONFLICT"
        refused(conflict, 409, "Idempotency-Key")
    refused(api.post("/api/tags", {"name": "elsewhere"}, Idempotency_Key="k 1"), 409, "Idempotency-Key")
    body_of(Api(bob).post("/api/tags", {"name": "his"}, Idempotency_Key="k 1"), 201)
    assert counts() == after | {"Tag": after["Tag"] + 1}


def test_an_upload_is_one_import_whatever_its_boundary(api, ann):
    bucket = create_bucket(by=ann, name="One")[0]
    address = f"/api/property/bucket/{bucket.pk}/import"

    def upload(content: bytes, name: str = "list.csv") -> Any:
        file = SimpleUploadedFile(name, content, "text/csv")
        return api.client.post(address, {"file": file}, headers={**api.headers, "Idempotency-Key": "k"})

    first, again = upload(LIST), upload(LIST)

    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.content, again["Idempotent-Replay"]) == (again.content, "true")
    for other in (upload(LIST.replace(b"1 Main", b"2 Main")), upload(LIST, "other.csv")):
        refused(other, 409, "Idempotency-Key")
    assert Import.objects.count() == 1
    started = f"{address}/{first.json()['import']['id']}/start"
    one, two = (api.post(started, Idempotency_Key="start") for _ in range(2))
    assert (one.status_code, two.status_code, one.content) == (202, 202, two.content)
    refused(api.post(started), 409)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_sent_by_many_at_once_is_one_import_and_started_once():
    api = Api(make_user("ann"))
    gate, answers = threading.Barrier(4), []

    def send() -> None:
        gate.wait()
        headers = {**api.headers, "Idempotency-Key": "k"}
        file = SimpleUploadedFile("list.csv", LIST, "text/csv")
        answers.append(Client().post("/api/property/bucket/import", {"file": file}, headers=headers))
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.content for answer in answers}) == 1
    assert (Bucket.objects.count(), Import.objects.count()) == (1, 1)
    job = Import.objects.get()
    started = at_once([(api, f"/api/property/bucket/{job.bucket_id}/import/{job.pk}/start", None, "start")] * 4)
    assert {answer.status_code for answer in started} == {202}
    assert len({answer.content for answer in started}) == 1


@pytest.mark.django_db(transaction=True)
def test_a_single_look_up_is_bought_once_and_answered_alike(sandbox):
    ann = make_user("ann")
    detail = body_of(Api(ann).get(f"/api/property/detail?id={some_ids(sandbox, 1)[0]}"))["property"]
    names = {"address": "propertyAddress", "city": "propertyCity", "state": "propertyState", "zip": "propertyZip"}
    person = {name: detail[fact] for name, fact in names.items()}
    rows = {"mode": "full", "search": {"state": "WA"}, "size": 2}

    for address, asked, other in (
        ("/api/skip-trace", person, {**person, "zip": "00501"}),
        ("/api/property/search", rows, {**rows, "size": 3}),
    ):
        before = billed(sandbox)
        first = Api(ann).post(address, asked, Idempotency_Key=address)
        paid = billed(sandbox)
        again = Api(ann).post(address, asked, Idempotency_Key=address)

        assert first.status_code == 200, first.content
        assert float(first.json()["cost"]) == float(paid - before)
        assert (again.status_code, again.content) == (200, first.content)
        refused(Api(ann).post(address, other, Idempotency_Key=address), 409, "Idempotency-Key")
        assert billed(sandbox) == paid


def test_apollo_under_a_key_is_one_run_and_one_answer(api, ann, sandbox):
    ids = with_emails(make_bucket(sandbox, ann, 2))
    asked = {"leadIds": ids, "revealPhones": False}

    first, again = (api.post("/api/apollo/enrich", asked, Prefer="wait=0", Idempotency_Key="k") for _ in range(2))

    assert (first.status_code, again.status_code, first.content) == (202, 202, again.content)
    refused(api.post("/api/apollo/enrich", {**asked, "leadIds": ids[:1]}, Idempotency_Key="k"), 409, "Idempotency-Key")
    assert Run.objects.count() == 1


def test_a_decision_about_prices_is_made_once_and_told_to_nobody_who_may_not(api, ann):
    ann.user_permissions.add(Permission.objects.get(codename="change_vendor"))
    catalogue.operation("property_detail")  # makes what a test that committed has taken away
    price = {"operation": "property_detail", "price": 0.07}
    asked = [("price", price, {**price, "price": 0.08}), ("confirm-prices", {}, None)]

    for name, body, other in asked:
        address, before = f"/api/vendors/realestateapi/{name}", LogEntry.objects.count()
        first, again = (api.post(address, body, Idempotency_Key=name) for _ in range(2))
        assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
        assert (again["Idempotent-Replay"], LogEntry.objects.count()) == ("true", before + 1)
        if other is not None:
            refused(api.post(address, other, Idempotency_Key=name), 409, "Idempotency-Key")
    assert catalogue.operation("property_detail").price == Decimal("0.07")

    ann.user_permissions.clear()
    for name, body, _ in asked:
        refused(Api(ann).post(f"/api/vendors/realestateapi/{name}", body, Idempotency_Key=name), 403)


def test_a_refusal_is_not_kept_so_that_the_mistake_can_be_mended(api, ann):
    for body in ({"name": "", "propertyIds": ["1"]}, {"name": "x", "propertyIds": []}, b"{", {"nmae": "x"}):
        refused(api.post("/api/property/bucket", body, Idempotency_Key="k"), 400)
    assert IdempotentRequest.objects.count() == 0

    body_of(api.post("/api/property/bucket", {"name": "x", "propertyIds": ["1"]}, Idempotency_Key="k"), 201)
    assert [Bucket.objects.count(), IdempotentRequest.objects.count()] == [1, 1]


def test_a_look_up_that_was_refused_may_be_asked_again(api, ann, sandbox):
    ann.monthly_budget = "0.01"
    ann.save()
    asked = {"mode": "full", "search": {"state": "WA"}, "size": 1}
    refused(api.post("/api/property/search", asked, Idempotency_Key="k"), 402)
    ann.monthly_budget = "10"
    ann.save()

    assert body_of(api.post("/api/property/search", asked, Idempotency_Key="k"))["cost"] == 0.05


def test_a_key_is_forgotten_after_a_day(api, ann):
    first = body_of(api.post("/api/tags", {"name": "x"}, Idempotency_Key="k"), 201)
    rows = IdempotentRequest.objects.all()

    rows.update(created_at=database_now() - timedelta(hours=23, minutes=59))
    forget_expired()
    assert body_of(api.post("/api/tags", {"name": "x"}, Idempotency_Key="k"), 201) == first
    refused(api.post("/api/tags", {"name": "y"}, Idempotency_Key="k"), 409)

    rows.update(created_at=database_now() - timedelta(hours=24, seconds=1))
    body_of(api.post("/api/tags", {"name": "y"}, Idempotency_Key="k"), 201)
    assert Tag.objects.count() == 2
    rows.update(created_at=database_now() - timedelta(hours=24, seconds=1))
    assert (forget_old_keys(), rows.count()) == (1, 0)


def at_once(requests: list[tuple[Api, str, Any, str]]) -> list[Any]:
    """Sends them from a thread each, and gives the answers."""
    gate, answers = threading.Barrier(len(requests)), []

    def send(api: Api, address: str, body: Any, key: str) -> None:
        gate.wait()
        answers.append(api.post(address, body, Idempotency_Key=key))
        connections.close_all()

    threads = [threading.Thread(target=send, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["bucket of ids", "activity", "schedule", "duplicate"])
def test_many_at_once_are_one(kind):
    ann = make_user("ann")
    address, body, _, made = Asked(ann).kinds[kind]
    before = counts()

    answers = at_once([(Api(ann), address, body, "k")] * 6)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replay" in answer for answer in answers) == 5
    after = counts()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == made


@pytest.mark.django_db(transaction=True)
def test_different_requests_under_one_key_at_once_are_one_and_conflicts():
    ann = make_user("ann")

    answers = at_once(
        [(Api(ann), "/api/property/bucket", {"name": f"B{n}", "propertyIds": ["1"]}, "k") for n in range(5)]
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert Bucket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_look_ups_at_once_under_one_key_are_one_purchase_and_one_answer(sandbox):
    ann = make_user("ann")
    asked = {"mode": "full", "search": {"state": "WA"}, "size": 2}

    answers = at_once([(Api(ann), "/api/property/search", asked, "k")] * 4)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["cost"] == 0.1
    assert sum(requests_of(sandbox).values()) == 1


KILLED = """
    import os, signal, sys
    import django
    django.setup()
    from django.conf import settings
    settings.ALLOWED_HOSTS = ["*"]
    from django.test import Client
    import accounts.api.base as keys
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    keys.keep_answer = die
    Client().generic("POST", sys.argv[1], sys.argv[2], content_type="application/json",
                     headers={"Authorization": sys.argv[3], "Idempotency-Key": "k"})
"""


def killed_before_its_answer_is_kept(api: Api, address: str, body: Any, **environment: str) -> None:
    """Sends the request in a process of its own, which dies when the work is done and the answer is not yet kept."""
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), address, json.dumps(body), api.headers["Authorization"]],
        env={**os.environ, "DATABASE_URL": database, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr[-2000:]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_has_done_nothing_and_blocks_nobody():
    api, asked = Api(make_user("ann")), {"name": "x", "propertyIds": ["1"]}

    killed_before_its_answer_is_kept(api, "/api/property/bucket", asked)
    assert [Bucket.objects.count(), IdempotentRequest.objects.count()] == [0, 0]

    body_of(api.post("/api/property/bucket", asked, Idempotency_Key="k"), 201)
    assert Bucket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_look_up_bought_serves_its_repeat(sandbox):
    api, asked = Api(make_user("ann")), {"mode": "full", "search": {"state": "WA"}, "size": 2}

    place = {"REALESTATEAPI_BASE_URL": sandbox.vendor_urls["realestateapi"], "PACE_PROPERTY_SEARCH": "0"}
    place["REALESTATEAPI_KEY"] = "sandbox-realestateapi-key"
    killed_before_its_answer_is_kept(api, "/api/property/search", asked, **place)
    assert IdempotentRequest.objects.values_list("key", "status").get() == ("k", None)
    paid = billed(sandbox)
    assert paid == Decimal("0.10")

    refused(api.post("/api/property/search", {**asked, "size": 3}, Idempotency_Key="k"), 409, "Idempotency-Key")
    first, again = (api.post("/api/property/search", asked, Idempotency_Key="k") for _ in range(2))
    assert (body_of(first)["count"], body_of(first)["cost"], again.content) == (2, 0, first.content)
    assert billed(sandbox) == paid


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_bulk_job_of_many_at_once_or_of_a_killed_request_is_one():
    ann = make_user("ann")
    create_bucket(by=ann, name="x", property_ids=["1", "2"])
    asked = {"action": "tag", "arguments": {"tag": "Hot"}, "filters": {}}

    answers = at_once([(Api(ann), "/api/leads/bulk", asked, "all at once")] * 4)
    assert {answer.status_code for answer in answers} == {202}
    assert (BulkJob.objects.count(), sum("Idempotent-Replay" in answer for answer in answers)) == (1, 3)

    gone: dict[str, Any] = {"action": "delete", "leadIds": [str(Lead.objects.all()[0].pk)], "expect": 1}
    killed_before_its_answer_is_kept(Api(ann), "/api/leads/bulk", gone)
    repeat = Api(ann).post("/api/leads/bulk", gone, Idempotency_Key="k")
    assert (body_of(repeat, 202)["job"]["changed"], repeat.headers["Idempotent-Replay"]) == (1, "true")
    assert (BulkJob.objects.count(), Lead.objects.count()) == (2, 1)


def test_what_shows_a_secret_is_done_once_and_its_answer_is_not_kept(api):
    hook = {"url": "https://crm.example.com/hook", "events": ["run.completed"]}
    for address, body, other, rows in (
        ("/api/tokens", {"name": "x"}, {"name": "y"}, "tokens"),
        ("/api/webhooks", hook, hook | {"events": ["run.paused"]}, "webhooks"),
        ("/api/feeds", {"name": "x"}, {"name": "y"}, "feeds"),
    ):
        before = len(body_of(api.get(address))[rows])
        body_of(api.post(address, body, Idempotency_Key=address), 201)
        again = api.post(address, body, Idempotency_Key=address)
        refused(again, 409, "Idempotency-Key")
        assert again.json()["error"]["code"] == "ALREADY_MADE"
        conflict = api.post(address, other, Idempotency_Key=address)
        assert conflict.json()["error"]["code"] == "IDEMPOTENCY_CONFLICT"
        assert len(body_of(api.get(address))[rows]) == before + 1
    rotate = f"/api/webhooks/{body_of(api.get('/api/webhooks'))['webhooks'][0]['id']}/secret"
    body_of(api.post(rotate, Idempotency_Key="r"))
    refused(api.post(rotate, Idempotency_Key="r"), 409, "Idempotency-Key")
    assert set(IdempotentRequest.objects.values_list("body", flat=True)) == {""}


def test_every_post_that_does_something_takes_the_key():
    without = {
        "token",
        "logout",
        "property-autocomplete",
        "quote",
        "apollo-webhook",
        "person-report",
        "campaign-audience",
        "template-preview",
        *VENDOR_POSTS,
    }  # they change nothing, or are not signed in
    missing = []
    for name in {pattern.name for pattern in api_patterns()} - without:
        view = next(pattern.callback.cls for pattern in api_patterns() if pattern.name == name)
        post = getattr(view, "post", None)
        if post is not None and not getattr(post, "takes_key", False):
            missing.append(name)
    assert missing == []


def api_patterns() -> list[Any]:
    api = next(
        part for part in get_resolver().url_patterns if isinstance(part, URLResolver) and str(part.pattern) == "api/"
    )
    found: list[Any] = []
    left: list[Any] = list(api.url_patterns)
    while left:
        part = left.pop()
        if hasattr(part, "url_patterns"):
            left += part.url_patterns
        elif hasattr(part.callback, "cls"):
            found.append(part)
    return found


@pytest.mark.long
def test_the_key_stands_in_the_schema(api):
    schema = api.client.get("/api/schema?format=json", headers=api.headers).json()

    for address in (
        "/api/property/bucket",
        "/api/schedules",
        "/api/skip-trace",
        "/api/apollo/enrich",
        "/api/runs/{run_id}/cancel",
    ):
        names = [parameter["name"] for parameter in schema["paths"][address]["post"]["parameters"]]
        assert names.count("Idempotency-Key") == 1
