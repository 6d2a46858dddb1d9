"""A campaign by its id and for whom the command acts; how it is told."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.access import Access, access_in
from accounts.management.base import add_person, row_in_team
from campaigns.models import Campaign, Preview
from campaigns.planning.refusals import CampaignError
from campaigns.running.approval import ACKNOWLEDGEMENTS, needed
from common.commands.base import ProductCommand
from common.dates import moment


class CampaignCommand(ProductCommand):
    """A command that does one thing with one campaign."""

    refusals = (CampaignError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="Its id; `campaigns` lists them")
        add_person(parser, required=False, help="Who does it; without it who drafted it")

    def asked(self, options: dict[str, Any]) -> tuple[Campaign, Access]:
        """The campaign, and who asks in its team. Raises CommandError."""
        rows = Campaign.objects.select_related("owner", "preview")
        campaign, user = row_in_team(rows, options["campaign"], options)
        return campaign, access_in(user, campaign.team_id)

    def tell(self, options: dict[str, Any], campaign: Campaign) -> None:
        campaign.refresh_from_db()
        self.report(options, {"campaign": campaign_facts(campaign)}, [campaign_line(campaign)])


COUNTERS = (
    "members", "due", "sent", "accepted", "delivered", "failed", "refused", "expired", "cancelled", "in_doubt",
    "replied", "opted_out",
)  # fmt: skip


def campaign_facts(campaign: Campaign) -> dict[str, Any]:
    """A campaign in JSON."""
    return {
        "id": campaign.pk,
        "name": campaign.name,
        "part": campaign.part,
        "status": campaign.status,
        "pausedBy": campaign.paused_by,
        "reason": campaign.reason,
        "counts": {name: getattr(campaign, name) for name in COUNTERS},
        "maxCost": campaign.max_cost,
        "startedAt": campaign.started_at,
        "finishedAt": campaign.finished_at,
    }


def campaign_line(campaign: Campaign) -> str:
    """A campaign in words."""
    part = f" ({campaign.part})" if campaign.split_group else ""
    why = f": {campaign.reason}" if campaign.reason else ""
    line = f"{campaign.pk}  {campaign.name}{part}: {campaign.get_status_display().lower()}{why}"
    if campaign.members:
        line += f"; {campaign.members:,} people, {campaign.sent:,} sent, {campaign.delivered:,} delivered, "
        line += f"{campaign.failed:,} failed, {campaign.replied:,} replied, {campaign.opted_out:,} opted out"
    return line


def preview_facts(preview: Preview) -> dict[str, Any]:
    """A dry run in JSON."""
    return {
        "id": preview.pk,
        "digest": preview.digest,
        "leads": preview.leads,
        "people": preview.people,
        "messages": preview.lines,
        "leftOut": preview.left_out,
        "costMin": preview.cost_min,
        "costMax": preview.cost_max,
        "byZone": preview.by_zone,
        "byState": preview.by_state,
        "needs": needed(preview),
        "error": preview.error,
        "madeAt": preview.made_at,
        "expiresAt": preview.expires_at,
    }


def preview_lines(preview: Preview) -> list[str]:
    """A dry run in words."""
    if preview.error:
        return [f"No dry run: {preview.error}"]
    lines = [
        f"{preview.people:,} of {preview.leads:,} leads would get {preview.lines:,} messages, "
        f"${preview.cost_min:.2f} to ${preview.cost_max:.2f}.",
        *(f"  left out, {reason}: {many:,}" for reason, many in preview.left_out.items()),
        *(f"  {state}: {people:,}, left out {out:,}" for state, (people, out) in preview.by_state.items()),
        *(f"Must be acknowledged, {code}: {ACKNOWLEDGEMENTS[code]}" for code in needed(preview)),
    ]
    if preview.expires_at:
        lines.append(f"Digest {preview.digest}, valid until {moment(preview.expires_at)}.")
    return lines
