"""`manage.py revise_campaign CAMPAIGN --text 2=TEMPLATE`: other texts after the launch, seen in a dry run first."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from campaigns.management.helpers.campaigns import CampaignCommand, preview_facts, preview_lines
from campaigns.previews.making import make_preview
from campaigns.running.revising import revise

_TEXT = re.compile(r"(\d{1,2})([A-E]?)=(\S+)")


class Command(CampaignCommand):
    help = (
        "Proposes other texts for a campaign’s steps, for whom they have not reached; approve_campaign approves them."
    )
    example = "python manage.py revise_campaign CAMPAIGN --text 2=TEMPLATE --text 3B=TEMPLATE --user ann"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        words = "Step, which of its texts (A, if not said) and the template whose newest text takes its place"
        parser.add_argument("--text", action="append", required=True, metavar="STEP[A]=TEMPLATE", help=words)

    def handle(self, *_: object, **options: Any) -> None:
        campaign, access = self.asked(options)
        texts: dict[int, dict[str, UUID]] = {}
        for given in options["text"]:
            step, name, template = _read(given)
            texts.setdefault(step, {})[name] = template
        preview = revise(campaign=campaign, access=access, texts=texts)
        make_preview(preview.pk)
        preview.refresh_from_db()
        self.report(options, {"preview": preview_facts(preview)}, preview_lines(preview))


def _read(given: str) -> tuple[int, str, UUID]:
    found = _TEXT.fullmatch(given)
    try:
        return int(found[1]), found[2] or "A", UUID(found[3])  # type: ignore[index]
    except (TypeError, ValueError):
        raise CommandError(f"{given[:60]}: write the step and the template’s id, such as 2=0198…") from None
