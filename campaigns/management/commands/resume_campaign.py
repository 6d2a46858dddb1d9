"""`manage.py resume_campaign CAMPAIGN`."""

from __future__ import annotations

from typing import Any

from campaigns.management.helpers.campaigns import CampaignCommand
from campaigns.running.lifecycle import resume


class Command(CampaignCommand):
    help = "Resumes a paused campaign; every rule is asked again."
    example = "python manage.py resume_campaign CAMPAIGN --user ann"

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        self.tell(options, resume(campaign=campaign, access=access))
