"""What a search finds, the best first: what is equal to the text, what begins with it and has all its words, what has
them all, what begins with it in the middle of a word, and what has them but for the end of the last. In each rank the
newest lead comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Case, Q, QuerySet, When

from leads.models import Lead
from leads.selection.search import Finds, Sought

# Leads, the newest, that are looked at one by one before the index is asked: they fill a page with a word that one lead
# in a hundred has, where the index would first collect every lead that has it (100,000 lying apart: 270 ms, measured).
RECENT = 6000
# A search that finds up to FEW is read whole, unless PostgreSQL expects more than EXPECTED: to find out that there are
# more would be for nothing (a word of 100,000 leads: 30 ms, measured). Of words that are not among the frequent ones it
# expects a share of the table, half a percent for each beginning: of ten million leads more than EXPECTED, whatever
# there is. So it has to expect KNOWN times as many as of words that it knows nothing of.
FEW, EXPECTED, KNOWN = 1000, 50_000, 1.5
# How PostgreSQL answers, whatever it thinks of the words. It takes two words for independent: it would read all of a
# person's leads from the newest on for "Smith, Phoenix" where nobody in Phoenix is called Smith; and it takes a word's
# beginning for rare: it would ask the index for what the next ten leads have.
BY_WORDS = {
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",
}
BY_AGE = {"enable_seqscan": "off", "enable_bitmapscan": "off"}
Place = tuple[int, UUID]  # a rank, and a lead in it


def ranked(
    leads: QuerySet[Lead],
    search: Sought,
    *,
    of: QuerySet[Lead],
    limit: int,
    at: Place | None = None,
    back: bool = False,
) -> list[Place]:
    """The places of up to `limit` of `leads` that a search finds, the best rank first and in each the newest first.

    of: all leads of the same bucket or owners, before any filter. at: only those behind this place; with `back` those
    before it, the nearest first.

    1. What finds few is read whole, in one statement, and put in order here.
    2. What finds many is asked for rank by rank: those among the newest leads, then all by the index.
    """
    if (few := _few(leads, search)) is not None:
        behind = [one for one in few if at is None or (_order(one) < _order(at) if back else _order(one) > _order(at))]
        return (behind[::-1] if back else behind)[:limit]
    return _by_rank(leads, search, of=of, limit=limit, at=at, back=back)


def _by_rank(
    leads: QuerySet[Lead], search: Sought, *, of: QuerySet[Lead], limit: int, at: Place | None, back: bool
) -> list[Place]:
    """As `ranked`, of a search that finds many."""
    ranks = range(max(1, len(search.ranks)))
    places: list[Place] = []
    enough: dict[Q, bool] = {}  # by what the next leads are behind
    for rank in reversed(ranks) if back else ranks:
        if at is not None and (rank > at[0] if back else rank < at[0]):
            continue
        condition = _is_in(search, rank, better=[pk for _, pk in places] if at is None and not back else None)
        if condition is None:
            continue
        order, beyond = ("pk", "pk__gt") if back else ("-pk", "pk__lt")
        after = Q(**{beyond: at[1]}) if at is not None and at[0] == rank else Q()
        rows = leads.filter(condition, after, search.told).order_by(order)
        near = of.filter(after).order_by(order) if rank else None  # what is equal to a text is rare
        if near is not None and after not in enough:
            enough[after] = _has_enough(near, search, limit=limit - len(places), back=back)
        near = near if enough.get(after) else None
        places += [(rank, pk) for pk in _first(rows, near, limit=limit - len(places), back=back)]
        if len(places) >= limit:
            break
    return places


def _few(leads: QuerySet[Lead], search: Sought) -> list[Place] | None:
    """All places of a search that finds up to FEW of `leads`, in their order; None where it finds more, or seems to."""
    found = leads.filter(search.matches).order_by()
    rank = Case(*(When(condition, then=number) for number, condition in _ranks(search)), default=0)
    with transaction.atomic(), _planned(BY_WORDS):
        if search.every and _is_many(leads, search):
            return None
        places = list(found.annotate(rank=rank).values_list("rank", "pk")[: FEW + 1])
    return sorted(places, key=_order) if len(places) <= FEW else None


def place_of(leads: QuerySet[Lead], search: Sought, pk: UUID) -> Place | None:
    """Of one lead; None: the search does not find it."""
    rank = Case(*(When(condition, then=number) for number, condition in _ranks(search)), default=0)
    found = leads.filter(search.matches, pk=pk).order_by().annotate(rank=rank).values_list("rank", "pk")
    return next(iter(found), None)


def _ranks(search: Sought) -> Iterator[tuple[int, Q]]:
    """A condition of each rank; a lead is in the first that it meets."""
    if search.ids:
        yield 0, Q(pk__in=search.ids)
    yield from ((rank, Q(Finds(query))) for rank, query in enumerate(search.ranks) if query)


def _order(place: Place) -> tuple[int, int]:
    rank, pk = place
    return rank, -pk.int


def _is_many(leads: QuerySet[Lead], search: Sought) -> bool:
    """Whether PostgreSQL, by its statistics of the words, says that a search finds many: it does not look."""
    expected = _expected(leads.filter(search.found))
    return expected > EXPECTED and expected > KNOWN * _expected(leads.filter(search.of_unknown_words))


def _expected(found: QuerySet[Lead]) -> int:
    """How many rows PostgreSQL expects."""
    try:
        sql, parameters = found.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        (plans,) = cursor.fetchone()
    rows: int = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]["Plan Rows"]
    return rows


def _has_enough(near: QuerySet[Lead], search: Sought, *, limit: int, back: bool) -> bool:
    """Whether so many are found among the next RECENT leads of all that a page of one rank may be."""
    last = _last_near(near)
    if last is None:
        return False
    found = near.filter(search.matches, **{"pk__lt" if back else "pk__gt": last})
    with transaction.atomic(), _planned(BY_AGE):
        return len(found.values_list("pk", flat=True)[:limit]) == limit


def _last_near(near: QuerySet[Lead]) -> UUID | None:
    return next(iter(near.values_list("pk", flat=True)[RECENT : RECENT + 1]), None)


def _first(rows: QuerySet[Lead], near: QuerySet[Lead] | None, *, limit: int, back: bool) -> list[UUID]:
    """The first `limit` of `rows`: among the next RECENT leads of all where these are enough, else by the index."""
    ids = rows.values_list("pk", flat=True)
    if near is not None and (last := _last_near(near)) is not None:
        with transaction.atomic(), _planned(BY_AGE):
            found = list(ids.filter(**{"pk__lt" if back else "pk__gt": last})[:limit])
        if len(found) == limit:
            return found
    with transaction.atomic(), _planned(BY_WORDS):
        return list(ids[:limit])


def in_places(leads: QuerySet[Lead], places: Sequence[Place]) -> list[Lead]:
    """The leads at these places, in their order."""
    rows = leads.in_bulk([pk for _, pk in places])
    return [rows[pk] for _, pk in places if pk in rows]


def count_found(leads: QuerySet[Lead], search: Sought, *, most: int) -> int | None:
    """How many of `leads` a search finds; None: more than `most`."""
    with transaction.atomic(), _planned(BY_WORDS):
        found = leads.filter(search.matches).order_by()[: most + 1].count()
    return found if found <= most else None


def _is_in(search: Sought, rank: int, *, better: Sequence[UUID] | None) -> Q | None:
    """Of this rank and of none that is better; None: nothing can be. better: all leads of better ranks, where they are
    known: of a word of 100,000 leads the index tells in a third of the time than with `!`.
    """
    query = search.ranks[rank] if search.ranks else ""
    ids = Q(pk__in=search.ids)
    if rank == 0:
        both = ids | Q(Finds(query)) if query and search.ids else ids if search.ids else Q(Finds(query))
        return both if query or search.ids else None
    if not query:
        return None
    if better is not None:
        return Q(Finds(query)) & ~Q(pk__in=better) if better else Q(Finds(query))
    others = " | ".join(f"({one})" for one in search.ranks[:rank] if one)
    condition = Q(Finds(f"({query}) & !({others})" if others else query))
    return condition & ~ids if search.ids else condition


@contextmanager
def _planned(settings: Mapping[str, str]) -> Iterator[None]:
    """In the caller's transaction, PostgreSQL has these settings."""
    names = list(settings)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(n) FROM unnest(%s::text[]) WITH ORDINALITY t(n, i) ORDER BY i", [names])
        before = [value for (value,) in cursor.fetchall()]
        _set(cursor, names, list(settings.values()))
        yield
        _set(cursor, names, before)


def _set(cursor: Any, names: Sequence[str], values: Sequence[str]) -> None:
    cursor.execute(
        "SELECT set_config(n, v, true) FROM unnest(%s::text[], %s::text[]) t(n, v)", [list(names), list(values)]
    )
