"""Whatever is set, what runs on made-up vendors connects to nobody else's database, broker or vendor."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.mode import VENDOR_NAMES
from tests.devtools.copies import bare, copy_of_the_tree, python

# Prints the environment that the process has after preparing itself, and what the settings make of it and of `.env`.
TELL = """
import json, os, django
from django.conf import settings
print(json.dumps({"environment": dict(os.environ), "vendors": settings.VENDORS, "redis": settings.REDIS_URL,
                  "database": str(settings.DATABASES), "webhook": settings.APOLLO_WEBHOOK_URL}))
"""
STACK = """
import sys
from devtools import place
place.provide(sys.argv[1])
os = __import__("os")
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django; django.setup()
from devtools.stack import Options, Stack
os.environ.update(Stack(Options(port=0))._make_environment())
"""
BENCH = """
from benchmarks.place import Place
place = Place(leads=3)
place.__enter__()
import atexit; atexit.register(place.__exit__, None, None, None)
"""


class Listeners:
    """Ports of the loopback that stand for the real servers; every connection is counted."""

    def __init__(self) -> None:
        self.sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in ("database", "redis", "vendors")}
        self.met: list[str] = []
        for name, listener in self.sockets.items():
            threading.Thread(target=self._listen, args=(name, listener), daemon=True).start()

    def _listen(self, name: str, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.met.append(name)
            connection.close()

    def port(self, name: str) -> int:
        return int(self.sockets[name].getsockname()[1])

    def environment(self) -> dict[str, str]:
        """As production's, with every key set."""
        vendors = f"http://127.0.0.1:{self.port('vendors')}"
        return {
            **{name: f"{vendors}/{name}" if name.endswith("_URL") else f"real-{name}" for name in VENDOR_NAMES},
            "DATABASE_URL": f"postgres://buckets:secret@127.0.0.1:{self.port('database')}/buckets",
            "REDIS_URL": f"redis://:secret@127.0.0.1:{self.port('redis')}/0",
            "APOLLO_WEBHOOK_URL": "https://buckets.example/api/apollo/webhook",
            "TWILIO_ACCOUNT_SID": "real-account",
            "SMS_VENDOR": "signalhouse",
            "SIGNALHOUSE_MESSAGING_GROUP": "real-group",
            "SIGNALHOUSE_WEBHOOK_SECRETS": "real-webhook-secret",
            "CAMPAIGN_EMAIL_URL": f"smtp://real-user:real-password@127.0.0.1:{self.port('vendors')}",
            "INBOUND_MAIL_DOMAIN": "in.buckets.example",
            "IMAP_URL": f"imap://real-user:real-password@127.0.0.1:{self.port('vendors')}/INBOX",
            "MAIL_WEBHOOK_SECRET": "hooks:a-real-password-of-the-posts",
            "DNS_SERVER": f"127.0.0.1:{self.port('vendors')}",
            "SECRET_KEY": "production-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
            "CONTACT_KEY_SECRETS": "production-keys-0123456789-abcdefghijklmnopqrstuvwxyz",
            "DEBUG": "0",
            "ALLOWED_HOSTS": "buckets.example",
        }

    def close(self) -> None:
        for listener in self.sockets.values():
            listener.shutdown(socket.SHUT_RDWR)  # or its thread waits on
            listener.close()


@pytest.fixture(scope="module")
def listeners() -> Iterator[Listeners]:
    found = Listeners()
    yield found
    found.close()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, listeners: Listeners) -> Path:
    """A copy whose `.env` names the real servers, vendors and keys."""
    copy = copy_of_the_tree(tmp_path_factory.mktemp("apart") / "tree")
    (copy / ".env").write_text("".join(f"{name}={value}\n" for name, value in listeners.environment().items()))
    return copy


def set_too(listeners: Listeners, where: str) -> dict[str, str]:
    """The process's environment: the same as in `.env`, or nothing beside `.env`."""
    return bare(**(listeners.environment() if where == "environment" else {}))


def nothing_of(listeners: Listeners, told: str) -> None:
    """No address, no key and no webhook of the real ones is in what a process tells."""
    found = json.loads(told.strip().splitlines()[-1])
    real = {
        name: value
        for name, value in listeners.environment().items()
        if name not in ("SECRET_KEY", "CONTACT_KEY_SECRETS", "DEBUG", "SMS_VENDOR")
    }
    kept = {name for name, value in real.items() if found["environment"].get(name) == value}
    assert kept - {"ALLOWED_HOSTS"} == set()
    assert not any(value in json.dumps(found["vendors"]) for value in real.values())
    assert str(listeners.port("database")) not in found["database"] and "'host': '/" in found["database"]
    assert f":{listeners.port('redis')}/" not in found["redis"]
    assert found["webhook"] == ""
    assert listeners.met == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("command", "where"), [("demo", ".env"), ("screenshots", "environment")])
def test_the_processes_of_a_sandbox_stack_get_nothing_real(
    tree: Path, listeners: Listeners, command: str, where: str
) -> None:
    told = python(tree, "-c", STACK + TELL, command, environment=set_too(listeners, where))
    nothing_of(listeners, told)


@pytest.mark.long
@pytest.mark.slow
def test_benchmarks_get_nothing_real(tree: Path, listeners: Listeners) -> None:
    nothing_of(listeners, python(tree, "-c", BENCH + TELL, environment=set_too(listeners, "environment")))


@pytest.mark.long
@pytest.mark.slow
def test_chaos_connects_to_nothing_real(tree: Path, listeners: Listeners) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "no-such-scenario"],
        cwd=tree,
        env=set_too(listeners, "environment"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no scenario no-such-scenario: only ")
    assert listeners.met == []


@pytest.mark.long
@pytest.mark.slow
def test_tests_connect_to_nothing_real(tree: Path, listeners: Listeners) -> None:
    (tree / "tests" / "test_probe.py").write_text(PROBE)
    python(tree, "-m", "pytest", "-n", "1", "tests/test_probe.py", environment=set_too(listeners, "environment"))
    assert listeners.met == []


PROBE = """
import os
import pytest
from django.conf import settings
from django.core.cache import cache
from accounts.models import User

@pytest.mark.django_db
def test_the_servers_are_the_tests_own():
    User.objects.create_user("ann")
    cache.set("a", 1)
    assert settings.VENDORS["apollo"]["key"] == "test-apollo-key"
    assert settings.DATABASES["default"]["HOST"] == "" and settings.DATABASES["default"]["OPTIONS"]["host"][0] == "/"
    assert settings.APOLLO_WEBHOOK_URL == "" and settings.DEBUG is False
    assert "buckets.example" not in settings.ALLOWED_HOSTS
"""


@pytest.mark.long  # two minutes from an empty directory; what its processes are given is held above, in every run
@pytest.mark.slow
def test_a_demo_connects_to_nothing_real(tree: Path, listeners: Listeners) -> None:
    arguments = ("demo", "--exit", "--port", "0", "--leads", "5", "--sandbox=--generate=2000")
    told = python(tree, "manage.py", *arguments, environment=set_too(listeners, "environment"))
    lines = told.splitlines()
    assert lines[0] == (
        "Sandbox: the vendors are made up, and so is their money. Your vendor keys are not used. "
        "CAMPAIGN_EMAIL_URL is not used. Texts go by SMS_VENDOR=signalhouse, made up too."
    )
    result = json.loads(lines[-1])
    assert (result["exported"], result["spent"]) == (5, result["billed"])
    assert listeners.met == []
