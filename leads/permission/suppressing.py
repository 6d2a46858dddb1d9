"""Writing who must not be contacted, and reading what of it is in force.

The keys are locked first, in a statement of its own, and only then anything is read or written: a message that is
being sent locks the same keys, so that none leaves after a suppression is committed (docs/locks.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from accounts.audit import record
from accounts.models import User
from accounts.webhooks.queue import IDS_MOST, emit
from common.db.arrays import hexed, joined
from common.db.clock import database_now
from common.db.ids import uuid7
from leads.keys import contact_keys
from leads.keys.owner_keys import AN_EMAIL, EMAIL, FIRST_PHONE, OWNER, PHONE, Key
from leads.locks import KEYS_IN_ORDER
from leads.models import EvidenceText, LeadKey, Suppression
from leads.privacy.filtering import kept_in
from leads.registries import tell_suppressed

Value = tuple[int, str]  # kind and value of a key: (PHONE, "+16175550112"), (EMAIL, "pat@example.com")
Digest = tuple[int, bytes]  # kind and digest of a key
Reason = Suppression.Reason

# Lifted by a later act of the person herself, and by nothing else.
LIFTABLE = (Reason.STOP, Reason.DNC_REQUEST, Reason.ONE_CLICK, Reason.UNDECIDED, Reason.VENDOR_OPT_OUT)
# What a team's other systems hear of: the person, or the carrier for her, has asked not to be contacted.
OPT_OUTS = (*LIFTABLE, Reason.COMPLAINT)
EVENT = "contact.opted_out"
_TRIES = 5  # of locking the keys of leads that change meanwhile


class BadSuppression(ValueError):
    """What was said cannot be suppressed. field: which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class Source:
    """Where a suppression comes from, as its `source` says it."""

    @staticmethod
    def inbound(inbound_id: UUID) -> str:
        return f"inbound:{inbound_id.hex}"

    @staticmethod
    def upload(upload_id: UUID) -> str:
        return f"upload:{upload_id.hex}"

    @staticmethod
    def user(user_id: int, at: datetime | None = None) -> str:
        """at: when she was told, to the minute: what is entered twice by a slip is known."""
        return f"user:{user_id}:{at:%Y%m%d%H%M}" if at else f"user:{user_id}"

    @staticmethod
    def user_again(user_id: int, at: datetime) -> str:
        """To the microsecond: of a request that follows a START within the minute of the one before."""
        return f"user:{user_id}:{at:%Y%m%d%H%M%S%f}"

    @staticmethod
    def delivery(delivery_id: UUID) -> str:
        return f"delivery:{delivery_id.hex}"

    @staticmethod
    def call(attempt_id: UUID) -> str:
        return f"call:{attempt_id.hex}"

    @staticmethod
    def vendor(name: str) -> str:
        return f"vendor:{name}"[:40]


