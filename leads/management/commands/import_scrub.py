"""`manage.py import_scrub FILE`: a do-not-call registry's file, or the answer of a scrubbing service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from leads.management.lists import ListCommand
from leads.models import Upload


class Command(ListCommand):
    kind = Upload.Kind.SCRUB
    help = (
        "Records which numbers are on a do-not-call registry, by the team's company and the day of the file. "
        "A hit is no suppression: consent opens it. A check counts for 31 days."
    )
    example = "python manage.py import_scrub 617.txt --user ann --list federal --version-date 2026-11-30 --listed yes"

    def add_more(self, parser: CommandParser) -> None:
        parser.add_argument("--list", required=True, help="federal, state:TX (of a state), litigator or reassigned")
        parser.add_argument("--san", help="Subscription account number; the company's own if not said")
        parser.add_argument("--version-date", required=True, metavar="DATE", help="Of the registry's file: 2026-11-30")
        parser.add_argument("--listed", choices=["yes", "no"], help="Whether every number of the file is on the list")
        parser.add_argument(
            "--area-codes",
            metavar="CODES",
            help="The file is the registry's whole list of these (617,339): who is not in it was checked too",
        )
        parser.add_argument("--listed-column", metavar="NAME", help="Instead: the column that says it")

    def options_of(self, options: Mapping[str, Any]) -> dict[str, Any]:
        listed = None if options["listed"] is None else options["listed"] == "yes"
        return {
            "list": options["list"], "san": options["san"], "versionDate": options["version_date"], "listed": listed,
            "listedColumn": options["listed_column"], "areaCodes": options["area_codes"],
        }  # fmt: skip
