"""Writing and reading who allowed which company to contact them."""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.audit import record
from accounts.models import User
from common.db.arrays import hexed, joined
from common.db.clock import database_now
from common.db.ids import uuid7
from leads.keys import contact_keys
from leads.models import Consent, ContactKey, EvidenceText, Seller
from leads.permission.rows import FIRST_YEAR
from leads.permission.suppressing import Digest, Value, key_of
from leads.privacy.filtering import kept

Type, How, Channel = Consent.Type, Consent.How, Consent.Channel
# Months that a kind lasts: the house's for written and express, the FTC's and FCC's for the others.
MONTHS = {Type.WRITTEN: 24, Type.EXPRESS: 12, Type.INQUIRY: 3, Type.TRANSACTION: 18}
REPLY_LASTS = timedelta(hours=24)  # after their last message
_AHEAD = timedelta(minutes=5)  # a vendor's clock; the table allows no more


class BadConsent(ValueError):
    """What was said is no consent. field: which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Given:
    """A consent as the gate reads it. expires_at: None where it has no end but a revocation."""

    id: UUID
    channel: str
    kind: str
    how: str
    given_at: datetime
    expires_at: datetime | None
    reference: str


def give(
    value: Value,
    *,
    channel: str,
    kind: str,
    seller: Seller,
    given_at: datetime,
    how: str,
    text: str = "",
    source_url: str = "",
    reference: str = "",
    ip: str | None = None,
    file: str = "",
    lead_id: UUID | None = None,
    by: User | None = None,
    at: datetime | None = None,
) -> Consent:
    """Writes a consent, and its words as evidence. The same twice is the first. Raises BadConsent.

    at: the moment it is entered, by default the database's.
    """
    moment = at or database_now()
    _check(channel=channel, kind=kind, given_at=given_at, how=how, text=text, moment=moment)
    key = key_of(value)
    with transaction.atomic():
        # A key under an older secret is used as it is: the gate looks for the digest that the key has.
        key_ids = contact_keys.insert([key])[key.kind, key.value]
        digests = ContactKey.objects.filter(pk__in=key_ids).order_by("pk").values_list("digest", flat=True)
        rows = [
            Consent(
                id=uuid7(), key_kind=key.kind, digest=bytes(digest), hint=key.hint, channel=channel, kind=kind,
                seller=seller, text_hash=hash_of(text), given_at=given_at, how=how, source_url=source_url[:500],
                reference=reference[:100], lead_id=lead_id, by_id=by.pk if by else None, created_at=moment,
                expires_at=ends_at(kind, given_at),
            )
            for digest in digests
        ]  # fmt: skip
        Consent.objects.bulk_create(rows, ignore_conflicts=True)
        there = [_same(row) for row in rows]
        new = [row for row in there if row.pk in {one.pk for one in rows}]
        EvidenceText.objects.bulk_create(
            EvidenceText(
                parent=row.pk, text=kept(text)[:10_000] or None, ip=ip, file=file[:200] or None, created_at=moment
            )
            for row in new
            if text or ip or file
        )
        if new:
            after = {"channel": channel, "kind": kind, "how": how, "seller": str(seller.pk)}
            record("consent.recorded", by=by, team_id=seller.team_id, about=new[0], after=after)
    return there[0]


def _check(*, channel: str, kind: str, given_at: datetime, how: str, text: str, moment: datetime) -> None:
    for field, said, choices in (("channel", channel, Channel), ("kind", kind, Type), ("how", how, How)):
        if said not in choices.values:
            raise BadConsent(field, f"Say one of {', '.join(choices.values)}.")
    if given_at > moment + _AHEAD:
        raise BadConsent("givenAt", "It lies in the future.")
    if given_at.year < FIRST_YEAR:
        raise BadConsent("givenAt", f"It is before {FIRST_YEAR}.")
    if kind == Type.WRITTEN and not text.strip():
        raise BadConsent("text", "Give the exact text that they were shown.")
    if kind == Type.WRITTEN and how == How.SPOKEN:
        raise BadConsent("how", "A spoken consent is no written one: say express.")
    if kind in (Type.START, Type.REPLY) and how != How.INBOUND:
        raise BadConsent("how", "Only their own message is one.")
    if kind == Type.EXPRESS and how != How.INBOUND and not text.strip():
        raise BadConsent("text", "Give their words.")


def hash_of(text: str) -> str:
    """SHA-256 of the text they were shown; empty without one."""
    return hashlib.sha256(text.strip().encode()).hexdigest() if text.strip() else ""


def ends_at(kind: str, given_at: datetime) -> datetime | None:
    """Until when a consent of this kind counts; None: until it is revoked."""
    if kind == Type.REPLY:
        return given_at + REPLY_LASTS
    months = MONTHS.get(Type(kind))
    return None if months is None else _months_later(given_at, months)


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _same(row: Consent) -> Consent:
    return Consent.objects.get(
        seller=row.seller_id, key_kind=row.key_kind, digest=row.digest, channel=row.channel, kind=row.kind,
        given_at=row.given_at, text_hash=row.text_hash,
    )  # fmt: skip


def consents_of(
    seller_id: UUID, digests: Collection[Digest], channel: str, *, at: datetime | None = None
) -> dict[Digest, list[Given]]:
    """Consents to this seller and channel that have not expired, the newest first: one query."""
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.key_kind, c.digest, c.id, c.channel, c.kind, c.how, c.given_at, c.expires_at, c.reference
              FROM leads_consent c
             WHERE (c.key_kind, c.digest) IN (
                   SELECT n.kind, decode(n.digest, 'hex')
                     FROM unnest(string_to_array(%(kinds)s, ',')::smallint[], string_to_array(%(digests)s, ','))
                          AS n(kind, digest))
               AND c.seller_id = %(seller)s AND c.channel = %(channel)s
               AND (c.expires_at IS NULL OR c.expires_at > coalesce(%(at)s, clock_timestamp()))
             ORDER BY c.given_at DESC, c.id
            """,
            {
                "kinds": joined(kind for kind, _ in digests), "digests": hexed(digest for _, digest in digests),
                "seller": seller_id, "channel": channel, "at": at,
            },
        )  # fmt: skip
        found: dict[Digest, list[Given]] = {}
        for kind, digest, *row in cursor.fetchall():
            found.setdefault((kind, bytes(digest)), []).append(Given(*row))
    return found