@dataclass(frozen=True, slots=True)
class Suppressing:
    """added: the rows that are new; what was known before is in none. key_ids: every key that was locked for it, those
    of the person's other numbers and e-mails too.
    """

    added: list[Suppression]
    key_ids: set[int]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression that is in force. owner_key_id: of a wrong number, the one owner (id of a ContactKey) who is not to
    be contacted by it; None: nobody is.
    """

    id: UUID
    kind: int
    digest: bytes
    scope: str
    reason: str
    source: str
    created_at: datetime
    expires_at: datetime | None
    owner_key_id: int | None


# --- Writing ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def suppress(
    values: Iterable[Value],
    *,
    reason: str,
    source: str,
    scope: str = Suppression.Scope.ANY,
    words: str = "",
    by: User | None = None,
    spread: bool = False,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    team_id: int | None = None,
    key_ids: Iterable[int] = (),
) -> Suppressing:
    """Suppresses phones and e-mails for the whole installation, in the caller's transaction, which has locked no lead.

    1. Their keys are inserted where they are new, and locked in the order of their ids; with `spread` also every other
       number and e-mail of the leads that share one of them (one hop, over no crowded key and to none).
    2. The rows. The same key, scope, reason and source a second time is known, and no error.
    3. Members stop and waiting messages are cancelled (`leads.registries.on_suppressed`); webhooks hear of opt-outs.

    words: what they said, kept as the evidence of the named keys' new rows. by: who added it, None where a worker or a
    vendor did. at: since when, by default the database's moment. team_id: whose audit event it is. key_ids: keys that
    are there, named beside the values.
    """
    wanted = list(dict.fromkeys(values))
    if not wanted:
        return Suppressing([], set())
    found = contact_keys.insert(map(key_of, wanted), locked=False)  # `_locked` takes them, with those beside them
    ids = {*key_ids, *(key_id for some in found.values() for key_id in some)}
    return _suppress(
        ids, reason=reason, source=source, scope=scope, words=words, by=by, spread=spread, at=at,
        expires_at=expires_at, team_id=team_id,
    )  # fmt: skip


@transaction.atomic
def suppress_keys(
    key_ids: Iterable[int],
    *,
    reason: str,
    source: str,
    scope: str = Suppression.Scope.ANY,
    words: str = "",
    by: User | None = None,
    spread: bool = False,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    team_id: int | None = None,
    owner_key_ids: Iterable[int] = (),
) -> Suppressing:
    """As `suppress`, of keys that are there. owner_key_ids: with reason wrong_number, who is not behind this number."""
    ids = set(key_ids)
    if not ids:
        return Suppressing([], set())
    return _suppress(
        ids, reason=reason, source=source, scope=scope, words=words, by=by, spread=spread, at=at,
        expires_at=expires_at, team_id=team_id, owner_key_ids=sorted(set(owner_key_ids)),
    )  # fmt: skip


@transaction.atomic
def suppress_wrong_number(
    key_id: int,
    lead_ids: Iterable[UUID],
    *,
    source: str,
    scopes: Sequence[str] = (Suppression.Scope.SMS, Suppression.Scope.CALL),
    words: str = "",
    by: User | None = None,
    at: datetime | None = None,
) -> list[Suppressing]:
    """The owners of these leads are not behind this number: it is not used for them any more, and after the same of
    another owner for nobody. Where the leads name no owner: for nobody at once.
    """
    owners = (
        LeadKey.objects.filter(lead__in=list(lead_ids), key__kind=OWNER).values_list("key_id", flat=True).distinct()
    )
    return [
        suppress_keys(
            [key_id], reason=Reason.WRONG_NUMBER, source=source, scope=scope, words=words, by=by, at=at,
            owner_key_ids=owners,
        )
        for scope in scopes
    ]  # fmt: skip


def _suppress(
    named: Iterable[int],
    *,
    reason: str,
    source: str,
    scope: str,
    words: str,
    by: User | None,
    spread: bool,
    at: datetime | None,
    expires_at: datetime | None,
    team_id: int | None,
    owner_key_ids: Sequence[int] = (),
) -> Suppressing:
    """named: ids of keys that are locked already, or not yet."""
    ids = set(named)
    keys = _locked(ids, spread=spread)
    moment, by_id = at or database_now(), by.pk if by else None
    rows = [
        Suppression(
            id=uuid7(), kind=kind, digest=digest, scope=scope, reason=reason, source=source, by_id=by_id,
            created_at=moment, expires_at=expires_at, owner_key_id=owner,
        )
        for _, (kind, digest) in sorted(keys.items(), key=lambda key: key[1])
        for owner in (owner_key_ids or (None,))
    ]  # fmt: skip
    new = _insert(rows)
    if words:
        of_named = {keys[key_id] for key_id in ids if key_id in keys}
        EvidenceText.objects.bulk_create(
            EvidenceText(parent=row.pk, text=kept_in(EvidenceText(), "text", words), created_at=moment)
            for row in new
            if (row.kind, bytes(row.digest)) in of_named
        )
    if new:
        about = ("suppression", new[0].pk)
        after = {"reason": reason, "scope": scope, "keys": len(new), "source": source.partition(":")[0]}
        record("contact.suppressed", by=by, team_id=team_id, about=about, after=after)
        if reason in OPT_OUTS:
            _emit(new[0], set(keys))
    tell_suppressed(set(keys), reason)
    return Suppressing(new, set(keys))


def _insert(rows: Sequence[Suppression]) -> list[Suppression]:
    """Those of these rows that were not there."""
    if not rows:
        return []
    columns = [
        "id", "kind", "digest", "scope", "reason", "source", "by_id", "created_at", "expires_at", "owner_key_id"
    ]  # fmt: skip
    values = [[getattr(row, column) for row in rows] for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO leads_suppression ({", ".join(columns)})
            SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::bytea[], %s::text[], %s::text[], %s::text[],
                                 %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
            ON CONFLICT DO NOTHING RETURNING id
            """,  # noqa: S608  # constants
            values,
        )
        new = {pk for (pk,) in cursor.fetchall()}
    return [row for row in rows if row.pk in new]


