"""`manage.py import_suppressions FILE`: a list of phones and e-mails that nobody here contacts any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from leads.management.lists import ListCommand
from leads.models import Suppression, Upload


class Command(ListCommand):
    kind = Upload.Kind.SUPPRESSIONS
    help = (
        "Suppresses the phones and e-mails of a file, for the whole installation. Within 30 days the list can be "
        "withdrawn (page Lists). One that concerns more than 5% of all leads needs a superuser as --user."
    )
    example = "python manage.py import_suppressions dnc.csv --user ann --dry-run"

    def add_more(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scope", choices=Suppression.Scope.values, default="any", help="By which channel not; any if not said"
        )

    def options_of(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"scope": options["scope"]}
