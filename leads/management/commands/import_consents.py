"""`manage.py import_consents FILE`: who agreed to hear from the team's company, each with text, date and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from leads.management.lists import ListCommand
from leads.models import Consent, Upload
from leads.permission.importing import IMPORTED


class Command(ListCommand):
    kind = Upload.Kind.CONSENTS
    help = (
        "Records consents given to the team's company. A row without the text they were shown, a date and a source is "
        "refused, and so is one whose contact is suppressed: a file lifts nothing."
    )
    example = "python manage.py import_consents optins.csv --user ann --type written --channel sms --acknowledge"

    def add_more(self, parser: CommandParser) -> None:
        parser.add_argument("--type", required=True, choices=IMPORTED, help="Which kind of consent")
        parser.add_argument("--channel", choices=Consent.Channel.values, help="Of every row")
        parser.add_argument("--channel-column", metavar="NAME", help="Instead: the column that says it")
        for name, what in (("text", "the text they were shown"), ("date", "when"), ("source", "where")):
            parser.add_argument(f"--{name}-column", metavar="NAME", help=f"The column with {what}; found if not said")
        parser.add_argument(
            "--acknowledge",
            action="store_true",
            help="You confirm that each of them agreed to hear from this company; purchased data is no consent",
        )

    def options_of(self, options: Mapping[str, Any]) -> dict[str, Any]:
        names = ("text", "date", "source", "channel")
        columns = {f"{name}Column": options[f"{name}_column"] for name in names}
        said = {"type": options["type"], "channel": options["channel"], "acknowledged": options["acknowledge"]}
        return {**columns, **said}
