"""What the API of campaigns shares: how it refuses, and a row of one's own team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.models import Campaign, Sender, Template
from campaigns.planning.refusals import CampaignError
from common.api.base import ApiView, Problem, not_found, translates
from common.api.serializers import MomentField
from leads.models import Seller
from leads.permission.selling import active_seller

_STATUS = {"INVALID": 400, "NOBODY": 400, "NOT_FOUND": 404, "FORBIDDEN": 403}


@translates(CampaignError)
def campaign_error(error: CampaignError) -> Problem:
    """`fields` also says what else there is to know: `newDigest`, `added`, `split`, a variable's name …"""
    message = f"{error.field}: {error}" if error.field else str(error)
    fields = {error.field: [str(error)]} if error.field else {}
    return Problem(error.code, message, status=_STATUS.get(error.code, 409), fields=fields | _more(error.more, error))


def _more(more: Mapping[str, Any], error: CampaignError) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    if "variable" in more:
        told[more["variable"]] = [str(error)]
    if "digest" in more:
        told["newDigest"] = [more["digest"]]
    for how, rows in more.get("examples", {}).items():
        told[how] = [f"{lead_id}: {words}" if words else str(lead_id) for lead_id, words in rows]
    if "parts" in more:
        told["split"] = [f"{more['parts']:,} campaigns: {more['people']:,} people of {more['leads']:,} leads"]
    if "position" in more:
        told["position"] = [str(more["position"])]
    for name in ("attemptId", "leadId", "receiptId", "againAt", "outcome", "why"):  # of calls
        if more.get(name) is not None:
            value = more[name]
            told[name] = [MomentField().to_representation(value) if isinstance(value, datetime) else str(value)]
    if "leftOut" in more:
        told["leftOut"] = [f"{reason}: {many:,}" for reason, many in more["leftOut"].items()]
    return told


class CampaignView(ApiView):
    """A view of campaigns; another team's is not found. A caller sees nothing of them."""

    def campaign(self, campaign_id: UUID) -> Campaign:
        rows = Campaign.objects.seen_by(self.access).exclude(channel=Campaign.Channel.CALL)  # those are call lists
        rows = rows.select_related("preview", "owner", "bucket")
        found = rows.filter(pk=campaign_id).first()
        if found is None:
            raise not_found("campaign")
        return found

    def template(self, template_id: UUID) -> Template:
        found = Template.objects.seen_by(self.access).filter(pk=template_id).first()
        if found is None:
            raise not_found("template")
        return found

    def sender(self, sender_id: UUID) -> Sender:
        rows = Sender.objects.select_related("seller").filter(seller__team_id=self.access.team_id)
        found = rows.filter(pk=sender_id).first()
        if found is None:
            raise not_found("number to send from")
        return found

    def seller(self) -> Seller:
        found = active_seller(self.access.team_id)
        if found is None:
            raise Problem("NO_SELLER", "Set up the company profile first: PUT /api/sellers.", status=409)
        return found
