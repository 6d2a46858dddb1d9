"""`manage.py preview_campaign CAMPAIGN`: the dry run, in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from campaigns.management.helpers.campaigns import CampaignCommand, preview_facts, preview_lines
from campaigns.previews.asking import start_preview, wait_for
from campaigns.previews.making import make_preview

WAIT = 60  # seconds for a worker that was quicker


class Command(CampaignCommand):
    help = (
        "Makes a campaign's dry run: who would get what at which price, and who is left out and why. Nothing is sent."
    )
    example = "python manage.py preview_campaign CAMPAIGN --user ann"

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        preview = start_preview(campaign=campaign, access=access)
        made = make_preview(preview.pk) or wait_for(preview.pk, WAIT)
        if made is None or made.is_at_work:
            raise CommandError("A worker makes it still: GET …/preview shows it.")
        made.refresh_from_db()
        self.report(options, {"preview": preview_facts(made)}, preview_lines(made))
        if made.error:
            raise CommandError(made.error)
