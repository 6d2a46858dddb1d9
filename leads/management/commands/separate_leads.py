"""`manage.py separate_leads LEAD`: takes apart what was merged as one property."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import add_person, row_in_team
from common.commands.base import ProductCommand
from leads.merging.services import NotMerged, separate
from leads.models import Lead


class Command(ProductCommand):
    writes_leads = True
    help = "Separates leads that were merged because they are one property. They are not merged again by themselves."
    example = "python manage.py separate_leads LEAD\n  LEAD is the lead that is shown, or one that is hidden"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lead", metavar="LEAD", help="The id of the lead")
        add_person(parser, required=False, help="Who does it; the lead must be of their team (its owner)")

    def handle(self, *_: object, **options: Any) -> None:
        lead, asker = row_in_team(Lead.every.select_related("owner"), options["lead"], options)
        try:
            shown = separate(lead=lead, by=asker)
        except NotMerged:
            raise CommandError("No lead is merged into this one.") from None
        lines = [f"Lead {pk} is a lead of its own again." for pk in shown]
        self.report(options, {"leadIds": [str(pk) for pk in shown]}, lines)
