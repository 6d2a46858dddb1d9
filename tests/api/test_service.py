"""What is around the endpoints: health, limits, the schema, faults of ours."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import StreamingHttpResponse
from django.test import Client
from django.views.debug import technical_500_response
from redis.exceptions import ConnectionError

from accounts.models import User
from buckets.services import create_bucket
from common.middleware import HeldAnswers
from enrichment.models import PumpLease, Run
from enrichment.options import RunOptions
from enrichment.services import pause_run, start_run
from enrichment.worker import pump_lease
from integrations.ledger import catalogue, pace
from leads.keys import key_secrets
from tests.admin_site import signed_in, staff
from tests.api.client import body_of, refused


def test_healthz_asks_nobody(client):
    answer = client.get("/healthz")  # without the database fixture: a query would fail the test

    assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "ok"})


TOKEN = "only-for-tests-abcdefghijklmnop"


@pytest.fixture
def scraper(settings):
    """Whoever has METRICS_TOKEN."""
    settings.METRICS_TOKEN = TOKEN
    return Client(headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.django_db
def test_readyz_says_what_is_there_to_who_may_watch(client, scraper):
    pump_lease.beat()

    assert client.get("/readyz").json() == {"success": True, "status": "ready"}
    assert scraper.get("/readyz").json() == {
        "success": True,
        "status": "ready",
        "database": "ok",
        "redis": "ok",
        "worker": "ok",
        "contactKeys": "ok",
    }


@pytest.mark.django_db
def test_a_place_without_the_secret_of_its_keys_is_not_ready(scraper, settings):
    pump_lease.beat()
    key_secrets.listed()
    settings.CONTACT_KEY_SECRETS = ["another" * 10]

    answer = scraper.get("/readyz")

    assert (answer.status_code, answer.json()["contactKeys"]) == (503, "wrong secret")


@pytest.mark.django_db
def test_without_a_worker_for_a_minute_it_is_not_ready(client, scraper):
    pump_lease.beat()
    PumpLease.objects.update(beat_at=pace.database_now() - timedelta(seconds=61))

    answer = scraper.get("/readyz")

    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["worker"]) == ("not ready", "away")
    assert client.get("/readyz").json() == {"success": False, "status": "not ready"}


@pytest.mark.django_db
def test_metrics_are_for_the_scrape_token_alone(api, client, scraper, settings):
    boss = signed_in(User.objects.create_superuser("boss"))
    for stranger in (client, api.client, Client(headers={"Authorization": f"Bearer {TOKEN}x"}), boss):
        refused(stranger.get("/metrics"), 401)
    assert scraper.get("/metrics").status_code == 200

    settings.METRICS_TOKEN = ""
    refused(scraper.get("/metrics"), 401)
    refused(Client(headers={"Authorization": "Bearer "}).get("/metrics"), 401)


@pytest.mark.django_db
def test_with_debug_this_machine_may_watch_and_nobody_else(client, settings):
    settings.DEBUG = True

    assert client.get("/metrics").status_code == 200
    refused(client.get("/metrics", REMOTE_ADDR="10.0.0.7"), 401)
    settings.NUM_PROXIES = 1
    refused(client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}), 401)


@pytest.mark.django_db
def test_a_page_that_is_not_permitted_says_who_may():
    client = staff()[1]
    page = client.get("/admin/integrations/vendor/")
    assert page.status_code == 403
    assert "ask a manager of your team, or an administrator." in page.content.decode()


@pytest.mark.django_db
def test_the_address_without_a_path_leads_to_the_desk(client):
    assert client.get("/").headers["Location"] == "/admin/"
    assert "/admin/login/" in client.get("/", follow=True).redirect_chain[-1][0]


@pytest.mark.django_db
def test_metrics_say_what_the_rows_say(scraper, settings):
    pump_lease.beat()
    for name in settings.OPERATIONS:  # a test that committed may have taken them away
        catalogue.operation(name)

    text = scraper.get("/metrics").content.decode()

    assert 'bucket_queue_items{stage="detail"} 0.0' in text
    assert 'bucket_pace_used_ratio{operation="skip_trace",vendor="realestateapi"} 0.0' in text
    assert 'bucket_breaker_open{vendor="apollo"} 0.0' in text
    assert 'bucket_leads_processed_total{outcome="failed"} 0.0' in text
    assert "bucket_worker_beat_age_seconds 0." in text


@pytest.mark.django_db
def test_without_redis_it_is_ready_and_says_so(scraper, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    pump_lease.beat()

    answer = scraper.get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["redis"]) == ("ready", "away")


@pytest.mark.django_db
def test_without_postgresql_it_is_not_ready_and_the_api_asks_for_patience(api, scraper, monkeypatch):
    def away(*_, **__):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", away)

    ready, usage = scraper.get("/readyz"), api.get("/api/usage")

    assert (ready.status_code, ready.json()["database"]) == (503, "away")
    assert "nothing was changed" in refused(usage, 503)
    assert usage["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"CONTENT_LENGTH": "8388609"}, 413),
        ({"CONTENT_LENGTH": "9" * 40}, 413),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "1e3"}, 400),
        ({"CONTENT_LENGTH": "²"}, 400),
        ({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, 411),
    ],
)
@pytest.mark.parametrize("address", ["/api/property/bucket", "/admin/login/", "/nowhere"])
def test_a_body_too_long_or_of_unknown_length_is_refused_everywhere(client, address, headers, status):
    answer = client.generic("POST", address, b"", **headers, **{"wsgi.input": io.BytesIO(b"what came of it")})

    refused(answer, status)
    if status == 413:
        assert "8,388,608" in answer.json()["error"]["message"]


@pytest.mark.django_db
def test_a_body_of_the_limit_is_read(api, settings):
    body = b'{"name": "x"}'
    settings.REQUEST_BYTES_MAX = len(body)

    body_of(api.post("/api/tags", body), 201)
    refused(api.post("/api/tags", body + b" "), 413, "body")


@pytest.mark.django_db
def test_a_fault_of_ours_tells_nothing_about_us(api, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("the secret is sesame")

    monkeypatch.setattr("enrichment.selectors.usage", broken)
    api.client = Client(raise_request_exception=False)

    answer = api.get("/api/usage")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "SERVER_ERROR"
    assert b"sesame" not in answer.content


def test_the_schema_is_made_without_a_warning_and_names_every_refusal(tmp_path):
    file = tmp_path / "schema.json"
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", file=str(file))

    paths = json.loads(file.read_text())["paths"]

    operations = [op for path in paths.values() for verb, op in path.items() if verb != "parameters"]
    assert len(operations) >= 38
    for operation in operations:
        assert {"400", "404", "413", "429"} <= set(operation["responses"]), operation["operationId"]
        assert ("401" in operation["responses"]) or operation["operationId"] == "signIn"
    assert {op["operationId"] for op in operations if {} in op.get("security", [{}])} == {"signIn"}


@pytest.mark.long
@pytest.mark.django_db
def test_schema_and_docs_are_for_users(api, client):
    assert client.get("/api/schema").status_code == 401
    assert client.get("/api/docs").status_code == 401
    assert api.get("/api/schema").status_code == 200
    page = api.get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content.lower()  # nothing from another host
    assert b"<script>" not in page.content
    script = api.get("/api/docs?script=")
    assert (script.status_code, script["Content-Type"]) == (200, "application/javascript")
    assert b"SwaggerUIBundle" in script.content


@pytest.mark.django_db
def test_a_users_streams_downloads_and_held_answers_are_counted_together(api, ann, settings, monkeypatch):
    settings.STREAMS_PER_USER = 2
    monkeypatch.setattr("enrichment.api.events.LONGEST", 0.0)
    bucket, _ = create_bucket(by=ann, name="Leads", property_ids=["1"])
    run = start_run(bucket=bucket, by=ann, options=RunOptions())[0]
    pause_run(run=run)
    stream = api.get(f"/api/runs/{run.pk}/events")
    file = api.get(f"/api/property/bucket/{bucket.pk}/export")

    process = api.send("POST", "/api/property/bucket/process", {"bucketId": str(bucket.pk)}, Prefer="wait=1")
    for answer in (process, api.get(f"/api/runs/{run.pk}/events")):
        assert "try again in 5 seconds" in refused(answer, 429)
        assert answer["Retry-After"] == "5"
    assert list(Run.objects.all()) == [run]  # a refusal comes before anything is done

    for held in (file, stream):
        list(held.streaming_content)  # to its end, where it is closed
    assert api.get(f"/api/runs/{run.pk}/events").status_code == 200


@pytest.mark.django_db
def test_without_redis_nobody_is_counted(api, ann, settings, monkeypatch):
    settings.STREAMS_PER_USER = 1
    bucket, _ = create_bucket(by=ann, name="Leads", property_ids=["1"])

    def away(*_, **__):
        raise ConnectionError("Redis is away")

    monkeypatch.setattr("common.held.cache.add", away)
    monkeypatch.setattr("common.held.cache.delete", away)

    assert [api.get(f"/api/property/bucket/{bucket.pk}/export").status_code for _ in range(3)] == [200] * 3


@pytest.mark.django_db
def test_a_page_says_too_many_in_a_persons_words(rf, settings, monkeypatch):
    settings.STREAMS_PER_USER = 0
    request = rf.get("/admin/leads/lead/")
    request.user = User(pk=1)

    page: Any = HeldAnswers(lambda _: StreamingHttpResponse(iter([b""])))(request)

    assert page.status_code == 429
    assert "Let one end, then try again." in page.content.decode()


def test_other_hosts_get_nothing_with_debug_either(client, settings):
    settings.DEBUG = True

    for path in ("/", "/admin/", "/admin/login/", "/admin/account/sessions/", "/api/leads", "/static/desk/desk.css"):
        answer = client.get(path, headers={"Host": "evil.example"})

        assert answer.status_code == 400, path
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert b"DATABASES" not in answer.content and b"ALLOWED_HOSTS" not in answer.content


def _connect(conninfo, params):
    raise ValueError


def test_the_debug_page_shows_no_password(rf, settings):
    settings.DEBUG = True
    secret = "hunter" + "2"  # the page shows these lines
    settings.SOMEWHERE = {"url": f"amqp://bob:{secret}@queue/"}  # by whatever name
    try:
        _connect(f"host=/tmp password={secret} user=bob", {"password": secret})
    except ValueError:
        page = technical_500_response(rf.get("/"), *sys.exc_info())

    text = page.content.decode()
    assert "SOMEWHERE" in text and "conninfo" in text
    assert secret not in text
    assert settings.SECRET_KEY not in text
    assert settings.REDIS_URL not in text


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
def test_every_answer_says_what_a_page_may_do(api, settings, debug):
    settings.DEBUG = debug
    none = ("/nowhere", "/static/nope.css", "/static/desk/", "/api/nope")  # a folder is listed nowhere
    for path, evaluates in (("/admin/login/", True), ("/api/docs", False), *((path, False) for path in none)):
        answer = api.get(path)
        policy = answer["Content-Security-Policy"]
        script = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert script == ("script-src 'self' 'unsafe-eval'" if evaluates else "script-src 'self'")
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "camera=()" in answer["Permissions-Policy"]
        assert (answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == ("nosniff", "same-origin")
        assert (answer.status_code == 404) is (path in none)


@pytest.mark.django_db
def test_the_api_is_refused_in_clear_and_pages_are_led_to_https(settings):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()

    for path in ("/api", "/api/leads", "/api/auth/token"):
        answer = client.post(path, {"username": "ann", "password": "x"}, content_type="application/json")
        assert "make a new token" in refused(answer, 403)
    assert client.get("/admin/login/")["Location"] == "https://testserver/admin/login/"
    refused(client.get("/api/leads", secure=True), 401)


@pytest.mark.parametrize("path", ["/admin/login/", "/api/leads", "/healthz", "/nowhere"])
def test_nobody_traces_a_request(client, path):
    answer = client.generic("TRACE", path)

    assert (answer.status_code, "TRACE" in answer["Allow"]) == (405, False)


def test_browsers_lists_of_https_are_for_who_asks(settings):
    assert settings.SECURE_HSTS_PRELOAD is False
