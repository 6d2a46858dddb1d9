"""One private PostgreSQL and one Valkey for the whole run, the environment of the tests, and the network block.

Django's settings must not load before this file: that is why DJANGO_SETTINGS_MODULE stands here and not in
pyproject.toml. With pytest-xdist the controller has the servers; each worker has its own database in PostgreSQL
(pytest-django's suffix gwN) and its own numbered database in Valkey.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import django
import psutil  # comes with pytest-xdist
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as examples

from devtools.chromium import CHROMIUM, MISSING, launch
from devtools.mode import ADDRESSES, APART
from tests.network import block

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from sandbox.server import Sandbox

REFUSED = "http://127.0.0.1:9"  # the discard port: nothing listens, so an unmocked vendor call is refused at once
ENVIRONMENT = {
    **APART,
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DEBUG": "1",
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "CONTACT_KEY_SECRETS": "only-for-keys-0123456789-abcdefghijklmnopqrstuvwxyz",
    "REALESTATEAPI_BASE_URL": f"{REFUSED}/realestateapi",
    "REALESTATEAPI_KEY": "test-realestateapi-key",
    "SIGNALHOUSE_BASE_URL": f"{REFUSED}/signalhouse",
    "SIGNALHOUSE_API_KEY": "test-signalhouse-key",
    "APOLLO_BASE_URL": f"{REFUSED}/apollo/api/v1",
    "APOLLO_API_KEY": "test-apollo-key",
    "TWILIO_BASE_URL": f"{REFUSED}/twilio",
    "TWILIO_ACCOUNT_SID": "ACtest",
    "TWILIO_AUTH_TOKEN": "test-twilio-token",
    "SIGNALHOUSE_MESSAGING_URL": f"{REFUSED}/signalhouse-messaging",
    "SIGNALHOUSE_MESSAGING_KEY": "test-signalhouse-messaging-key",
    "SIGNALHOUSE_MESSAGING_GROUP": "Gtest",
}


def _prepare() -> Callable[[], None] | None:
    """Sets the environment and starts what is missing; the answer, if any, stops it again.

    DATABASE_URL and REDIS_URL of whoever runs the tests are not opened: SANDBOX_DATABASE_URL and SANDBOX_REDIS_URL are.
    """
    given = {name: os.environ.get(f"SANDBOX_{name}", "") for name in ADDRESSES}
    if os.environ.get("PYTEST_XDIST_WORKER"):  # its controller has set them, below
        given = {name: os.environ[name] for name in ADDRESSES}
    for name in (*settings_of_the_product(), "PYTHONDONTWRITEBYTECODE"):  # a process compiles what none has before it
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    stop = None
    if not all(given.values()):
        from devtools.postgres import FAST
        from devtools.servers import LOCAL, Servers, remove_abandoned

        remove_abandoned(LOCAL, "test-*")
        servers = Servers(LOCAL / f"test-{os.getpid()}", postgres_settings=FAST).start()
        own = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        given, stop = {name: given[name] or own[name] for name in ADDRESSES}, servers.remove
    os.environ.update(given)
    return stop


def settings_of_the_product() -> list[str]:
    """Every variable of `.env.example`: the tests count on the defaults."""
    text = (Path(__file__).resolve().parent.parent / ".env.example").read_text()
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)


_migrating: subprocess.Popen[bytes] | None = None
gc.disable()  # until all is collected: it would walk through what stays, again and again, for a third of the start
_stop = _prepare()
django.setup()
# What is made up takes as long as the other workers leave it: seconds say nothing of the test.
examples.register_profile("shared cores", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("shared cores")
PBKDF2PasswordHasher.iterations = 1  # of a million, which take 0.4 s a password


def pytest_unconfigure() -> None:
    if _migrating is not None:
        _migrating.kill()  # where no test waited for it
        _migrating.wait()
    if _stop is not None:
        _stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one worker more than there are cores, because pumps and whole stacks mostly wait."""
    cores: int = psutil.cpu_count()
    return min(4, cores + 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[Any]) -> None:
    """Gives each worker the servers, and its own database number in Valkey. What their databases are copied from is
    made while they collect.

    By the names that the settings read: a worker inherits our DJANGO_SETTINGS_MODULE, so that pytest-django loads them
    before this file.
    """
    global _migrating
    template = {"TESTS_TEMPLATE": f"migrated_{os.getpid()}_{time.time_ns()}"}
    _migrating = subprocess.Popen(
        [sys.executable, "-m", "tests.databases"],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, **template},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = urlsplit(os.environ["REDIS_URL"])
    for number, spec in enumerate(specs, start=1):
        spec.env.update(template, DATABASE_URL=os.environ["DATABASE_URL"])
        spec.env["REDIS_URL"] = urlunsplit(address._replace(path=f"/{number}"))