def _emit(row: Suppression, key_ids: set[int]) -> None:
    """One event for each team that has a lead with one of these keys: ids alone."""
    leads: dict[int, set[UUID]] = {}
    found = LeadKey.objects.filter(key__in=key_ids, key__kind__in=(PHONE, EMAIL)).values_list("lead__team", "lead_id")
    for team_id, lead_id in found[: IDS_MOST * 10]:
        leads.setdefault(team_id, set()).add(lead_id)
    for team_id, ids in sorted(leads.items()):
        some = sorted(map(str, ids))[:IDS_MOST]
        told = {"suppressionId": str(row.pk), "leadIds": some, "reason": row.reason, "scope": row.scope}
        emit(EVENT, team_id=team_id, object_id=row.pk, data=told)


# --- Keys ------------------------------------------------------------------------------------------------------------


def key_of(value: Value) -> Key:
    """Of a phone (E.164) or an e-mail, as leads have it."""
    kind, text = value
    if kind == EMAIL:
        name, _, domain = text.casefold().partition("@")
        return Key(EMAIL, f"{name}@{domain}", f"{name[:1]}…@{domain}"[:20], AN_EMAIL, 0)
    return Key(PHONE, text, f"…{text[-4:]}", FIRST_PHONE, 0)


def _beside(key_ids: set[int]) -> set[int]:
    """The other numbers and e-mails of the leads that have one of these keys: one hop, and no crowded key in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT o.key_id
              FROM leads_contactkey n
              JOIN leads_leadkey k ON k.key_id = n.id
              JOIN leads_leadkey o ON o.lead_id = k.lead_id
              JOIN leads_contactkey c ON c.id = o.key_id
             WHERE n.id = ANY(%s) AND NOT n.crowded AND c.kind IN (1, 2) AND NOT c.crowded
            """,
            [list(key_ids)],
        )
        return {key_id for (key_id,) in cursor.fetchall()}


def _locked(named: set[int], *, spread: bool) -> dict[int, Digest]:
    """Locks these keys, and with `spread` those beside them, in the order of their ids: id -> (kind, digest).

    A lead that gets another number meanwhile holds one of these keys: what stands beside them is read again under the
    lock, and where it has grown all locks are given back and taken anew.
    """
    wanted = named | _beside(named) if spread else named
    for _ in range(_TRIES):
        point = transaction.savepoint()
        keys = _lock(wanted)
        missing = (_beside(named) if spread else set()) - wanted
        if not missing:
            transaction.savepoint_commit(point)
            return keys
        transaction.savepoint_rollback(point)
        wanted |= missing
    return _lock(wanted)


def _lock(key_ids: set[int]) -> dict[int, Digest]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.kind, c.digest FROM leads_contactkey c WHERE c.id = ANY(%s) {KEYS_IN_ORDER}",  # noqa: S608
            [list(key_ids)],
        )
        return {key_id: (kind, bytes(digest)) for key_id, kind, digest in cursor.fetchall()}


# --- Reading ---------------------------------------------------------------------------------------------------------

_SCOPE_OF = {"sms": "sms", "call": "call", "prerecorded": "call", "email": "email"}
# Withdrawn uploads say so by a row that names the file.
NOT_WITHDRAWN = """NOT (s.reason = 'upload' AND EXISTS (
    SELECT FROM leads_withdrawal w WHERE s.source = 'upload:' || replace(w.upload_id::text, '-', '')))"""
