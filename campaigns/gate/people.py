"""By which keys a contact is known, who else has them, what they were sent, and what they said: a statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.models import Delivery
from campaigns.rules.facts import Attempt, Talk
from common.db.arrays import hexed, joined
from leads.keys import key_secrets
from leads.models import ContactKey

Digest = tuple[int, bytes]  # kind and HMAC, as ContactKey and Suppression have them
_MANUAL = ("call", "sms", "email")  # kinds of Activity that a person logged, which are attempts too


# A call of a vendor that certainly never rang the lead's phone is no attempt: the caller's own did not answer. One in
# doubt may have rung, whoever ended it. `dialing.before.NEVER_RANG` says the same.
REACHED = "NOT (c.mode <> 'tel' AND c.state = 'ended' AND c.vendor_id IS NULL AND c.error NOT IN ('', 'in_doubt'))"


@dataclass(slots=True)
class Person:
    """What one contact is known by. own: the address's digests, under every secret. keys: of the address, and those of
    the lead that are not crowded: who shares one is the same person. lead_keys: all of the lead's. others: digests of
    the lead's other keys that are not crowded.
    """

    lead_id: UUID | None
    own: set[Digest]
    own_keys: set[int] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    lead_keys: set[int] = field(default_factory=set)
    others: set[Digest] = field(default_factory=set)

    @property
    def digest(self) -> bytes:
        """One of the address's digests, the same each time."""
        return min(self.own)[1] if self.own else b""


def digests_of(address: str | None, secrets: Sequence[str]) -> set[Digest]:
    """Of a phone (E.164) or an e-mail, as `leads.keys.owner_keys` makes its value."""
    if not address:
        return set()
    kind = ContactKey.Kind.EMAIL if "@" in address else ContactKey.Kind.PHONE
    return {(int(kind), key_secrets.digest(secret, kind, address.casefold())) for secret in secrets}


