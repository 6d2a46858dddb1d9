"""What happens to the look-ups of a call: every write to `Lookup` but those of late phones (`reveals`).

Every function must be called inside a transaction that holds the call's lock, or is about to make the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from common.db.arrays import recordset
from integrations.ledger import calls
from integrations.ledger.budgets import ZERO
from integrations.locks import lock_call, lock_free_lookups
from integrations.lookups.forgotten import without_forgotten
from integrations.lookups.owned import Seen
from integrations.models import MONEY, Lookup, Operation, VendorCall
from integrations.vendors.contract import Answer, Reply
from integrations.vendors.errors import Category

WITHOUT_FACTS = frozenset({"sms", "call", "email"})  # operations whose calls have no look-ups


@dataclass(frozen=True, slots=True)
class Owned:
    """An answer that has been paid for, and when it came."""

    answer: Answer
    fetched_at: datetime


def owned_of(row: Lookup) -> Owned:
    """The answer of a row that serves."""
    category = Category(row.category) if row.category else None
    if row.state == Lookup.State.GARBAGE:
        category = Category.INVALID_DATA
    assert row.fetched_at is not None  # a constraint holds it for answers; garbage sets it too
    return Owned(Answer(facts=row.facts or {}, category=category), row.fetched_at)


# --- The call begins -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marked:
    """A row that a call is going to buy. before: what it was; None: it is new. call_id: whose it was before."""

    key: str
    before: Seen | None
    call_id: UUID | None


def mark_buying(operation_id: int, call_id: UUID, keys: Sequence[str]) -> list[Marked]:
    """A call that is made later in this transaction is going to buy these, in the order of their keys: one that another
    transaction is marking is waited for, and is as that one leaves it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_lookup AS l (operation_id, key, state, call_id, category, cost)
            SELECT %(operation)s, key, 'buying', %(call)s, '', 0
              FROM unnest(string_to_array(%(keys)s, chr(31))) AS key ORDER BY key
            ON CONFLICT (operation_id, key) DO UPDATE SET state = 'buying', call_id = excluded.call_id
            RETURNING l.key, old.state, old.fetched_at, old.call_id
            """,
            {"operation": operation_id, "call": call_id, "keys": "\x1f".join(keys)},
        )
        return [
            Marked(key, (state, fetched_at) if state is not None else None, before)
            for key, state, fetched_at, before in cursor.fetchall()
        ]


def unmark(operation_id: int, marked: Sequence[Marked]) -> None:
    """These are not bought after all, in the transaction that marked them: they are as they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_lookup WHERE operation_id = %s AND key = ANY(%s)",
            [operation_id, [one.key for one in marked if one.before is None]],
        )
        cursor.execute(  # (SELECT …): as if of any operation, for it may have grown since PostgreSQL counted this one
            """
            UPDATE integrations_lookup l SET state = b.state, call_id = b.call_id
              FROM unnest(%s::text[], %s::text[], %s::uuid[]) AS b(key, state, call_id)
             WHERE l.operation_id = (SELECT %s) AND l.key = b.key
            """,
            [
                [one.key for one in marked if one.before is not None],
                [one.before[0] for one in marked if one.before is not None],
                [one.call_id for one in marked if one.before is not None],
                operation_id,
            ],
        )


# --- The call is answered --------------------------------------------------------------------------------------------

# An owned answer that found something is never replaced by one that finds less: a fact that the newer one lacks stays,
# but of another owner no fact about the former one.
_KEEPS = "(l.facts IS NOT NULL AND l.category = '' AND l.fetched_at IS NOT NULL)"
_OWNERS = (
    "'{owner_name,owner_type,first_name,last_name,mailing_address,mailing_city,mailing_state,mailing_zip,"
    "owner_forgotten}'::text[]"
)
_MERGED = f"""CASE WHEN jsonb_exists(a.facts, 'owner_forgotten')
    THEN a.facts || (l.facts - {_OWNERS}) || jsonb_strip_nulls(a.facts)
    WHEN NOT jsonb_exists(l.facts, 'owner_name') THEN a.facts
    WHEN coalesce(a.facts->>'owner_name', l.facts->>'owner_name') IS NOT DISTINCT FROM l.facts->>'owner_name'
    THEN a.facts || l.facts || jsonb_strip_nulls(a.facts)
    ELSE a.facts || (l.facts - {_OWNERS}) || jsonb_strip_nulls(a.facts) END"""


