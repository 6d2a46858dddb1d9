"""How many leads a view holds, up to a bound: several views in one statement, which takes a moment at most."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from leads.models import Lead

AT_MOST = 10_000  # counted; beyond it one says "more than 10,000"
TOGETHER, ALONE, ALL = 1.5, 0.75, 5.0  # seconds: of one statement for all, for each alone, and of all of these


def count_each(
    rows: Mapping[str, QuerySet[Lead]], *, at_most: int = AT_MOST, bounds: Mapping[str, int] = MappingProxyType({})
) -> dict[str, int | None]:
    """How many leads each of these has; `at_most` + 1: more. None: it could not be told within the time.

    bounds: {name: at most, where it is another}.
    One statement for all; where it takes too long, each by itself, so that one slow view hides no other.
    """
    wanted: dict[str, tuple[str, Sequence[Any]]] = {}
    counts: dict[str, int | None] = {}
    for key, leads in rows.items():
        try:
            most = bounds.get(key, at_most)
            wanted[key] = leads.order_by().values("pk")[: most + 1].query.sql_with_params()
        except EmptyResultSet:  # known without asking
            counts[key] = 0
    found = _counted(wanted, TOGETHER)
    if found is None:
        ends, found = time.monotonic() + ALL, {}
        for key, one in wanted.items():
            alone = _counted({key: one}, ALONE) if time.monotonic() < ends else None
            found[key] = alone[key] if alone else None
    return {key: counts.get(key, found.get(key)) for key in rows}


def _counted(wanted: Mapping[str, tuple[str, Sequence[Any]]], seconds: float) -> dict[str, int | None] | None:
    """None: it took longer than this."""
    if not wanted:
        return {}
    sql = ", ".join(f"(SELECT count(*) FROM ({one}) AS counted)" for one, _ in wanted.values())  # noqa: S608
    try:
        with at_most_seconds(seconds), connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql}", [param for _, params in wanted.values() for param in params])
            return dict(zip(wanted, cursor.fetchone(), strict=True))
    except TooSlow:
        return None


class TooSlow(Exception):
    """PostgreSQL was stopped: the statement took longer than it may."""


@contextmanager
def at_most_seconds(seconds: float) -> Iterator[None]:
    """Statements within may take so long each, else TooSlow is raised. Without the compiler of expressions: it takes
    longer than a bounded count.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('jit')")
            before = cursor.fetchone()
            _set(cursor, f"{int(seconds * 1000)}ms", "off")
        try:
            with transaction.atomic():
                yield
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "57014":  # query_canceled
                raise
            raise TooSlow from error
        finally:
            with connection.cursor() as cursor:
                _set(cursor, *before)


def _set(cursor: Any, timeout: str, jit: str) -> None:
    cursor.execute("SELECT set_config('statement_timeout', %s, true), set_config('jit', %s, true)", [timeout, jit])
