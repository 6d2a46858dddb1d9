"""`manage.py recount_campaigns`: proves the counters of campaigns, or mends them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.models import Campaign
from campaigns.running.counting import recount
from common.commands.base import ProductCommand, row_of


class Command(ProductCommand):
    help = "Counts the people and messages of campaigns anew and mends the counters that differ."
    example = "python manage.py recount_campaigns --check    # changes nothing; status 1 where a counter is wrong"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help="Only these; else all")
        parser.add_argument("--check", action="store_true", help="Mend nothing; exit status 1 where a counter is wrong")

    def handle(self, *_: object, **options: Any) -> None:
        ids = [row_of(Campaign.objects.all(), text).pk for text in options["campaigns"]] or None
        wrong = recount(campaign_ids=ids, mend=not options["check"])
        facts = {
            str(campaign): {name: {"stored": stored, "real": real} for name, (stored, real) in counters.items()}
            for campaign, counters in wrong.items()
        }
        lines = [
            f"{campaign}: {name} was {stored:,}, is {real:,}"
            for campaign, counters in wrong.items()
            for name, (stored, real) in counters.items()
        ]
        self.report(
            options, {"wrong": facts, "mended": bool(wrong) and not options["check"]}, lines or ["All correct."]
        )
        if wrong and options["check"]:
            raise CommandError(
                f"The counters of {len(wrong)} {'campaign is' if len(wrong) == 1 else 'campaigns are'} wrong."
            )
