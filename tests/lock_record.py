"""Records the locks that each transaction takes, from the SQL it sends, and finds what contradicts the one order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from psycopg.pq import TransactionStatus

from common.db.locks import ORDER, UNDER

LOCKS = {
    "leads_forgetting": "forgetting",
    "campaigns_inbound": "post",
    "enrichment_schedule": "schedule",
    "buckets_fill": "fill",
    "buckets_import": "import",
    "leads_upload": "upload",
    "leads_bulkjob": "bulk job",
    "integrations_operation": "operation",
    "integrations_vendor": "vendor",
    "enrichment_run": "run row",
    "integrations_vendorcall": "call",
    "integrations_phonereveal": "reveal",
    "integrations_budget": "budgets",
    "integrations_lookup": "look-ups",
    "integrations_namerefresh": "name refresh",
    "integrations_propertyname": "names",
    "leads_contactkey": "keys",
    "leads_lead": "leads",
    "leads_event": "events",
    "campaigns_listfill": "list fill",
    "campaigns_member": "members",
    "campaigns_delivery": "deliveries",
    "campaigns_campaign": "campaign",
    "campaigns_callattempt": "attempts",
    "campaigns_conversation": "conversation",
    "leads_leadname": "lead names",
    "enrichment_runitem": "items",
    "buckets_bucket": "bucket",
}
ADVISORY = {
    "0": "bucket hold",
    "1": "campaign hold",
    "3": "host",
    "4": "touches",
    "5": "run",
    "6": "late phones",
}  # by the second argument of hashtextextended
_ALIASES = {
    "l": "leads_lead",
    "e": "leads_event",
    "k": "integrations_propertyname",
    "c": "leads_contactkey",
}  # of the *_IN_ORDER of leads, names and keys
_FOR = re.compile(r"\bFOR (?:NO KEY UPDATE|UPDATE|KEY SHARE)(?: OF ([\w\", ]+?))?\s*(SKIP LOCKED)?\s*(?:\)|$)")
_TABLES = re.compile(r"\b(?:FROM|JOIN)\s+\"?(\w+)\"?")
_CHANGED = re.compile(r"\b(?<!KEY )(?<!FOR )(?<!DO )(?:UPDATE|DELETE FROM)\s+\"?(\w+)\"?")
_UPSERT = re.compile(
    r"\bINSERT INTO\s+\"?(\w+)\"?.*\bON CONFLICT\b.*\bDO UPDATE\b", re.DOTALL
)  # DO NOTHING waits for nobody's row


def locks_of(sql: str, params: Any) -> Iterator[tuple[str, str, bool]]:
    """The locks that a statement takes, in its order: name, which one where that is known, whether it waits."""
    if "pg_advisory_xact_lock" in sql:
        kind = re.search(r"hashtextextended\((%\S+), (\d)\)", sql)
        which = next(iter(params.values() if isinstance(params, dict) else params))
        yield ADVISORY[kind[2] if kind else "0"], str(which), True
        return
    yield from _of_rows(sql)


@lru_cache(maxsize=4096)
def _of_rows(sql: str) -> list[tuple[str, str, bool]]:
    """The same few hundred texts are sent again and again, and to read one costs as much as to send it."""
    return [*_read(sql)]


def _read(sql: str) -> Iterator[tuple[str, str, bool]]:
    for found in _FOR.finditer(sql):
        only = re.findall(r"\w+", found[1] or "")
        tables = [_ALIASES.get(one, one) for one in only] or _TABLES.findall(sql[: found.start()])
        for table in tables:
            if table in LOCKS:
                name = "kept buckets" if "KEY SHARE" in found[0] else LOCKS[table]
                yield name, "", found[2] is None
    if "campaigns_claim(" in sql:
        yield "members", "", False
    if sql.startswith('INSERT INTO "enrichment_run" '):  # until the commit nobody else sees it
        yield "run", "", False
    for table in (*_CHANGED.findall(sql), *_UPSERT.findall(sql)):
        if table in LOCKS:
            yield LOCKS[table], "", True


class Record:
    """A wrapper around every statement of a connection. wrong: what went back in the order; taken: every sequence."""

    def __init__(self) -> None:
        self.taken: list[list[str]] = []
        self.wrong: list[str] = []
        self._open: dict[int, tuple[dict[tuple[str, str], bool], list[str]]] = {}  # by connection: held, and in order

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        connection = context["connection"]
        if connection.connection.info.transaction_status == TransactionStatus.IDLE:
            self._open.pop(id(connection), None)
        for name, which, waits in locks_of(str(sql), params):
            self._take(*self._transaction(connection), name, which, waits, str(sql))
        return execute(sql, params, many, context)

    def _transaction(self, connection: Any) -> tuple[dict[tuple[str, str], bool], list[str]]:
        if id(connection) not in self._open:
            self._open[id(connection)] = ({}, [])
            self.taken.append(self._open[id(connection)][1])
        return self._open[id(connection)]

    def _take(
        self, held: dict[tuple[str, str], bool], order: list[str], name: str, which: str, waits: bool, sql: str
    ) -> None:
        if (name, which) in held:
            return
        waited_for = [one for (one, _), waited in held.items() if waited and one in ORDER]
        if name in UNDER:
            if {*waited_for} - {"forgetting"} and not any(one == UNDER[name] for one, _ in held):
                self.wrong.append(f"{name} without its {UNDER[name]}, after {', '.join(waited_for)}: {sql[:200]}")
        elif waits and any(ORDER.index(one) > ORDER.index(name) for one in waited_for):
            self.wrong.append(f"{name} after {', '.join(waited_for)}: {sql[:200]}")
        held[name, which] = waits
        order.append(name)