def store(call: VendorCall, reply: Reply, now: datetime, cost: Decimal) -> None:
    """Stores the answers under the keys asked. cost: of the call, US dollars; the answers that found share it."""
    each = (cost / (reply.found or len(reply.answers) or 1)).quantize(MONEY)
    rows = [
        {
            "key": key,
            "facts": dict(answer.facts),
            "category": answer.category or "",
            "cost": str(each if answer.found or not reply.found else ZERO),
            "less": _is_less(answer),
        }
        for key, answer in reply.answers.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(  # not by the operation too: PostgreSQL may have counted it young, and would read all of it
            f"""
            UPDATE integrations_lookup l
               SET state = CASE WHEN a.category = 'INVALID_DATA' AND NOT (a.less AND {_KEEPS}) THEN 'garbage'
                                ELSE 'answered' END,
                   cost = l.cost + a.cost,
                   facts = CASE WHEN a.less AND {_KEEPS} THEN l.facts WHEN {_KEEPS} THEN {_MERGED} ELSE a.facts END,
                   category = CASE WHEN a.less AND {_KEEPS} THEN '' ELSE a.category END,
                   fetched_at = CASE WHEN a.less AND {_KEEPS} THEN l.fetched_at ELSE %(now)s END
              FROM jsonb_to_recordset(%(rows)s::jsonb)
                AS a(key text, facts jsonb, category text, cost numeric, less boolean)
             WHERE l.call_id = %(call)s AND l.key = a.key AND l.state = 'buying'
            """,  # noqa: S608  # a constant
            {"now": now, "rows": recordset(rows), "call": call.pk},
        )


def store_under_other_keys(call: VendorCall, reply: Reply, now: datetime) -> None:
    """An answer asked for by one name is owned by the other too, for $0; one that is being bought is left alone."""
    answers = {a.also: a for a in reply.answers.values() if a.found and a.also}
    if not answers:
        return
    others = lock_free_lookups(call.operation_id, answers)
    rows = [{"key": key, "facts": dict(a.facts)} for key, a in answers.items() if key not in others]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_lookup AS l (operation_id, key, state, facts, category, cost, fetched_at)
            SELECT %(operation)s, a.key, 'answered', a.facts, '', 0, %(now)s
              FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(key text, facts jsonb) ORDER BY a.key
            ON CONFLICT (operation_id, key) DO UPDATE
               SET state = 'answered', facts = excluded.facts, category = '', fetched_at = excluded.fetched_at
             WHERE l.state IN ('free', 'answered', 'garbage')
            """,
            {"now": now, "rows": recordset(rows), "operation": call.operation_id},
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """An answer that is owned under a further key."""

    key: str
    facts: Mapping[str, Any] = field(repr=False)
    fetched_at: datetime


def store_copies(operation: Operation, copies: Sequence[Copy]) -> None:
    """Owned under these keys too, for $0. One that is being bought, in doubt, or answered since is left alone.

    In the order of their keys; before any lead is locked (docs/locks.md). So is one that another transaction changes.
    """
    if not copies:
        return
    others = lock_free_lookups(operation.pk, [c.key for c in copies])
    copies = [c for c in copies if c.key not in others]
    facts = without_forgotten([c.facts for c in copies])
    rows = [
        {"key": c.key, "facts": dict(fact), "fetched_at": c.fetched_at.isoformat()}
        for c, fact in zip(copies, facts, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_lookup AS l (operation_id, key, state, facts, category, cost, fetched_at)
            SELECT %(operation)s, c.key, 'answered', c.facts, '', 0, c.fetched_at
              FROM jsonb_to_recordset(%(rows)s::jsonb) AS c(key text, facts jsonb, fetched_at timestamptz)
             ORDER BY c.key
            ON CONFLICT (operation_id, key) DO UPDATE
               SET state = 'answered', facts = excluded.facts, category = '', fetched_at = excluded.fetched_at
             WHERE l.state IN ('free', 'answered', 'garbage')
               AND (l.fetched_at IS NULL OR l.fetched_at < excluded.fetched_at)
            """,
            {"rows": recordset(rows), "operation": operation.pk},
        )


