"""Whether somebody carries a campaign's messages for this installation, and whether it has what they leave from."""

from __future__ import annotations

import re

from django.conf import settings

from campaigns.models import Campaign, MailSender, Sender
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import EMAIL, SMS
from campaigns.setup import mail_senders
from integrations.vendors import mail, messaging

_VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def check_senders(campaign: Campaign) -> None:
    """What the channels of its steps need. Raises CampaignError NO_SENDER, NO_VENDOR (names the variable)."""
    channels = set(campaign.steps.values_list("channel", flat=True))
    if SMS in channels:
        if campaign.sender is None or campaign.sender.retired_at is not None:
            raise CampaignError("NO_SENDER", "The campaign has no number to send from: choose one.")
        check_vendor(campaign.sender)
    if EMAIL in channels:
        check_mail(campaign.mail_sender)


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


def check_mail(sender: MailSender | None) -> None:
    """An address to send from whose domain may be believed, and a server or provider that carries e-mail. Raises
    CampaignError NO_SENDER, NO_VENDOR.
    """
    if not settings.MAIL_VENDOR:
        words = "Nobody carries e-mail here: an operator sets CAMPAIGN_EMAIL_URL."
        raise CampaignError("NO_VENDOR", words, more={"variable": "CAMPAIGN_EMAIL_URL"})
    if lacking := mail.lack():
        raise CampaignError("NO_VENDOR", f"{lacking}.", more={"variable": " ".join(_VARIABLE.findall(lacking))})
    if sender is None or sender.retired_at is not None:
        raise CampaignError("NO_SENDER", "The campaign has no e-mail address to send from: choose one.")
    if lacking := mail_senders.lack(sender):
        raise CampaignError("NO_SENDER", f"{sender}: {lacking}.")
