"""A vendor's post, kept raw before anything is read from it: each once, whoever brought it, webhook or poll."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from accounts.audit import record
from accounts.models import User
from campaigns.models import Inbound
from campaigns.rules.opt_out import read
from common.db.clock import database_now
from common.db.ids import uuid7
from integrations.vendors import messaging
from integrations.vendors.messaging import HealthEvent, IncomingText, StatusEvent, Unreadable

OPT_OUTS = ("opt_out", "wrong")
URGENT = "opt_out"  # the kind that is handled before all others
MAY_BE_WORDS = (URGENT, "message", "mail", "unreadable")
_KEPT = ("content-type",)  # headers that reading needs beside a vendor's own
_PREFIXES = ("x-signalhouse-", "i-twilio-", "x-twilio-event", "x-mail-")  # x-mail-: our own, `mail_posts`


@dataclass(frozen=True, slots=True)
class Kept:
    """A post that is stored now. kind: as `kind_of`."""

    id: UUID
    kind: str


def keep(
    vendor: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    token: UUID | None = None,
    dedupe: str = "",
    kind: str = "",
) -> Kept | None:
    """Stores a signed post, and commits it. None: it was known. token: of the message or call whose own address was
    called. kind: what it is, where its address says so.
    """
    kind, row_id = kind or kind_of(vendor, headers, body), uuid7()
    named = dedupe or messaging.dedupe_of(vendor, headers, body)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_inbound
                   (id, vendor, kind, dedupe, body, headers, token_in_url, received_at, tries, error)
            VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, clock_timestamp(), 0, '')
            ON CONFLICT (vendor, dedupe) DO NOTHING
            """,
            [row_id, vendor, kind, stored_as(named), body, _json(headers), token],
        )
        return Kept(row_id, kind) if cursor.rowcount else None


def known(vendor: str, dedupes: Collection[str]) -> set[str]:
    """Those that are stored, as `stored_as` writes them."""
    rows = Inbound.objects.filter(vendor=vendor, dedupe__in=[stored_as(one) for one in dedupes])
    return set(rows.values_list("dedupe", flat=True))


def stored_as(dedupe: str) -> str:
    """As a row can hold it: a vendor's words may hold anything."""
    return dedupe.replace("\x00", "")[:128]


def kind_of(vendor: str, headers: Mapping[str, str], body: bytes) -> str:
    """What its most urgent part is: opt_out, message, health, status; ignored, unreadable."""
    said = messaging.read_post(vendor, headers, body)
    if isinstance(said, Unreadable):
        return "unreadable"
    texts = [one for one in said if isinstance(one, IncomingText)]
    if any(meaning_of(one) in OPT_OUTS for one in texts):
        return URGENT
    if texts:
        return "message"
    if any(isinstance(one, HealthEvent) for one in said):
        return "health"
    return "status" if any(isinstance(one, StatusEvent) for one in said) else "ignored"


def meaning_of(text: IncomingText) -> str:
    """What they mean: an opt-out where the vendor took it for one, or we do. Its START is not enough: it takes YES for
    one, which may answer a question.
    """
    own = read(text.text)
    vendors = {"STOP": "opt_out", "HELP": "help"}.get(text.opt_out.upper(), "")
    return own if own in OPT_OUTS or not vendors else vendors


def count_unsigned(vendor: str) -> None:
    """One more post that claimed to be this vendor's. Nothing of it is kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_unsignedpost AS u (vendor, day, count) VALUES (%s, %s, 1)
            ON CONFLICT (vendor, day) DO UPDATE SET count = u.count + 1
            """,
            [vendor, database_now().date()],
        )


def waiting() -> int:
    """Posts that nobody has handled yet."""
    return Inbound.objects.filter(handled_at__isnull=True).count()


def close(ids: Collection[UUID], *, by: User) -> int:
    """An operator has looked at these: they need no look any more, and what broke is not tried again. Returns how many.

    Words of a person that nobody has read yet may be an opt-out: they are left, and tried on.
    """
    unread, closed = Q(handled_at__isnull=True, kind__in=MAY_BE_WORDS), 0
    open_ones = Inbound.objects.filter(closed_at__isnull=True).exclude(unread | Q(error=""))
    with transaction.atomic():
        now = database_now()
        for pk in sorted(ids):
            after = {"closed_at": now, "handled_at": Coalesce("handled_at", now), "lease_until": None}
            if open_ones.filter(pk=pk).update(**after):
                record("vendor_post.closed", by=by, about=("inbound", pk))
                closed += 1
    return closed


def _json(headers: Mapping[str, str]) -> str:
    kept = {name.lower(): value for name, value in headers.items() if name.lower() in _KEPT or _starts(name.lower())}
    return json.dumps(kept)


def _starts(name: str) -> bool:
    return name.startswith(_PREFIXES) and "signature" not in name
