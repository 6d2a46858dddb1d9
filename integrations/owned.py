"""Which answers are owned for which questions: under a question's key, its further names, or another vendor's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from integrations import catalogue
from integrations.contact import reachable
from integrations.contract import Query
from integrations.models import Lookup, Operation

_HOLDING = (Lookup.State.ANSWERED, Lookup.State.BUYING, Lookup.State.IN_DOUBT)  # a re-buy keeps the old answer


def fresh_answers(
    operation: Operation, queries: Sequence[Query], *, now: datetime, after: datetime | None = None
) -> dict[str, Lookup]:
    """The answers that serve these questions for $0, by the question's key. after: what is older serves nobody.

    A contact with a phone or an e-mail serves whoever's vendor gave it. An answer without one is its own vendor's word,
    and keeps nobody from asking another.
    """
    others = catalogue.siblings(operation)
    keys = {key for query in queries for key in (query.key, *query.names)}
    fresh = Q(operation=operation, fetched_at__gt=operation.fresh_since(now))
    for other in others:
        fresh |= Q(operation=other, fetched_at__gt=other.fresh_since(now))
    if after is not None:
        fresh &= Q(fetched_at__gt=after)
    rows = Lookup.objects.filter(fresh, key__in=keys, state__in=_HOLDING, facts__isnull=False)
    held: dict[tuple[int, str], Lookup] = {(row.operation_id, row.key): row for row in rows}
    places = (operation.pk, *(other.pk for other in others))
    served = {}
    for query in queries:
        found = [
            row for place in places for key in (query.key, *query.names) if (row := held.get((place, key))) is not None
        ]
        best = next((row for row in found if reachable(row.facts or {})), None)
        own = next((row for row in found if row.operation_id == operation.pk), None)
        if (row := best or own) is not None:
            served[query.key] = row
    return served
