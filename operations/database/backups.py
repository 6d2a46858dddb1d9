"""A backup: a directory with one consistent dump and a manifest that says what is in it, written last.

database.dump    pg_dump's custom format, of one snapshot
manifest.json    when, by which migrations, rows of each table in the same snapshot, size and SHA-256 of the dump
DIR.forgotten    beside the directory: whom to forget again after a restore. Kept apart, because it must outlive the
                 backup: whoever is forgotten later is still in the dump.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from accounts.audit import record
from operations.database import clients

DUMP, MANIFEST = "database.dump", "manifest.json"
FORMAT = 1
CHUNK = 1 << 20


class BadBackup(ValueError):
    """A backup that cannot be made there, or cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. migrations: the last of each app. rows: by table."""

    format: int
    made_at: str
    server: int
    migrations: Mapping[str, str]
    rows: Mapping[str, int]
    size: int
    sha256: str


def back_up(to: Path) -> Manifest:
    """Makes a backup in a directory that is not there yet, while everything is at work.

    It is written beside and renamed at the end: what is killed leaves `DIR.part`, which has no manifest. Raises
    BadBackup, ClientFailed, psycopg.Error, OSError.
    """
    if to.exists():
        raise BadBackup(f"{to} is there already. A backup never overwrites: name another directory.")
    if not to.parent.is_dir():
        raise BadBackup(f"{to.parent} is no directory.")
    part = to.with_name(f"{to.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    part.mkdir(mode=0o700)
    keep_forgotten_apart(to)
    manifest = _dump(part / DUMP)
    _write(part / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    _flush(part)
    part.rename(to)
    _flush(to.parent)
    record("backup.made", by=None, after={"rows": sum(manifest.rows.values()), "size": manifest.size})
    return manifest


def _dump(file: Path) -> Manifest:
    """Rows are counted in the snapshot that is dumped, so that a restore can be told from one that lost something."""
    with psycopg.connect(settings.OWNER_DATABASE_URL) as database:
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        database.read_only = True
        database.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        made_at, snapshot = _one(database, "SELECT clock_timestamp(), pg_export_snapshot()")
        file.touch(mode=0o600)
        clients.run(
            "pg_dump", settings.OWNER_DATABASE_URL, ["--format=custom", f"--snapshot={snapshot}", f"--file={file}"]
        )
        return Manifest(
            format=FORMAT,
            made_at=made_at.astimezone(UTC).isoformat(),
            server=database.info.server_version,
            migrations=migrations_of(database),
            rows=rows_of(database),
            size=file.stat().st_size,
            sha256=checksum(file),
        )


def keep_forgotten_apart(to: Path) -> Path | None:
    """A copy of the forgotten list beside the backup; None where nobody was ever forgotten."""
    listed = Path(getattr(settings, "FORGOTTEN_FILE", "") or os.devnull)
    if not listed.is_file():
        return None
    beside = forgotten_beside(to)
    _write(beside.with_name(f"{beside.name}.part"), listed.read_bytes())
    beside.with_name(f"{beside.name}.part").rename(beside)
    return beside


def forgotten_beside(backup: Path) -> Path:
    return backup.with_name(f"{backup.name}.forgotten")


def read(backup: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises BadBackup."""
    try:
        manifest = Manifest(**json.loads((backup / MANIFEST).read_bytes()))
    except FileNotFoundError:
        raise BadBackup(f"{backup} is no whole backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError, TypeError):
        raise BadBackup(f"The {MANIFEST} of {backup} cannot be read.") from None
    if manifest.format != FORMAT:
        raise BadBackup(f"{backup} is of another format ({manifest.format}) than this version reads ({FORMAT}).")
    try:
        good = (backup / DUMP).stat().st_size == manifest.size and checksum(backup / DUMP) == manifest.sha256
    except OSError:
        good = False
    if not good:
        raise BadBackup(f"The {DUMP} of {backup} is damaged: it is not the file its {MANIFEST} tells of.")
    return manifest


def rows_of(database: psycopg.Connection[Any]) -> dict[str, int]:
    """Rows of each table, a partitioned one as a whole."""
    tables = database.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition ORDER BY relname"
    ).fetchall()
    return {
        name: _one(database, sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(name)))[0]
        for (name,) in tables
    }


def migrations_of(database: psycopg.Connection[Any]) -> dict[str, str]:
    """The last migration of each app."""
    if _one(database, "SELECT to_regclass('public.django_migrations')")[0] is None:
        return {}
    found = database.execute("SELECT app, max(name) FROM public.django_migrations GROUP BY app ORDER BY app")
    return dict(found.fetchall())


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _one(database: psycopg.Connection[Any], statement: Any) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = database.execute(statement).fetchone()
    assert row is not None
    return row


def _write(file: Path, content: bytes) -> None:
    """To the disk, readable by us alone."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