# The longest first, by how the name begins: a journey that is begun last keeps one worker busy when all are done.
FIRST = (
    "tests.pages.test_texting_journey",
    "tests.pages.test_journey_team",
    "tests.pages.test_dialer",
    "tests.test_indexes",
    "tests.pages.",
    "tests.enrichment.",
    "tests.test_admin_pages",
    "tests.campaigns.",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stacks first, then what takes long: `--dist worksteal` gives each worker a run of tests, so one worker has
    the stacks, one after the other and never two at once, and what it does not come to the others take over, from the
    end on: no long test is begun last."""
    items.sort(key=_turn)  # stable: else in the order of the files, whose tests stay together


def _turn(item: pytest.Item) -> tuple[bool, int]:
    module = item.nodeid.partition("::")[0].removesuffix(".py").replace("/", ".")
    rank = next((at for at, start in enumerate(FIRST) if module.startswith(start)), len(FIRST))
    return item.get_closest_marker("slow") is None, rank


def pytest_collection_finish() -> None:
    """Eleven thousand tests and what they import stay: the collector need not walk through them again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _network_block() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        block(patch)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Called before pytest-django makes the database."""
    from django.db.backends.postgresql.creation import DatabaseCreation

    from tests.databases import create, drop

    setattr(DatabaseCreation, "create_test_db", create)  # noqa: B010  # the stubs do not know them so
    setattr(DatabaseCreation, "_destroy_test_db", drop)  # noqa: B010


@pytest.fixture(scope="session", autouse=True)
def _no_mail_in_a_transaction() -> Iterator[None]:
    """What a mail tells of must be so: it leaves after the commit. A test's own transaction does not count."""
    from django.core.mail import EmailMessage
    from django.db import connection

    send = EmailMessage.send

    def send_after_commit(self: EmailMessage, fail_silently: bool = False) -> int:
        blocks: Any = connection.atomic_blocks
        ours = [block for block in blocks if not block._from_testcase]  # Django's own name
        assert not ours, "This mail is sent in a transaction that may still be rolled back."
        return send(self, fail_silently)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmailMessage, "send", send_after_commit)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    from django.test import TransactionTestCase

    from tests.emptying import empty

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Every test client makes its middleware anew, and whitenoise would look at every static file again: 25 ms."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    find, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, Any]()

    def add(self: Any) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


@pytest.fixture(scope="session", autouse=True)
def _whole_pages_are_told_of(django_test_environment: None) -> Iterator[None]:
    """`response.context` is that of the page. Django's test client also copies those of the four hundred templates that
    a page of the desk is put together from, its widgets among them."""
    from django.template import Template

    tell: Any = vars(Template)["_render"]  # as pytest-django has put it there

    def render(self: Any, context: Any) -> Any:
        if context.template is self and "/widgets/" not in (self.name or ""):
            return tell(self, context)
        return self.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(scope="session", autouse=True)
def _recovered() -> None:
    """The tests' PostgreSQL has just started; nobody of before holds an answer. No slot passes on a busy machine."""
    from integrations.ledger import calls, pace

    calls.RECOVERY = timedelta(0)
    pace.STALE = 30.0  # 0.5 s: between two lines of a test that reserves and then sends, other processes had the cores


@pytest.fixture(scope="session", autouse=True)
def _told_whatever_other_tests_hold() -> Iterator[None]:
    """Changes of leads are told once all older transactions of the server are over: of the tests' server, that of a
    module that keeps one open for minutes (`kept_open`). A test's own database knows nothing of those."""
    from django.db import connection

    from leads.changes import reading

    whole = reading.cluster_now

    def own() -> tuple[str, int, datetime]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            (begun,) = cursor.fetchone() or (0,)  # all below are over, or stand in what is read now
            cursor.execute(
                "SELECT min(backend_xid::text::bigint) FROM pg_stat_activity WHERE datname = current_database()"
            )
            (oldest,) = cursor.fetchone() or (None,)
        cluster, _, now = whole()
        return cluster, min(begun, begun if oldest is None else oldest), now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "cluster_now", own)
        yield


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "forgotten.jsonl"


