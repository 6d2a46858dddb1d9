"""E-mails and what providers tell of e-mails: kept raw, each once, read from their rows. `mail` says what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from campaigns import clock
from campaigns.inbound import mail as effects
from campaigns.inbound import posts
from campaigns.models import Delivery, Inbound
from campaigns.sending import marks, states, statuses
from integrations.vendors import mail
from integrations.vendors.mail.lightening import lightened
from integrations.vendors.mail.messages import RawMail, TrackingEvent, TrackingKind
from integrations.vendors.mail.reading import Arrived, Automatic, Bounce, Complaint, Written, read
from integrations.vendors.messages import Unreadable
from leads.models import Suppression
from leads.permission.suppressing import Source, suppress_keys
from leads.privacy.filtering import names_forgotten

VENDOR: Final = "mail"
INBOUND, TRACKING, RAW = "inbound", "tracking", "raw"  # doors; and the provider of a body that is the e-mail itself
KEPT_MOST: Final = 256 * 1024  # bytes of a row
_PROVIDER, _DOOR = "x-mail-provider", "x-mail-door"  # of Inbound.headers: how its body is read
_OURS_ALONE = frozenset({TrackingKind.OPENED, TrackingKind.CLICKED})  # links and pictures are ours: what we see counts
_AT_ONCE = frozenset({TrackingKind.COMPLAINED, TrackingKind.UNSUBSCRIBED})
Said = Arrived | TrackingEvent


# --- Keeping ----------------------------------------------------------------------------------------------------------


def keep(provider: str, door: str, headers: Mapping[str, str], body: bytes) -> posts.Kept | None:
    """Stores a signed post, and commits it. None: it was known. Of an e-mail that is too long for a row its words are
    kept, without what is attached to it.
    """
    known = f"{door}:{mail.dedupe_of(provider, headers=headers, body=body)}"[:128]
    told = {"content-type": headers.get("content-type", ""), _PROVIDER: provider, _DOOR: door}
    if len(body) > KEPT_MOST:
        found = mail.inbound(provider, headers=headers, body=body) if door == INBOUND else None
        body = body[:KEPT_MOST]
        if isinstance(found, RawMail):
            told, body = told | {_PROVIDER: RAW}, _light(found)
    return posts.keep(VENDOR, told, body, dedupe=known, kind=_kind(told, body))


def keep_raw(raw: bytes) -> posts.Kept | None:
    """As `keep`, an e-mail as it lay in the mailbox: the same bytes are one e-mail, whatever its number there."""
    return keep(RAW, INBOUND, {"content-type": "message/rfc822"}, raw)


def _light(found: RawMail) -> bytes:
    to = " ".join(found.envelope_to.split())
    before = f"Delivered-To: {to}\r\n".encode(errors="replace") if to else b""
    return before + lightened(found.raw, most=KEPT_MOST - len(before))


def _kind(headers: Mapping[str, str], body: bytes) -> str:
    """What its most urgent part is: opt_out, mail, tracking, ignored, unreadable."""
    said = said_in(headers, body)
    if isinstance(said, Unreadable):
        return "unreadable"
    if any(_is_urgent(one) for one in said):
        return posts.URGENT
    if headers[_DOOR] == INBOUND:
        return "mail"
    return (
        TRACKING if any(isinstance(one, TrackingEvent) and one.kind not in _OURS_ALONE for one in said) else "ignored"
    )


def _is_urgent(one: Said) -> bool:
    if isinstance(one, TrackingEvent):
        return one.kind in _AT_ONCE
    if isinstance(one, Complaint):
        return one.is_abuse
    if isinstance(one, Automatic):
        return effects.ends_all(one)
    if isinstance(one, Written):
        return one.is_unsubscribe or effects.meaning_in(one) in posts.OPT_OUTS
    return False


# --- Handling ---------------------------------------------------------------------------------------------------------


def said_in(headers: Mapping[str, str], body: bytes) -> list[Said] | Unreadable:
    """What a post says, by its row's headers and body. Nothing it holds makes this raise."""
    provider, told = headers.get(_PROVIDER, RAW), {"content-type": headers.get("content-type", "")}
    if headers.get(_DOOR) == TRACKING:
        events = mail.tracking(provider, headers=told, body=body)
        return events if isinstance(events, Unreadable) else [*events]
    found = mail.inbound(provider, headers=told, body=body)
    if isinstance(found, Unreadable):
        return found
    arrived = read(found, today=clock.now().date())
    return arrived if isinstance(arrived, Unreadable) else [arrived]


def prove(said: Iterable[Said]) -> None:
    """In the caller's transaction, which has locked nothing: as `mail.prove`."""
    for one in said:
        if not isinstance(one, TrackingEvent):
            effects.prove(one)


def apply(one: Said, row: Inbound, message_id: UUID) -> str:
    """In the caller's transaction, which has locked the post alone. Returns what an operator should know of it."""
    return _told(one, row) if isinstance(one, TrackingEvent) else effects.hear(one, message_id)


def _told(event: TrackingEvent, row: Inbound) -> str:
    """Whose it is, the provider's token or id says: it has signed them."""
    if event.kind in _OURS_ALONE:
        return ""
    if event.token is None and not event.message_id:
        return effects.NOT_OURS
    if event.kind == TrackingKind.UNSUBSCRIBED:
        return _unsubscribed(event, row)
    statuses.apply_event(
        vendor=VENDOR, vendor_id=event.message_id, token=event.token, kind=event.kind.value, error=event.code,
        words=event.words, refusal=_refusal(event), at=event.at, inbound_id=row.pk,
    )  # fmt: skip
    return ""


def _refusal(event: TrackingEvent) -> str:
    if event.kind != TrackingKind.BOUNCED:
        return ""
    if event.is_hard:
        return states.HARD
    return states.BLOCKED if event.code.startswith("5.7.") else states.SOFT


def _unsubscribed(event: TrackingEvent, row: Inbound) -> str:
    """By the provider's own list: as by our link."""
    rows = Delivery.objects.filter(vendor=VENDOR, state__in=Delivery.LEFT, key__isnull=False)
    rows = rows.filter(callback_token=event.token) if event.token else rows.filter(vendor_id=event.message_id[:80])
    sent = rows.first()
    if sent is None or sent.key_id is None:
        return effects.NOT_OURS
    suppress_keys(
        [sent.key_id], reason=Suppression.Reason.ONE_CLICK, scope=Suppression.Scope.EMAIL,
        source=Source.inbound(row.pk), words="Unsubscribed at the e-mail provider", team_id=sent.team_id,
    )  # fmt: skip
    marks.opted_out(sent.pk, clock.now())
    return ""


def is_by_forgotten(said: Iterable[Said | None]) -> bool:
    """Whether one of the addresses in it is a forgotten person's."""
    return names_forgotten(*(address for one in said for address in addresses_in(one)))


def addresses_in(one: Said | None) -> list[str]:
    """Who wrote, or whom it is about."""
    if isinstance(one, TrackingEvent | Bounce):
        return [one.recipient]
    return [one.about.sender] if isinstance(one, Automatic | Written) else []


def texts_in(one: Said) -> list[str]:
    """The words in it, as they are read."""
    if isinstance(one, TrackingEvent | Unreadable):
        return []
    text = one.text if isinstance(one, Automatic | Written) else ""
    return [one.about.subject, text]