# What the person has said herself. START opens texts of that number; a form the channel that it was about.
LIFTS = "(c.kind = 'start' AND c.how = 'inbound' AND c.channel = 'sms' OR c.kind = 'written' AND c.how = 'form')"
_NOT_LIFTED = f"""NOT (s.reason = ANY(%(liftable)s) AND EXISTS (
    SELECT FROM leads_consent c
     WHERE c.digest = s.digest AND c.key_kind = s.kind AND c.seller_id = %(seller)s AND c.channel = %(channel)s
       AND c.given_at > s.created_at AND {LIFTS}))"""  # constants


def in_force(
    digests: Collection[Digest], channel: str, *, seller_id: UUID | None = None, at: datetime | None = None
) -> dict[Digest, list[Suppressed]]:
    """What keeps this channel (sms, call, email, prerecorded) from these keys, the oldest first: one query.

    Left out: what has expired, withdrawn uploads, and what the person has lifted herself for this seller: a START
    (texts of that number alone), or a signed consent by a form of ours, later than the suppression. seller_id: in whose
    name; None: nothing is lifted. at: by default the database's moment.

    A row of a wrong number with `owner_key_id` holds for leads of that owner alone: whoever asks compares.
    """
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT s.id, s.kind, s.digest, s.scope, s.reason, s.source, s.created_at, s.expires_at, s.owner_key_id
              FROM leads_suppression s
             WHERE (s.kind, s.digest) IN (
                   SELECT n.kind, decode(n.digest, 'hex')
                     FROM unnest(string_to_array(%(kinds)s, ',')::smallint[], string_to_array(%(digests)s, ','))
                          AS n(kind, digest))
               AND s.scope IN ('any', %(scope)s)
               AND (s.expires_at IS NULL OR s.expires_at > coalesce(%(at)s, clock_timestamp()))
               AND {NOT_WITHDRAWN} AND {_NOT_LIFTED}
             ORDER BY s.created_at, s.id
            """,  # noqa: S608  # constants
            {
                "kinds": joined(kind for kind, _ in digests), "digests": hexed(digest for _, digest in digests),
                "scope": _SCOPE_OF[channel], "at": at, "liftable": list(LIFTABLE), "seller": seller_id,
                "channel": channel,
            },
        )  # fmt: skip
        found: dict[Digest, list[Suppressed]] = {}
        for row in cursor.fetchall():
            one = Suppressed(row[0], row[1], bytes(row[2]), *row[3:])
            found.setdefault((one.kind, one.digest), []).append(one)
    return {key: _whose(rows) for key, rows in found.items()}


def lifted_at(digests: Collection[Digest], channel: str, *, seller_id: UUID) -> dict[Digest, datetime]:
    """When these keys were last opened again by the person herself, for this seller and channel: one query.

    What she had asked for before that on her other numbers and e-mails keeps nobody from this one either.
    """
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.key_kind, c.digest, max(c.given_at)
              FROM leads_consent c
             WHERE (c.key_kind, c.digest) IN (
                   SELECT n.kind, decode(n.digest, 'hex')
                     FROM unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest))
               AND c.seller_id = %s AND c.channel = %s AND {LIFTS}
             GROUP BY c.key_kind, c.digest
            """,  # noqa: S608  # constants
            [joined(kind for kind, _ in digests), hexed(digest for _, digest in digests), seller_id, channel],
        )
        return {(kind, bytes(digest)): at for kind, digest, at in cursor.fetchall()}


def _whose(rows: list[Suppressed]) -> list[Suppressed]:
    """A number that two reports call wrong, of different owners, is wrong for everybody."""
    reports: dict[str, set[int]] = {}
    for row in rows:
        if row.owner_key_id is not None:
            reports.setdefault(row.source, set()).add(row.owner_key_id)
    owners = list(reports.values())
    if any(not one & two for n, one in enumerate(owners) for two in owners[n + 1 :]):
        return [replace(row, owner_key_id=None) for row in rows]
    return rows