@pytest.fixture(autouse=True)
def _nobody_forgotten_before(_kept: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list of whom to forget outlives the database: a backup of a later test would take it along."""
    from django.conf import settings

    monkeypatch.setattr(settings, "FORGOTTEN_FILE", str(_kept))
    yield
    _kept.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def kept_open(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For rows that many tests of a module need and none may commit: a transaction around them all, in which each
    test's own is a savepoint. A fixture of the module that asks for this makes them once; what a test does to them is
    rolled back. Not for a module with a test of `transaction=True`."""
    from django.db import connection, transaction

    block: Any = transaction.atomic()
    block._from_testcase = True  # Django's own name: to durable blocks and to mail this is no transaction
    with django_db_blocker.unblock(), block:
        with connection.cursor() as cursor:  # a slow test between two of the module's may take its time
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def no_badge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The side bar counts nothing: what waits for a person is asked of every room, a quarter of the time of a page.
    For walks over many pages that look for something else; Home still says what it is."""
    monkeypatch.setattr("operations.admin.badge.badge", lambda _request: "")


@pytest.fixture
def by_the_lead_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody judges contacts (`leads.registries.judge`): "ready to call" is what a lead's own columns say."""
    monkeypatch.setattr("leads.registries._judges", [])


# Their services are watched: whatever they lock, they lock in the one order (docs/locks.md).
WATCHED = {
    "tests.buckets.imports.test_merged_leads",
    "tests.buckets.imports.test_services",
    "tests.buckets.imports.test_undo_merged",
    "tests.buckets.imports.test_updates",
    "tests.buckets.test_algebra",
    "tests.buckets.test_delete_bucket",
    "tests.buckets.test_deleting",
    "tests.buckets.test_fill",
    "tests.campaigns.booking.test_races",
    "tests.campaigns.sending.test_doubts",
    "tests.campaigns.sending.test_sending",
    "tests.campaigns.sending.test_stopping",
    "tests.campaigns.dialing.test_dialer",
    "tests.campaigns.dialing.test_steps",
    "tests.campaigns.inbound.test_conversations",
    "tests.campaigns.inbound.test_mail",
    "tests.campaigns.inbound.test_mail_doors",
    "tests.campaigns.inbound.test_opt_outs",
    "tests.campaigns.inbound.test_posts",
    "tests.campaigns.test_previews",
    "tests.campaigns.test_running",
    "tests.enrichment.test_delete_lead",
    "tests.enrichment.test_in_doubt",
    "tests.enrichment.test_phones",
    "tests.enrichment.test_pushes",
    "tests.enrichment.test_runs",
    "tests.enrichment.test_schedules",
    "tests.enrichment.test_sweeps",
    "tests.leads.bulk.test_races",
    "tests.leads.calendar.test_callbacks_in_calendar",
    "tests.leads.permission.test_importing",
    "tests.leads.permission.test_suppressing",
    "tests.leads.privacy.test_forgetting",
    "tests.leads.privacy.test_job",
    "tests.leads.test_merging",
    "tests.test_locks",
}


@pytest.fixture(autouse=True)
def lock_record(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The locks of every transaction of a watched test that commits; what goes back in the order fails it."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    from tests.lock_record import Record

    marker = request.node.get_closest_marker("django_db")
    if request.module.__name__ not in WATCHED or marker is None or not marker.kwargs.get("transaction"):
        yield None
        return
    record = Record()

    def watch(connection: Any, **_: Any) -> None:
        if record not in connection.execute_wrappers:
            connection.execute_wrappers.append(record)

    watch(connection)
    connection_created.connect(watch)
    yield record
    connection_created.disconnect(watch)
    connection.execute_wrappers.remove(record)
    assert record.wrong == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window. Tests that ask for it are skipped, saying so, where it is not installed."""
    if not CHROMIUM.exists():
        pytest.skip(f"page tests: {MISSING}")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright runs an event loop in this thread; Django would refuse
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    """Three vendors on a socket, 20,000 made-up parcels, without a pace of their own; phones come at once."""
    from sandbox.server import Sandbox, SandboxConfig
    from tests.support import PRICES

    with Sandbox(SandboxConfig(generate=20_000, prices=PRICES, webhook_delay_s=0.2)) as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: Sandbox, settings: Any) -> Iterator[Sandbox]:
    """A vendor without a past, with the real clients pointed at it and no pace, so that tests do not wait."""
    from tests.support import apollo_has_told, point_at, set_operations

    point_at(sandbox_server, settings)
    set_operations(settings, pace=0)
    sandbox_server.ledger.reset()
    sandbox_server.faults.replace([])
    yield sandbox_server
    apollo_has_told()  # what is under way is billed while it is this test's
    sandbox_server.faults.replace([])
