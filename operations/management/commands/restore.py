"""`manage.py restore DIR`: a backup into an empty database; forgets again whom it must, and checks the books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser

from common.commands.base import ProductCommand
from operations.database.clients import ClientFailed
from operations.database.restoring import restore


class Command(ProductCommand):
    help = (
        "Puts a backup into the database of OWNER_DATABASE_URL, which must be empty, while nothing else works on it. "
        "Counts its rows, runs newer migrations, forgets again whom the list names, and runs `reconcile`. Exit status "
        "1 where something does not add up."
    )
    example = "python manage.py restore /backups/2026-11-30"
    refusals = (ClientFailed, psycopg.Error, OSError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", help="The backup")
        parser.add_argument(
            "--yes-empty", default="", metavar="DATABASE", help="Throw away first what this database holds"
        )
        parser.add_argument("--forgotten", default="", metavar="FILE", help="A further list of whom to forget again")

    def handle(self, *_args: object, **options: Any) -> None:
        forgotten = Path(options["forgotten"]) if options["forgotten"] else None
        if forgotten and not forgotten.is_file():
            raise CommandError(f"There is no file {options['forgotten'][:200]}.")
        found = restore(Path(options["directory"]), empties=options["yes_empty"], forgotten=forgotten)
        replayed = [str(file) for file in found.forgotten]
        lines = [
            f"Restored: {found.rows:,} rows, as of {found.manifest.made_at[:19]} UTC.",
            f"Forgotten again by {', '.join(replayed)}." if replayed else "No list of whom to forget again was found.",
            *(found.troubles or ["Ledger, runs, buckets and leads agree."]),
        ]
        facts = {
            "rows": found.rows,
            "madeAt": found.manifest.made_at,
            "forgotten": replayed,
            "troubles": found.troubles,
        }
        self.report(options, facts, lines)
        if found.troubles:
            raise CommandError(f"Do not use it yet: {len(found.troubles)} of these must be looked at.")
