"""No log holds what somebody searched for or what a row says, and no cache keeps an answer that may show a contact."""

from __future__ import annotations

import io
import logging
import re
import runpy
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.app.log import Logging
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from gunicorn.config import Config
from gunicorn.glogging import Logger

from accounts.models import User
from common.logs import Discreet
from common.server.access_log import AccessLog
from config.celery import app as celery
from tests.admin_site import superuser

pytestmark = pytest.mark.django_db
PHONE = "+12065550177"
ID = "0190f5b2-1234-7123-8456-123456789012"
ROOT = Path(__file__).resolve().parents[2]
FAILING = [
    ("SELECT %s::int", [PHONE]),  # the message itself quotes the value
    ("SELECT %s, 1 / (SELECT count(*) FROM pg_class WHERE relname = %s)", [PHONE, "no such table"]),
    ("INSERT INTO accounts_user (username) VALUES (%s)", [PHONE]),  # DETAIL: the failing row
]


def fails(sql: str, values: list[str]) -> DatabaseError:
    with pytest.raises(DatabaseError) as failure, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return failure.value


def test_a_failing_statement_with_a_phone_is_not_in_the_servers_log():
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        log = Path(cursor.fetchone()[0]).parent / "postgres.log"
    if not log.exists():
        pytest.skip("the PostgreSQL of SANDBOX_DATABASE_URL keeps its log elsewhere")

    for sql, values in FAILING:
        fails(sql, values)

    assert "ready to accept connections" in log.read_text()
    assert PHONE.strip("+") not in log.read_text()


def test_compose_starts_postgresql_as_silent_as_the_local_one():
    from devtools.postgres import DEFAULTS

    compose = (ROOT / "docker-compose.yml").read_text()
    silent = {name: value for name, value in DEFAULTS.items() if name.startswith("log_") and name != "log_timezone"}
    assert len(silent) == 7
    assert all(f"-c{name}={value}" in compose for name, value in silent.items())


@pytest.mark.parametrize(("sql", "values"), FAILING)
def test_our_own_log_of_an_error_quotes_no_value(sql, values):
    error = fails(sql, values)
    line = logging.LogRecord("x", logging.ERROR, __file__, 1, "Failed: %r", (error,), (type(error), error, None))

    words = Discreet("{levelname} {message}", style="{").format(line)

    assert words.startswith("ERROR Failed: ")
    assert type(error).__name__ in words
    assert PHONE not in words


@pytest.mark.parametrize("name", ["celery.app.trace", "celery.task", "celery.redirected", "enrichment.worker.pump"])
def test_a_workers_log_quotes_no_value_either(name, monkeypatch):
    error, told = fails(*FAILING[2]), io.StringIO()
    ours, root = logging.StreamHandler(told), logging.getLogger()
    ours.setFormatter(Discreet("{levelname} {name} {message}", style="{"))
    monkeypatch.setattr(root, "handlers", [ours])
    monkeypatch.setattr(Logging, "_setup", False)

    celery.log.setup(logging.INFO)  # as a worker does where it starts
    logging.getLogger(name).error("Raised: %r for /api/leads?q=2065550177", error, exc_info=error)

    assert root.handlers == [ours]
    assert told.getvalue().startswith(f"ERROR {name} Raised: IntegrityError(")
    assert PHONE.strip("+") not in told.getvalue()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"GET /admin/leads/lead/?q=%2B12065550177 HTTP/1.1" 200', '"GET /admin/leads/lead/?… HTTP/1.1" 200'),
        (
            "Forbidden (Referer checking failed - https://x.test/admin/leads/lead/?q=jo does not match any)",
            "Forbidden (Referer checking failed - https://x.test/admin/leads/lead/?… does not match any)",
        ),
        ("How many? 3 of 4", "How many? 3 of 4"),
        ("Not Found: /api/leads/2065550177", "Not Found: /api/leads/…"),
        ('"GET /api/leads/+1-206-555-0177/x HTTP/1.1" 404', '"GET /api/leads/+…/x HTTP/1.1" 404'),
        ("Not Found: /api/persons/jo@example.com", "Not Found: /api/persons/…"),
        (f"Not Found: /api/leads/{ID}", f"Not Found: /api/leads/{ID}"),
        ('File "/srv/app/site-packages/x.py", line 20655', 'File "/srv/app/site-packages/x.py", line 20655'),
    ],
)
def test_a_line_of_ours_has_no_query(line, told):
    record = logging.LogRecord("x", logging.INFO, __file__, 1, line, (), None)
    assert Discreet("{message}", style="{").format(record) == told
    logging_of_all: Any = settings.LOGGING
    assert logging_of_all["formatters"]["line"]["()"] == "common.logs.Discreet"