def kept(call: VendorCall, answers: Mapping[str, Answer], now: datetime) -> dict[str, Owned]:
    """The fresh older answers that stay owned because the new ones say nothing: they are served instead."""
    keys = [key for key, answer in answers.items() if _is_less(answer)]
    if not keys:
        return {}
    since = call.operation.fresh_since(now)
    rows = Lookup.objects.filter(operation=call.operation_id, key__in=keys, category="", fetched_at__lt=now)
    return {row.key: owned_of(row) for row in rows.filter(fetched_at__gt=since, facts__isnull=False)}


def _is_less(answer: Answer) -> bool:
    """Whether an answer has no fact: no match, an unusable record, or an empty one. It replaces none that has."""
    return not answer.found or not any(v not in (None, "") for k, v in answer.facts.items() if k != "property_id")


def mark_unusable(call: VendorCall, now: datetime, cost: Decimal) -> None:
    """An unusable answer was paid for: an answer owned before stays owned, the rest is not bought again for a while."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE integrations_lookup l
               SET state = CASE WHEN {_KEEPS} THEN 'answered' ELSE 'garbage' END,
                   category = CASE WHEN {_KEEPS} THEN '' ELSE %(category)s END,
                   fetched_at = CASE WHEN {_KEEPS} THEN l.fetched_at ELSE %(now)s END,
                   cost = l.cost + %(cost)s
             WHERE l.call_id = %(call)s AND l.state = 'buying'
            """,  # noqa: S608  # a constant
            {
                "category": Category.INVALID_DATA,
                "now": now,
                "cost": (cost / call.inputs).quantize(MONEY),
                "call": call.pk,
            },
        )


# --- The call ends in any other way ----------------------------------------------------------------------------------


def free(call: VendorCall) -> None:
    """The call delivered nothing: its look-ups may be bought again."""
    if call.operation.name in WITHOUT_FACTS:
        return
    with connection.cursor() as cursor:
        cursor.execute(  # an older answer stays owned, if stale; but not one that `reveals.release` has freed
            """
            UPDATE integrations_lookup
               SET state = CASE WHEN facts IS NULL OR fetched_at IS NULL THEN 'free' ELSE 'answered' END
             WHERE call_id = %s AND state IN ('buying', 'in_doubt')
            """,
            [call.pk],
        )


def doubt(call: VendorCall) -> None:
    """The call may have been bought: its look-ups wait for an operator's decision."""
    if call.operation.name in WITHOUT_FACTS:
        return
    Lookup.objects.filter(call=call, state=Lookup.State.BUYING).update(state=Lookup.State.IN_DOUBT)


def forget_unreadable(call_id: UUID, *, by: User | None = None) -> int:
    """The operator says: ask again. The unreadable answers of this call serve no question any more, and the next one is
    bought. The call's cost stays spent, and its evidence stays kept. Returns the number of look-ups freed.
    """
    call = lock_call(VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SETTLED))
    if call is None:
        return 0
    rows = Lookup.objects.filter(call=call, state=Lookup.State.GARBAGE)
    freed = rows.update(state=Lookup.State.FREE, category="", fetched_at=None)
    if freed:
        calls.note_decision(call, by, f"Unreadable: {freed} of its look-ups may be asked again")
        call.save(update_fields=["decided_by", "decided_at", "decision"])
        calls.tell_decided(call, by, asked_again=freed)
    return freed
