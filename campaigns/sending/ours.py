"""Refusals that are about us and not about the person: what is due stays due, and the campaign pauses with the reason.

The vendor's: our number is not registered, may not send, or its registration is suspended. Our own rules': the company
profile or the number's registration is gone since the launch. Whoever is next would meet the same, so that a campaign
that went on would lose everybody it still has.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from campaigns.gate.words import SHORT
from campaigns.models import Campaign, Delivery
from campaigns.rules.facts import Decision
from campaigns.sending.lifecycle import pause_campaign
from integrations.naming import vendors as vendor_names
from integrations.vendors.messaging import Kind

OF_SENDER = frozenset({Kind.UNREGISTERED, Kind.CONFIGURATION, Kind.PAUSED})
_OF_COMPANY = frozenset({"seller", "sender_registration"})  # rules


def lacks(decision: Decision) -> str:
    """The first rule about our company that says no, where no rule about the person does; '' else."""
    noes = [answer.code for answer in decision.answers if answer.verdict == "no"]
    return noes[0] if noes and _OF_COMPANY.issuperset(noes) else ""


def pause_not_set_up(campaign_id: UUID, rule: str) -> bool:
    """Pauses a campaign whose company or number may not text any more. In a transaction of its own."""
    words = SHORT[rule]
    return pause_campaign(
        campaign_id, Campaign.Pause.GATE, f"{words[:1].upper()}{words[1:]}: see “Set up texting”, then resume it"
    )


def pause_refused(refused: Iterable[tuple[Delivery, str, str]]) -> int:
    """Pauses the campaigns whose number the vendor has refused, once each. refused: message, the vendor's code and
    words. In a transaction of its own. Returns how many.
    """
    first = {row.campaign_id: (row.vendor, code, words) for row, code, words in refused if row.campaign_id}
    paused = 0
    for campaign_id, (vendor, code, words) in first.items():
        said = f": {words.rstrip('.')}" if words else ""
        told = (
            f"{vendor_names.title(vendor)} refuses the {'address' if vendor == 'mail' else 'number'} it sends from "
            f"({code}){said}. Resume it once that is solved"
        )
        paused += pause_campaign(campaign_id, Campaign.Pause.HEALTH, told)
    return paused


def pause_for(delivery_id: UUID) -> bool:
    """The same for a message that the vendor had taken, and has refused since for our number's sake."""
    row = Delivery.objects.filter(pk=delivery_id, refusal__in=[str(kind) for kind in OF_SENDER]).first()
    return row is not None and bool(pause_refused([(row, row.error, row.error_words)]))
