"""`manage.py campaigns`: the campaigns there are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from campaigns.management.helpers.campaigns import campaign_facts, campaign_line
from campaigns.models import Campaign
from common.commands.base import ProductCommand


class Command(ProductCommand):
    help = "Lists campaigns, newest first."
    example = "python manage.py campaigns --user ann --status running"

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=False, help="Whose team's; without it all")
        parser.add_argument("--status", choices=Campaign.Status.values, help="Only these")

    def handle(self, *_: object, **options: Any) -> None:
        rows = Campaign.objects.order_by("-pk")
        if options["user"] is not None:
            rows = rows.seen_by(access_named(options))
        if options["status"] is not None:
            rows = rows.filter(status=options["status"])
        found = list(rows)
        lines = [campaign_line(campaign) for campaign in found] or ["No campaign."]
        self.report(options, {"campaigns": [campaign_facts(campaign) for campaign in found]}, lines)
