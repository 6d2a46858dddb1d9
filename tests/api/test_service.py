"""What is around the endpoints: health, limits, the schema, faults of ours."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from enrichment.models import PumpLease
from enrichment.worker import pump_lease
from integrations.ledger import pace
from tests.admin_site import staff
from tests.api.client import body_of, refused


def test_healthz_asks_nobody(client):
    answer = client.get("/healthz")  # without the database fixture: a query would fail the test

    assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "ok"})


@pytest.mark.django_db
def test_readyz_says_what_is_there(client):
    pump_lease.beat()

    assert client.get("/readyz").json() == {
        "success": True,
        "status": "ready",
        "database": "ok",
        "redis": "ok",
        "worker": "ok",
    }


@pytest.mark.django_db
def test_without_a_worker_for_a_minute_it_is_not_ready(client):
    pump_lease.beat()
    PumpLease.objects.update(beat_at=pace.database_now() - timedelta(seconds=61))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["worker"]) == ("not ready", "away")


@pytest.mark.django_db
def test_metrics_are_for_staff(api, client, ann):
    assert client.get("/metrics").status_code == 401
    words = refused(api.get("/metrics"), 403)
    assert words == "This needs an administrator: ask one to do it, or for the permission."


@pytest.mark.django_db
def test_a_page_that_is_not_permitted_says_who_may():
    client = staff()[1]
    page = client.get("/admin/integrations/vendor/")
    assert page.status_code == 403
    assert "This needs an administrator: ask one to do it, or for the permission." in page.content.decode()


@pytest.mark.django_db
def test_the_address_without_a_path_leads_to_the_desk(client):
    assert client.get("/").headers["Location"] == "/admin/"
    assert "/admin/login/" in client.get("/", follow=True).redirect_chain[-1][0]


@pytest.mark.django_db
def test_metrics_say_what_the_rows_say(api, ann):
    ann.is_staff = True
    ann.save()
    pump_lease.beat()

    text = api.get("/metrics").content.decode()

    assert 'bucket_queue_items{stage="detail"} 0.0' in text
    assert 'bucket_pace_used_ratio{operation="skip_trace",vendor="realestateapi"} 0.0' in text
    assert 'bucket_breaker_open{vendor="apollo"} 0.0' in text
    assert 'bucket_leads_processed_total{outcome="failed"} 0.0' in text
    assert "bucket_worker_beat_age_seconds 0." in text


@pytest.mark.django_db
def test_without_redis_it_is_ready_and_says_so(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    pump_lease.beat()

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["redis"]) == ("ready", "away")


@pytest.mark.django_db
def test_without_postgresql_it_is_not_ready_and_the_api_asks_for_patience(api, client, monkeypatch):
    def away(*_, **__):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", away)

    ready, usage = client.get("/readyz"), api.get("/api/usage")

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
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("enrichment.selectors.usage", broken)
    api.client = Client(raise_request_exception=False)

    answer = api.get("/api/usage")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "SERVER_ERROR"
    assert b"42" not in answer.content


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


@pytest.mark.django_db
def test_schema_and_docs_are_for_users(api, client):
    assert client.get("/api/schema").status_code == 401
    assert client.get("/api/docs").status_code == 401
    assert api.get("/api/schema").status_code == 200
    page = api.get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content.lower()  # nothing from another host
