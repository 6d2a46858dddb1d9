"""`manage.py backup DIR`: one consistent dump of the database, with a manifest, while everything is at work."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandParser

from common.commands.base import ProductCommand
from operations.database.backups import back_up, forgotten_beside
from operations.database.clients import ClientFailed


class Command(ProductCommand):
    help = (
        "Writes a backup into a directory that is not there yet. Needs the owner of the tables (OWNER_DATABASE_URL) "
        "and pg_dump. The list of forgotten people goes beside it, to DIR.forgotten."
    )
    example = "python manage.py backup /backups/2026-11-30"
    refusals = (ClientFailed, psycopg.Error, OSError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", help="Where to; it must not exist")

    def handle(self, *_args: object, **options: Any) -> None:
        to = Path(options["directory"])
        manifest = back_up(to)
        beside = forgotten_beside(to)
        lines = [f"Backup: {sum(manifest.rows.values()):,} rows, {manifest.size:,} bytes, in {to}."]
        if beside.is_file():
            lines.append(f"Whom to forget again after a restore: {beside}. Keep it longer than the backup.")
        facts = asdict(manifest) | {"directory": str(to), "forgotten": str(beside) if beside.is_file() else None}
        self.report(options, facts, lines)
