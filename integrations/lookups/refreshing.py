"""Names are derived: where the rules that make them change, they are made anew, a batch a transaction.

Killed at any point it goes on where it stopped; two hosts at once take turns, because a batch holds its progress row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import connection, transaction

from integrations.locks import lock_name_refresh
from integrations.lookups import names
from integrations.lookups.identity import Name, names_of
from integrations.lookups.stand_in_ids import is_stand_in
from integrations.models import NameRefresh

RULES = 3  # one more whenever `identity.names_of` gives a record other names than before
PROPERTIES, LEADS = "properties", "leads"
LOOKUPS_AT_ONCE = 500  # a page of a search tells of 250 properties
OLD_AT_ONCE = 5_000
_OLD = "names"  # where the look-ups are through: names that none of them gives any more


def refresh_property_names() -> int:
    """Brings the names of bought properties up to date. Returns in how many batches; 0: they were."""
    return in_batches(PROPERTIES, _next_properties)


def is_current(of: str) -> bool:
    """Whether all names of a kind follow the present rules."""
    return NameRefresh.objects.filter(of=of, rules__gte=RULES).exists()


def in_batches(of: str, step: Callable[[str], str | None]) -> int:
    """Takes one step after another until the names follow the rules. Returns how many it took.

    step: called in a transaction with where the last one ended, "" at the beginning; None: it was the last.
    """
    taken = 0
    while _took_step(of, step):
        taken += 1
    return taken


def _took_step(of: str, step: Callable[[str], str | None]) -> bool:
    with transaction.atomic():
        row = lock_name_refresh(of)
        if row.rules >= RULES:
            return False
        after = step(row.after if row.next_rules == RULES else "")
        row.next_rules, row.after = RULES, after or ""
        if after is None:
            row.rules = RULES
        row.save()
    return True


# --- Properties ------------------------------------------------------------------------------------------------------


def _next_properties(after: str) -> str | None:
    """Learns from the next look-ups; then keeps what an earlier version called properties as further names."""
    if not after.startswith(_OLD):
        last = _learn_again(int(after or 0))
        return _OLD if last is None else str(last)
    return _OLD if _hash_old_names() else None


def _learn_again(after: int) -> int | None:
    """Learns the names of the next look-ups as `names.learn_from` did. Returns the last one's id; None: no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.id, o.name, l.key, l.facts FROM integrations_lookup l
              JOIN integrations_operation o ON o.id = l.operation_id
                   AND o.name IN ('property_detail', 'property_search')
             WHERE l.id > %s AND l.facts IS NOT NULL AND l.category = '' ORDER BY l.id LIMIT %s
            """,
            [after, LOOKUPS_AT_ONCE],
        )
        rows = cursor.fetchall()
    names.keep(
        claim
        for _, operation, key, facts in rows
        for claim in _claims(operation, key, json.loads(facts) if isinstance(facts, str) else facts)
    )
    return rows[-1][0] if rows else None


def _claims(operation: str, key: str, facts: Mapping[str, Any]) -> Iterator[tuple[Name, str]]:
    if operation == "property_search":
        for row in facts.get("rows") or ():
            if row.get("property_id"):
                yield from ((name, row["property_id"]) for name in names_of(row))
        return
    property_id = facts.get("property_id") if is_stand_in(key) else key
    if property_id:
        yield from ((name, property_id) for name in names_of(facts))
        if is_stand_in(key):
            yield names.plain_name(key), property_id


def _hash_old_names() -> int:
    """Gives the next names of an earlier version their hashes. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM integrations_propertyname WHERE exact = 0 ORDER BY name LIMIT %s", [OLD_AT_ONCE]
        )
        old = [names.plain_name(text) for (text,) in cursor.fetchall()]
        if old:
            names.hash_names(old)
    return len(old)
