"""Text messages by any vendor: send one, find one again, read what the vendor posts. A vendor's own words stay inside
its folder.

`vendor` is a key of `settings.VENDORS` that carries messages: twilio, signalhouse_messaging. Others raise KeyError.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from types import ModuleType

from django.conf import settings

from integrations.naming import vendors as vendor_names
from integrations.vendors import available
from integrations.vendors.messages import (
    AccountRefused,
    Found,
    HealthEvent,
    IncomingText,
    Kind,
    Message,
    MessageRefused,
    Post,
    RawPost,
    RecipientRefused,
    Sent,
    StatusEvent,
    Unreadable,
    VendorOptOut,
)
from integrations.vendors.signalhouse_messaging import client as signalhouse
from integrations.vendors.signalhouse_messaging import posts as signalhouse_posts
from integrations.vendors.signalhouse_messaging import signature as signalhouse_signature
from integrations.vendors.twilio import client as twilio
from integrations.vendors.twilio import posts as twilio_posts
from integrations.vendors.twilio import signature as twilio_signature

__all__ = [
    "AccountRefused",
    "Found",
    "HealthEvent",
    "IncomingText",
    "Kind",
    "Message",
    "MessageRefused",
    "Post",
    "RawPost",
    "RecipientRefused",
    "Sent",
    "StatusEvent",
    "Unreadable",
    "VendorOptOut",
    "dedupe_of",
    "find",
    "is_signed",
    "lack",
    "may_repeat",
    "notifications",
    "read_post",
    "send",
    "vendor_opt_outs",
]


_CLIENTS: Mapping[str, ModuleType] = {"twilio": twilio, "signalhouse_messaging": signalhouse}
_REPEATABLE = frozenset({"signalhouse_messaging"})


def send(vendor: str, message: Message) -> Sent:
    """Sends it, in one request: what `execution.execute` calls.

    Raises NotSent (HeldBack for 429): certainly not sent, it may go later. InDoubt: it may have been sent.
    RecipientRefused: not sent, and a repeat does no better. AccountRefused, which is Misconfigured as well, or a bare
    Misconfigured (no key, a wrong address): not sent; the ledger pauses the vendor, and it may go once that is resumed.
    """
    sent: Sent = _CLIENTS[vendor].send(message)
    return sent


def lack(vendor: str) -> str:
    """Why no campaign may be begun with this vendor, naming the variable, in words without a period; "": it may.

    Besides a key and an address: what it takes to hear of opt-outs, by webhook and after an outage.
    """
    if lacking := available.lack(vendor):
        return lacking
    title = vendor_names.title(vendor)
    if not settings.PUBLIC_URL:
        return f"{title} cannot reach us: PUBLIC_URL is not set"
    if vendor == "signalhouse_messaging" and not settings.SIGNALHOUSE_WEBHOOK_SECRETS:
        return f"{title}'s webhooks cannot be checked: SIGNALHOUSE_WEBHOOK_SECRETS is not set"
    if vendor == "signalhouse_messaging" and not settings.VENDORS[vendor].get("group"):
        return f"{title} cannot be asked what was missed: {signalhouse.GROUP_VARIABLE} is not set"
    return ""


def may_repeat(vendor: str) -> bool:
    """Whether sending the same message again, with its token, cannot send it twice: the vendor replays its answer."""
    _CLIENTS[vendor]
    return vendor in _REPEATABLE


def find(vendor: str, message: Message, since: datetime, *, known: Collection[str] = ()) -> Found | None:
    """The message at the vendor, made at `since` or later (the vendor's clock): for one in doubt. Free.

    known: the vendor's ids of other messages of ours, which it is not. None: the vendor has none such (yet). Raises a
    VendorFailure.
    """
    found: Found | None = _CLIENTS[vendor].find(message, since, known)
    return found


def vendor_opt_outs(vendor: str, since: datetime) -> Iterator[VendorOptOut]:
    """Who has opted out at the vendor since then; all of them where it does not say when. Raises a VendorFailure."""
    opt_outs: Iterator[VendorOptOut] = _CLIENTS[vendor].vendor_opt_outs(since)
    return opt_outs


def notifications(vendor: str, since: datetime) -> Iterator[RawPost]:
    """What the vendor has posted, or would have, since then: for what was lost in an outage. Raises a VendorFailure."""
    posts: Iterator[RawPost] = _CLIENTS[vendor].notifications(since)
    return posts


def is_signed(vendor: str, *, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a post is this vendor's. url: as the vendor called it, with its query. body: the raw bytes."""
    named = _lowered(headers)
    if vendor == "signalhouse_messaging":
        secrets = settings.SIGNALHOUSE_WEBHOOK_SECRETS
        return signalhouse_signature.is_signed(headers=named, body=body, secrets=secrets, now=datetime.now(UTC))
    return twilio_signature.is_signed(
        url=url,
        headers=named,
        body=body,
        token=settings.VENDORS[vendor]["key"],
        signing_keys=settings.TWILIO_SIGNING_KEYS,
    )


def dedupe_of(vendor: str, headers: Mapping[str, str], body: bytes) -> str:
    """Equal for two posts of the same event, however they came: by webhook, again, or by `notifications`. Up to 128
    characters."""
    if vendor == "signalhouse_messaging":
        return signalhouse_posts.dedupe(_lowered(headers), body)
    _CLIENTS[vendor]
    return twilio_posts.dedupe(_lowered(headers), body)


def read_post(vendor: str, headers: Mapping[str, str], body: bytes) -> list[Post] | Unreadable:
    """What a post says. An empty list: a known shape that is no business of ours. Never raises for what it holds."""
    if vendor == "signalhouse_messaging":
        return signalhouse_posts.read(body)
    _CLIENTS[vendor]
    return twilio_posts.read(_lowered(headers), body)


def _lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
