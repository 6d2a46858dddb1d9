"""Which answers are owned for which questions: under a question's key, its further names, or another vendor's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from integrations.models import Lookup, Operation
from integrations.vendors.contract import Query


def fresh_answers(
    operation: Operation, queries: Collection[Query], *, now: datetime, after: datetime | None = None
) -> dict[str, Lookup]:
    """The answers that serve these questions for $0, by the question's key. after: older answers are left out."""
    fresh_after = operation.fresh_since(now)
    fresh_after = max(fresh_after, after or fresh_after)
    rows = rows_of(operation, queries)
    found = {query.key: serving(operation, rows.get(query.key, ()), fresh_after) for query in queries}
    return {key: row for key, row in found.items() if row is not None}


def rows_of(operation: Operation, queries: Collection[Query]) -> dict[str, list[Lookup]]:
    """The rows of each question, by all its names and from every seller of this operation; its own key first."""
    keys: dict[str, list[str]] = {}
    for query in queries:
        for name in (query.key, *query.names):
            keys.setdefault(name, []).append(query.key)
    found: dict[str, list[Lookup]] = {}
    for row in Lookup.objects.filter(operation__in=_sellers(operation), key__in=list(keys)):
        for key in keys[row.key]:
            found.setdefault(key, []).append(row)
    for key, rows in found.items():
        rows.sort(key=lambda row, key=key: (row.operation_id != operation.pk, row.key != key))  # type: ignore[misc]
    return found


def _sellers(operation: Operation) -> list[int]:
    """The ids of this operation at every vendor that sells it: an answer of one of them need not be bought again."""
    if operation.name != "skip_trace":
        return [operation.pk]
    return list(Operation.objects.filter(name=operation.name).values_list("pk", flat=True))


def serving(operation: Operation, rows: Sequence[Lookup], fresh_after: datetime) -> Lookup | None:
    """The row that answers for $0. An answer stays owned while it is bought again or that purchase is in doubt.

    Another vendor's answer serves only where it found something: this vendor may know what that one does not.
    """
    fresh = [row for row in rows if row.fetched_at is not None and row.fetched_at > fresh_after]
    no_answer = (Lookup.State.FREE, Lookup.State.GARBAGE)
    good = [row for row in fresh if row.facts is not None and not row.category and row.state not in no_answer]
    if good:
        return good[0]
    settled = (Lookup.State.ANSWERED, Lookup.State.GARBAGE)
    return next((row for row in fresh if row.state in settled and row.operation_id == operation.pk), None)
