"""What a caller reads out: a call list's script with this owner's values."""

from __future__ import annotations

from accounts.models import User
from campaigns.models import Campaign
from campaigns.planning.refusals import CampaignError
from campaigns.rules.templates import BadTemplate, parse, values_of
from campaigns.texts.rendering import company_of, person_of
from leads.models import Lead, Seller

SCRIPT_MOST = 5_000  # characters


def checked_script(text: str) -> str:
    """The script as it is kept; empty: none. Raises CampaignError naming `script`."""
    text = text.strip().replace("\r\n", "\n")
    if len(text) > SCRIPT_MOST:
        raise CampaignError("INVALID", f"A script has at most {SCRIPT_MOST:,} characters.", "script")
    try:
        return parse(text).text if text else ""
    except BadTemplate as error:
        raise CampaignError("INVALID", error.words, "script", more={"position": error.position}) from error


def script_for(campaign: Campaign, lead: Lead, agent: User) -> str:
    """The campaign's script as she reads it out to this owner."""
    return read_out(campaign.script, lead, campaign.seller, agent)


def read_out(script: str, lead: Lead, seller: Seller | None, agent: User) -> str:
    """With this owner's values; what nobody knows stands as (first name), one that is no template as it is."""
    try:
        template = parse(script)
    except BadTemplate:  # none, not finished, or of before a variable was renamed
        return script
    values = values_of(person_of(vars(lead)), company_of(seller, agent))
    return "".join(
        piece if isinstance(piece, str) else values.get(piece[0]) or piece[1] or f"({_words(piece[0])})"
        for piece in template.pieces
    )


def _words(name: str) -> str:
    """firstName is first name."""
    return "".join(f" {one.lower()}" if one.isupper() else one for one in name)
