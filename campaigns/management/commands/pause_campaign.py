"""`manage.py pause_campaign CAMPAIGN`."""

from __future__ import annotations

from typing import Any

from campaigns.management.helpers.campaigns import CampaignCommand
from campaigns.running.lifecycle import pause


class Command(CampaignCommand):
    help = "Pauses a campaign before its next message."
    example = "python manage.py pause_campaign CAMPAIGN --user ann"

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        self.tell(options, pause(campaign=campaign, access=access))
