"""E-mail by SMTP or a provider: send one, read what a provider posts. A provider's own words stay inside this folder.

Which one: CAMPAIGN_EMAIL_URL. Of the ledger it is the vendor `mail`, its operation `email`.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from common.values.mail_urls import PROVIDERS
from integrations.vendors.mail import account, files, posts, smtp
from integrations.vendors.mail import providers as by_provider
from integrations.vendors.mail.composing import compose, envelope_sender
from integrations.vendors.mail.messages import Mail, RawMail, TrackingEvent, TrackingKind
from integrations.vendors.messages import Sent, Unreadable

__all__ = [
    "Mail",
    "RawMail",
    "TrackingEvent",
    "TrackingKind",
    "Unreadable",
    "check_place",
    "close",
    "dedupe_of",
    "inbound",
    "is_signed",
    "lack",
    "providers",
    "send",
    "tracking",
]

VENDOR = "mail"


def send(mail: Mail) -> Sent:
    """Hands it over, in one try: what `execution.execute` calls. vendor_id "": by SMTP, which gives none.

    Raises NotSent (HeldBack: the server is asked too much, all wait; Deferred: this recipient's server wants it later):
    certainly not sent. InDoubt: it may have been sent. RecipientRefused: not sent, and a repeat does no better (kind
    BAD_ADDRESS: a hard bounce; CONTENT: what it says, or a rule of theirs; CONFIGURATION: our sender address;
    CARRIER: their mailbox is full; INVALID: a header cannot be written). AccountRefused or Misconfigured: nothing can
    be sent before an operator acts.
    """
    place = account.place()
    raw = compose(mail)  # for a provider too: it refuses what is no header
    vendor_id = ""
    if place.kind in PROVIDERS:
        vendor_id = by_provider.send(place, mail)
    elif place.kind == "smtp":
        smtp.send(place, sender=envelope_sender(mail), to=mail.to, raw=raw)
    else:
        files.send(place, mail, raw)
    return Sent(vendor_id=vendor_id, segments=None, state="accepted", status=200)


def close() -> None:
    """Closes this thread's connection. The next e-mail opens another."""
    smtp.close()


def lack() -> str:
    """Why no e-mail campaign may be begun, naming the variable, in words without a period; "": it may."""
    return account.lack()


def providers() -> frozenset[str]:
    """Whose posts can be read: names as in CAMPAIGN_EMAIL_URL, and `raw` (inbound alone: the body is the e-mail)."""
    return frozenset({*posts.TRACKING, posts.RAW})


def is_signed(provider: str, *, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a post is this provider's, by a secret of MAIL_WEBHOOK_SECRET. Raises KeyError for an unknown one."""
    return posts.is_signed(provider, _lowered(headers), body, settings.MAIL_WEBHOOK_SECRET)


def dedupe_of(provider: str, *, headers: Mapping[str, str], body: bytes) -> str:
    """Equal for two posts of the same event or e-mail; at most 128 characters."""
    return posts.dedupe(provider, _lowered(headers), body)


def tracking(provider: str, *, headers: Mapping[str, str], body: bytes) -> list[TrackingEvent] | Unreadable:
    """What a post says of e-mails of ours. An empty list: nothing that matters. Never raises for what it holds."""
    return posts.tracking(provider, _lowered(headers), body)


def inbound(provider: str, *, headers: Mapping[str, str], body: bytes) -> RawMail | Unreadable:
    """The e-mail in a post. Never raises for what it holds."""
    return posts.inbound(provider, _lowered(headers), body)


def check_place() -> str:
    """Whether the mail server greets us and takes our password, or what cannot be told for nothing; in words. Raises a
    VendorFailure."""
    place = account.place()
    if place.kind == "smtp":
        smtp.probe(place)
        smtp.close()
        return "It answers" + (" and takes the password." if place.user else ".")
    return ""


def _lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
