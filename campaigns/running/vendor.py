"""Whether somebody carries texts for this installation."""

from __future__ import annotations

import re

from django.conf import settings

from campaigns.models import Sender
from campaigns.planning.refusals import CampaignError
from integrations.vendors import messaging

_VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def check_vendor(sender: Sender) -> None:
    """Raises CampaignError NO_VENDOR, which names the variable that is missing or says something else."""
    if not settings.SMS_VENDOR:
        words = "Nobody carries texts here: an operator sets SMS_VENDOR to twilio or signalhouse."
        raise CampaignError("NO_VENDOR", words, more={"variable": "SMS_VENDOR"})
    if sender.vendor != settings.SMS_VENDOR:
        words = f"SMS_VENDOR is not {sender.get_vendor_display()}, which carries the texts of the campaign's number."
        raise CampaignError("NO_VENDOR", words, more={"variable": "SMS_VENDOR"})
    if lacking := messaging.lack(sender.vendor):
        raise CampaignError("NO_VENDOR", f"{lacking}.", more={"variable": " ".join(_VARIABLE.findall(lacking))})
