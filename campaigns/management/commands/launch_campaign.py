"""`manage.py launch_campaign CAMPAIGN`."""

from __future__ import annotations

from typing import Any

from campaigns.management.helpers.campaigns import CampaignCommand
from campaigns.running.lifecycle import launch


class Command(CampaignCommand):
    help = "Launches an approved campaign. Messages leave from now on."
    example = "python manage.py launch_campaign CAMPAIGN --user ann"

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        self.tell(options, launch(campaign=campaign, access=access))
