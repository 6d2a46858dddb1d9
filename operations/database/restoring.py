"""A backup put back into an empty database, and looked at: nothing is said to be restored that does not add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, get_commands
from django.db.migrations.loader import MigrationLoader

from accounts.audit import record
from common.db.owner import pointed_at
from leads.keys import key_secrets
from operations.database import clients
from operations.database.backups import DUMP, BadBackup, Manifest, forgotten_beside, migrations_of, read, rows_of
from operations.database.roles import grant_rights
from operations.reconcile import find_drift

_EMPTIED = """
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was found. forgotten: lists that were replayed. troubles: why it must not be used as it is, in sentences."""

    manifest: Manifest
    rows: int
    forgotten: tuple[Path, ...]
    troubles: tuple[str, ...]


def restore(backup: Path, *, empties: str = "", forgotten: Path | None = None) -> Restored:
    """Puts a backup into the database of OWNER_DATABASE_URL, which must be empty. Workers and web must be stopped.

    empties: the database's name, typed by whoever wants what is in it thrown away. forgotten: a list beside the two
    that are looked for (FORGOTTEN_FILE, and the one beside the backup). Raises BadBackup, ClientFailed, psycopg.Error.

    1. The backup is whole, and not of a newer version than this one.
    2. pg_restore, all or nothing; as many rows in each table as were dumped.
    3. The application's role, where there is one, gets its rights; migrations since the backup are run.
    4. CONTACT_KEY_SECRETS lists the secrets of its keys; only then is the forgotten list replayed.
    5. `reconcile`.
    """
    manifest = read(backup)
    _refuse_newer(manifest)
    with psycopg.connect(settings.OWNER_DATABASE_URL, autocommit=True) as owner:
        _empty(owner, empties)
        # "public" is there; whom things belong to and who may do what is this place's, not the backup's
        how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        clients.run("pg_restore", settings.OWNER_DATABASE_URL, [*how, backup / DUMP])
        found = rows_of(owner)
        troubles = _lost(manifest, found)
    with pointed_at(settings.OWNER_DATABASE_URL):
        call_command("migrate", verbosity=0, interactive=False)
        if settings.OWNER_DATABASE_URL != settings.DATABASE_URL:
            grant_rights()
        lists, told = _after(backup, forgotten)
        said = {"rows": sum(found.values()), "made_at": manifest.made_at, "forgotten_lists": len(lists)}
        record("backup.restored", by=None, after=said)
    return Restored(manifest, sum(found.values()), tuple(lists), (*troubles, *told))


def _after(backup: Path, forgotten: Path | None) -> tuple[list[Path], list[str]]:
    """Whom to forget again, then the books; which lists were replayed, and what is wrong."""
    try:
        key_secrets.for_reading()
    except ImproperlyConfigured as error:
        return [], [f"{error} Nobody on the forgotten list was forgotten again: restore once more with that secret."]
    lists, told = list(_lists(backup, forgotten)), list[str]()
    if "replay_forgotten" in get_commands():
        for file in lists:
            try:
                call_command("replay_forgotten", file=str(file), verbosity=0, stdout=StringIO())  # we report, once
            except CommandError as error:  # the whole lines of this list are replayed, and so are the other lists
                told.append(f"{file}: {error}")
    else:
        lists = []
    return lists, [*told, *(f"{drift}." for drift in find_drift())]


def _lists(backup: Path, forgotten: Path | None) -> Iterator[Path]:
    if forgotten is not None:
        yield forgotten
    for file in (Path(getattr(settings, "FORGOTTEN_FILE", "") or "/dev/null"), forgotten_beside(backup)):
        if file.is_file():
            yield file


def _refuse_newer(manifest: Manifest) -> None:
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations  # asks no database
    unknown = [f"{app} {name}" for app, name in manifest.migrations.items() if (app, name) not in known]
    if unknown:
        raise BadBackup(f"The backup is of a newer version than this one: it has {', '.join(unknown[:3])}.")


def _empty(owner: psycopg.Connection[Any], empties: str) -> None:
    """Refuses a database that holds something, unless its name was typed; then throws it away."""
    name = owner.info.dbname
    row = owner.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchone()
    if not row or not row[0]:
        return
    if empties != name:
        known = "tables of ours" if migrations_of(owner) else "something else"
        raise BadBackup(
            f"The database {name} is not empty: it holds {known}. To throw away what is in it: --yes-empty {name}"
        )
    with owner.transaction():
        for statement in _EMPTIED.split(";"):
            owner.execute(statement)


def _lost(manifest: Manifest, found: dict[str, int]) -> list[str]:
    return [
        f"{table} has {found.get(table, 0):,} rows, where {rows:,} were dumped."
        for table, rows in manifest.rows.items()
        if found.get(table) != rows
    ]
