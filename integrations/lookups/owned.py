"""Which answers are owned for which questions: under a question's key, its further names, or another vendor's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from common.db.direct import Asked, every
from integrations.lookups.agreement import contradict
from integrations.lookups.identity import Name, names_of
from integrations.lookups.stand_in_ids import ASKED, asked, is_stand_in
from integrations.models import Lookup, Operation
from integrations.vendors.contract import Query
from integrations.vendors.errors import Category

Place = tuple[int, str]  # the operation's id, and the key
Seen = tuple[str, datetime | None]  # the state of a row, and when its answer came
# The ids of an operation at every vendor that sells it: an answer of one of them need not be bought again.
_SELLERS = """ANY(ARRAY(SELECT o.id FROM integrations_operation o
    WHERE o.id = %(operation)s OR o.name = 'skip_trace' AND %(name)s = 'skip_trace'))"""


def fresh_answers(
    operation: Operation, queries: Collection[Query], *, now: datetime, after: datetime | None = None
) -> dict[str, Lookup]:
    """The answers that serve these questions for $0, by the question's key. after: older answers are left out."""
    fresh_after = operation.fresh_since(now)
    fresh_after = max(fresh_after, after or fresh_after)
    rows = rows_of(operation, queries)
    found = {query.key: serving(operation, query, rows.get(query.key, ()), fresh_after) for query in queries}
    return {key: row for key, row in found.items() if row is not None}


def rows_of(operation: Operation, queries: Collection[Query]) -> dict[str, list[Lookup]]:
    """The rows of each question, by all its names and from every seller of this operation; its own key first."""
    keys: dict[str, list[str]] = {}
    for query in queries:
        for name in (query.key, *query.names):
            keys.setdefault(name, []).append(query.key)
    found: dict[str, list[Lookup]] = {}
    found_rows = every(
        Lookup,
        f"WHERE operation_id = {_SELLERS} AND key = ANY(string_to_array(%(keys)s, chr(31)))",
        {"operation": operation.pk, "name": operation.name, "keys": "\x1f".join(keys)},
    )
    for row in found_rows:
        for key in keys[row.key]:
            found.setdefault(key, []).append(row)
    for key, rows in found.items():
        rows.sort(key=lambda row, key=key: (row.operation_id != operation.pk, row.key != key))  # type: ignore[misc]
    return found


def bought(name: str) -> QuerySet[Lookup]:
    """What was bought, or asked, by this operation as the environment routes it: without reading its row first."""
    return Lookup.objects.filter(operation__name=name, operation__vendor=settings.OPERATIONS[name]["vendor"])


def besides(operation: Operation, queries: Collection[Query], call_id: UUID) -> list[Asked]:
    """Finds the rows that may answer these questions, but for those that this call has marked, for `seen`: as a
    transaction sees them that has the operation's lock, where no other purchase of it can begin. Empty: there are none.
    """
    if operation.name != "skip_trace" and not any(query.names for query in queries):
        return []
    sql = f"""
        SELECT operation_id, key, state, fetched_at FROM integrations_lookup
         WHERE operation_id = {_SELLERS} AND key = ANY(string_to_array(%(keys)s, chr(31)))
           AND call_id IS DISTINCT FROM %(call)s
        """  # noqa: S608  # a constant
    keys = "\x1f".join({name for query in queries for name in (query.key, *query.names)})
    return [(sql, {"operation": operation.pk, "name": operation.name, "keys": keys, "call": call_id})]


def seen(found: Iterable[tuple[Any, ...]]) -> dict[Place, Seen]:
    """What a statement of `besides` has found."""
    return {(seller, key): (state, fetched_at) for seller, key, state, fetched_at in found}


def serving(operation: Operation, query: Query, rows: Sequence[Lookup], fresh_after: datetime) -> Lookup | None:
    """The row that answers this question for $0. It stays owned while it is bought again or that purchase is in doubt.

    Another vendor's answer serves only where it found something: this vendor may know what that one does not. So does
    one under another name of a property, and only where it is about the property that the key names. A stand-in's "no
    match" answers the very question that was asked alone: another file may spell the city rightly.
    """
    fresh = [row for row in rows if row.fetched_at is not None and row.fetched_at > fresh_after]
    no_answer = (Lookup.State.FREE, Lookup.State.GARBAGE)
    good = [row for row in fresh if row.facts is not None and not row.category and row.state not in no_answer]
    for row in good:
        if _is_about(query, row):
            return row
    settled = (Lookup.State.ANSWERED, Lookup.State.GARBAGE)
    own = (row for row in fresh if row.state in settled and row.operation_id == operation.pk)
    return next((row for row in own if _is_settled(query, row)), None)


def _is_about(query: Query, row: Lookup) -> bool:
    """Whether a row answers this question by its key, or by another of its names.

    A name of a lead may be its file's word alone: what was bought under it serves only if it is this property's, and
    nothing else that the file calls the property contradicts it.
    """
    key = query.key
    if not is_stand_in(row.key):
        return True
    facts = row.facts or {}
    if not is_stand_in(key):
        return row.key == key or bool(facts.get("property_id", key) == key)
    return row.key == key and not contradict(
        [Name(text, text) for text in query.names], [name.text for name in names_of(facts)]
    )


def _is_settled(query: Query, row: Lookup) -> bool:
    if row.key != query.key:
        return not is_stand_in(row.key)
    if not is_stand_in(row.key) or row.category != Category.NOT_FOUND:
        return True
    return bool((row.facts or {}).get(ASKED) == asked(query.params))
