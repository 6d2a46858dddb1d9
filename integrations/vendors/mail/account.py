"""The mail server or provider of this installation, as the settings have it at this moment."""

from __future__ import annotations

from django.conf import settings

from common.values.mail_urls import MailPlace
from integrations.naming.vendors import title
from integrations.vendors.credentials import Account
from integrations.vendors.errors import Misconfigured

TITLE = title("mail")
VARIABLE = "CAMPAIGN_EMAIL_URL"


def config() -> Account:
    """For pages that show vendors alike: where it is, and whether it can be asked."""
    place = settings.CAMPAIGN_MAIL
    return Account(
        vendor="mail",
        title=TITLE,
        address_variable=VARIABLE,
        key_variable=VARIABLE,
        base_url=place.shown if place else "",
        key="set" if place else "",
        connect_timeout=settings.VENDOR_CONNECT_TIMEOUT,
        read_timeout=settings.VENDOR_READ_TIMEOUT,
        deadline=settings.VENDOR_DEADLINE,
        max_bytes=settings.VENDOR_MAX_BYTES,
    )


def place() -> MailPlace:
    """Raises Misconfigured where there is none."""
    if settings.CAMPAIGN_MAIL is None:
        raise Misconfigured(f"{VARIABLE} is not set: no e-mail can be sent.")
    given: MailPlace = settings.CAMPAIGN_MAIL
    return given


def lack() -> str:
    """Why no e-mail campaign may be begun; "": it may."""
    if settings.CAMPAIGN_MAIL is None:
        return f"Nobody carries e-mail here: {VARIABLE} is not set"
    if not settings.PUBLIC_URL:
        return "E-mails need a link to unsubscribe: PUBLIC_URL is not set"
    if settings.CAMPAIGN_MAIL.leaves and not settings.INBOUND_MAIL_DOMAIN:
        return "Replies and bounces would not be seen: INBOUND_MAIL_DOMAIN is not set"
    if settings.CAMPAIGN_MAIL.leaves and settings.IMAP is None and not settings.MAIL_WEBHOOK_SECRET:
        return "Replies and bounces cannot be checked: neither MAIL_WEBHOOK_SECRET nor IMAP_URL is set"
    return ""
