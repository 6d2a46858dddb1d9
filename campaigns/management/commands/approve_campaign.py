"""`manage.py approve_campaign CAMPAIGN --digest DIGEST`: a manager approves the dry run she looked at."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns.management.helpers.campaigns import CampaignCommand
from campaigns.running.approval import ACKNOWLEDGEMENTS, approve


class Command(CampaignCommand):
    help = "Approves a campaign's dry run; it is computed again, and refused where the list has changed."
    example = "python manage.py approve_campaign CAMPAIGN --digest 3f0c… --acknowledge foreclosure --user ann"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--digest", required=True, metavar="DIGEST", help="Of the dry run that you looked at")
        parser.add_argument(
            "--acknowledge",
            action="append",
            default=[],
            choices=list(ACKNOWLEDGEMENTS),
            help="; ".join(f"{code}: {words}" for code, words in ACKNOWLEDGEMENTS.items()),
        )

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        given = options["acknowledge"]
        self.tell(options, approve(campaign=campaign, access=access, digest=options["digest"], acknowledgements=given))
