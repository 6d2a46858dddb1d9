"""`manage.py cancel_campaign CAMPAIGN`."""

from __future__ import annotations

from typing import Any

from campaigns.management.helpers.campaigns import CampaignCommand
from campaigns.running.lifecycle import cancel


class Command(CampaignCommand):
    help = "Cancels a campaign for good; at most what is in flight leaves."
    example = "python manage.py cancel_campaign CAMPAIGN --user ann"

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        self.tell(options, cancel(campaign=campaign, access=access))