def known(contacts: Sequence[tuple[UUID | None, int | None, str | None]]) -> list[Person]:
    """The person of each (lead, key, address), in order. A lead that was merged into another has that one's keys."""
    secrets = key_secrets.for_reading()
    people = [Person(lead_id, digests_of(address, secrets)) for lead_id, _, address in contacts]
    asked = {digest for person in people for digest in person.own}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.id, c.id, c.kind, c.digest, c.crowded
              FROM leads_lead l JOIN leads_leadkey k ON k.lead_id = coalesce(l.merged_into_id, l.id)
              JOIN leads_contactkey c ON c.id = k.key_id WHERE l.id = ANY(%s)
            UNION ALL
            SELECT NULL, c.id, c.kind, c.digest, c.crowded FROM leads_contactkey c WHERE c.id = ANY(%s)
            UNION ALL
            SELECT NULL, c.id, c.kind, c.digest, c.crowded FROM leads_contactkey c
              JOIN unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest)
                ON c.kind = n.kind AND c.digest = decode(n.digest, 'hex')
            """,
            [
                sorted({lead_id for lead_id, _, _ in contacts if lead_id}),
                sorted({key_id for _, key_id, _ in contacts if key_id}),
                joined(kind for kind, _ in asked),
                hexed(digest for _, digest in asked),
            ],
        )
        rows = cursor.fetchall()
    of_lead: dict[UUID, list[tuple[int, Digest, bool]]] = defaultdict(list)
    by_id: dict[int, Digest] = {}
    ids: dict[Digest, int] = {}
    for lead_id, key_id, kind, digest, crowded in rows:
        by_id[key_id] = (kind, bytes(digest))
        ids[kind, bytes(digest)] = key_id
        if lead_id:
            of_lead[lead_id].append((key_id, (kind, bytes(digest)), crowded))
    for person, (lead_id, asked_key, _) in zip(people, contacts, strict=True):
        if asked_key in by_id:
            person.own.add(by_id[asked_key])
        person.own_keys = {ids[digest] for digest in person.own if digest in ids}
        all_keys = of_lead.get(lead_id, []) if lead_id else []
        person.lead_keys = {key_id for key_id, _, _ in all_keys}
        joining = [(key_id, digest) for key_id, digest, crowded in all_keys if not crowded]
        person.keys = person.own_keys | {key_id for key_id, _ in joining}
        person.others = {digest for _, digest in joining} - person.own
    return people


def _pairs(people: Sequence[Person]) -> list[list[int]]:
    rows = [(who, key_id) for who, person in enumerate(people) for key_id in sorted(person.keys)]
    return [[who for who, _ in rows], [key_id for _, key_id in rows]]


def attempts_of(people: Sequence[Person], *, since: datetime, team_id: int) -> list[tuple[Attempt, ...]]:
    """Of each person, newest first: messages and calls to her keys, or about a lead that shares one (one hop), by any
    team; and calls, texts and e-mails that somebody logged. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH mine AS MATERIALIZED (SELECT * FROM unnest(%s::int[], %s::bigint[]) AS m(who, key_id)),
                 same AS MATERIALIZED (
                   SELECT DISTINCT m.who, k.lead_id FROM mine m
                     JOIN leads_contactkey c ON c.id = m.key_id AND NOT c.crowded
                     JOIN leads_leadkey k ON k.key_id = m.key_id)
            SELECT m.who, d.id, d.intended_at, d.channel, d.key_id, d.team_id
              FROM mine m JOIN campaigns_delivery d ON d.key_id = m.key_id
             WHERE d.intended_at >= %s AND d.state = ANY(%s)
            UNION
            SELECT s.who, d.id, d.intended_at, d.channel, d.key_id, d.team_id
              FROM same s JOIN campaigns_delivery d ON d.lead_id = s.lead_id
             WHERE d.intended_at >= %s AND d.state = ANY(%s)
            UNION
            SELECT m.who, c.id, c.started_at, 'call', c.key_id, c.team_id
              FROM mine m JOIN campaigns_callattempt c ON c.key_id = m.key_id
             WHERE c.started_at >= %s AND {REACHED}
            UNION
            SELECT s.who, c.id, c.started_at, 'call', c.key_id, c.team_id
              FROM same s JOIN campaigns_callattempt c ON c.lead_id = s.lead_id
             WHERE c.started_at >= %s AND {REACHED}
            UNION
            SELECT s.who, a.id, a.created_at, a.kind, 0, l.team_id
              FROM same s JOIN leads_activity a ON a.lead_id = s.lead_id JOIN leads_lead l ON l.id = a.lead_id
             WHERE a.created_at >= %s AND a.kind = ANY(%s) AND a.ref IS NULL
            """,  # noqa: S608  # a constant
            [
                *_pairs(people),
                since,
                list(Delivery.LEFT),
                since,
                list(Delivery.LEFT),
                since,
                since,
                since,
                list(_MANUAL),
            ],
        )
        rows = cursor.fetchall()
    found: list[list[Attempt]] = [[] for _ in people]
    for who, _, at, channel, key_id, team in rows:
        found[who].append(Attempt(at, channel, key_id, team == team_id))
    return [tuple(sorted(attempts, key=lambda one: one.at, reverse=True)) for attempts in found]


@dataclass(frozen=True, slots=True)
class Pending:
    """What an outcome of a call suppresses that is not written yet, for the caller may take it back. outcome, scope: as
    the Disposition has them; key_id: of the number; keys: the lead's that are not crowded; owners: of its owners.
    """

    id: UUID
    at: datetime
    outcome: str
    scope: str
    key_id: int
    keys: frozenset[int]
    owners: frozenset[int]

    def binds(self, person: Person) -> bool:
        """A bad number binds its owner; what the person has said binds all of her numbers."""
        if self.outcome != "bad_number":
            return bool(person.keys & (self.keys | {self.key_id}))
        return self.key_id in person.own_keys and (not self.owners or bool(self.owners & person.lead_keys))


def pending() -> list[Pending]:
    """All there are: of the last seconds. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.id, a.disposed_at, d.outcome, d.suppress, a.key_id,
                   array(SELECT k.key_id FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
                          WHERE k.lead_id = a.lead_id AND NOT c.crowded),
                   array(SELECT k.key_id FROM leads_leadkey k WHERE k.lead_id = a.lead_id AND k.role = 4)
              FROM campaigns_callattempt a JOIN campaigns_disposition d ON d.id = a.disposition_id
             WHERE a.suppress_at IS NOT NULL AND a.suppressed_at IS NULL AND d.suppress <> ''
            """
        )
        return [
            Pending(pk, at, outcome, scope, key_id, frozenset(keys), frozenset(owners))
            for pk, at, outcome, scope, key_id, keys, owners in cursor.fetchall()
        ]


@dataclass(slots=True)
class Said:
    """talk: the open conversation. answered_at: their last word. held_until: out of office until then."""

    talk: Talk | None = None
    answered_at: datetime | None = None
    held_until: datetime | None = None


def said_by(people: Sequence[Person], *, since: datetime, team_id: int, user_id: int | None) -> list[Said]:
    """What each has said and is being asked, by any of her keys. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH mine AS MATERIALIZED (SELECT * FROM unnest(%s::int[], %s::bigint[]) AS m(who, key_id))
            SELECT m.who, 'talk', v.id, v.team_id, v.assigned_to_id, v.state, v.last_in_at, v.decide_by, v.close_at
              FROM mine m JOIN campaigns_conversationkey k ON k.key_id = m.key_id AND k.is_open
              JOIN campaigns_conversation v ON v.id = k.conversation_id AND v.state <> 'closed'
            UNION ALL
            SELECT m.who, 'said', NULL, NULL, NULL, NULL, max(i.received_at), NULL, NULL
              FROM mine m JOIN campaigns_incomingmessage i ON i.key_id = m.key_id
             WHERE i.received_at >= %s GROUP BY m.who
            UNION ALL
            SELECT m.who, 'held', NULL, NULL, NULL, NULL, max(p.held_until), NULL, NULL
              FROM mine m JOIN campaigns_member p ON m.key_id IN (p.key_id, p.owner_key_id, p.mail_key_id)
             WHERE p.status = 3 AND p.held_until IS NOT NULL GROUP BY m.who
            """,
            [*_pairs(people), since],
        )
        rows = cursor.fetchall()
    found = [Said() for _ in people]
    for who, kind, talk_id, team, assigned, state, at, decide_by, close_at in rows:
        said = found[who]
        if kind == "held":
            said.held_until = at
            continue
        if at and (said.answered_at is None or at > said.answered_at):
            said.answered_at = at
        if kind == "talk" and (said.talk is None or state == "held"):  # of several numbers, the one that is held
            is_ours = team == team_id
            is_mine = is_ours and assigned in (None, user_id)
            said.talk = Talk(talk_id, is_ours, is_mine, state == "held", at, decide_by, close_at)
    return found


def other_digests(people: Iterable[Person]) -> set[Digest]:
    return {digest for person in people for digest in person.others}


def by_address(found: Mapping[Digest, Sequence[Any]], person: Person) -> list[Any]:
    """What was found under the address's own digests."""
    return [one for digest in sorted(person.own) for one in found.get(digest, ())]