def test_nobody_begins_a_line_of_a_log_by_what_she_sends():
    forged = "x\n2026-11-30 INFO Signed in: 'boss'\r\x1b[2J\u2028"
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "No user %s", (forged,), None)
    record.created, record.msecs = 1796058000.25, 250.0
    line = Discreet("{asctime} {message}", style="{").format(record)
    atoms = AccessLog(Config()).atoms(
        SimpleNamespace(status="200 OK", sent=9, headers=[]),
        SimpleNamespace(headers=[]),
        {
            "PATH_INFO": "/a\nforged",
            "HTTP_USER_AGENT": "Fire\x1bfox",
            "RAW_URI": "/a%0aforged",
            "REQUEST_METHOD": "GET",
            "SERVER_PROTOCOL": "HTTP/1.1",
        },
        timedelta(seconds=1),
    )

    begins = datetime.fromtimestamp(1796058000, UTC).strftime("%Y-%m-%dT%H:%M:%S.250Z")
    assert line == f"{begins} No user x\n    2026-11-30 INFO Signed in: 'boss'\\x0d\\x1b[2J\\x2028"
    assert (atoms["U"], atoms["a"]) == ("/a\\x0aforged", "Fire\\x1bfox")


def test_logs_go_where_the_page_says():
    of_all: Any = settings.LOGGING
    assert set(of_all["handlers"]) == {"console", "audit"}
    assert (of_all["root"]["handlers"], of_all["handlers"]["console"]["class"]) == (
        ["console"],
        "logging.StreamHandler",
    )
    page = (ROOT / "docs" / "audit.md").read_text().partition("## Every log")[2]
    assert all(named in page for named in ("stderr", "stdout", "`AUDIT_LOG`", "`KEEP_AUDIT_DAYS`"))


def test_a_person_in_an_address_is_in_no_line(client):
    told = io.StringIO()
    ours, django = logging.StreamHandler(told), logging.getLogger("django.request")
    ours.setFormatter(Discreet("{message}", style="{"))
    django.addHandler(ours)
    try:
        for path in (
            "/api/leads/2065550177",
            "/nowhere/(206) 555 0177",
            "/nowhere/Jo <jo@example.com>",
            f"/nowhere/{60 * 's'}/",
        ):
            assert client.get(path).status_code == 404
    finally:
        django.removeHandler(ours)
    assert told.getvalue().count("…") == 4
    assert not re.search("0177|jo@|ssss", told.getvalue())


def test_the_access_log_has_neither_query_nor_referer():
    config = Config()
    config.set("access_log_format", runpy.run_path(str(ROOT / "config" / "gunicorn.py"))["access_log_format"])
    searched = "/admin/leads/lead/?q=2065550177"
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": searched,
        "PATH_INFO": "/admin/leads/lead/",
        "QUERY_STRING": "q=2065550177",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_REFERER": f"https://x.test{searched}",
        "HTTP_USER_AGENT": "Firefox",
    }
    answer = SimpleNamespace(status="200 OK", sent=9, headers=[("X-Request-Id", "abc")], response_length=9)
    log: Any = Logger(config)
    asked = SimpleNamespace(headers=[("REFERER", f"https://x.test{searched}")])

    atoms = log.atoms_wrapper_class(log.atoms(answer, asked, environ, timedelta(seconds=1)))
    line = config.access_log_format % atoms

    assert '"GET /admin/leads/lead/ HTTP/1.1" 200 9 1.000000s abc "Firefox"' in line
    assert "2065550177" not in line
    stack = (ROOT / "devtools" / "stack.py").read_text() + (ROOT / "Dockerfile").read_text()
    assert "--access-logformat" not in stack  # nobody has another one; gunicorn reads the file where it is started


def test_a_search_that_is_refused_is_not_in_djangos_warnings(caplog):
    client = superuser()[1]
    with caplog.at_level("DEBUG"):
        client.get("/admin/nowhere/?q=2065550177")
        client.get("/admin/integrations/lookup/?facts__phone__startswith=2065550177")
        client.get("/api/leads?q=2065550177")
    assert "Not Found: /admin/nowhere/" in caplog.text
    assert "2065550177" not in caplog.text


def test_no_cache_keeps_an_answer_of_the_api_or_a_page():
    client = superuser()[1]
    for path in (
        "/admin/",
        "/admin/leads/lead/",
        "/admin/jsi18n/",
        "/api/leads",
        "/api/nowhere",
        "/api/docs",
        "/admin/login/",
    ):
        assert "no-store" in client.get(path)["Cache-Control"]
    assert "no-store" not in client.get("/healthz").headers.get("Cache-Control", "")
    with suppress(User.DoesNotExist):
        assert "no-store" in client.post("/api/auth/token", {})["Cache-Control"]
