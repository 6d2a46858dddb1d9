"""Rows of models by SQL that is written once: Django builds a statement anew for each request, which takes several
times as long as PostgreSQL does. For what every request asks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model


@cache
def _fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    fields = tuple(model._meta.concrete_fields)
    assert not [one for one in fields if hasattr(one, "from_db_value")], "a column of it is not read as it is"
    return fields


@cache
def columns(model: type[Model], alias: str) -> str:
    """All columns of a model, of a table that the statement calls so."""
    return ", ".join(f'{alias}."{field.column}"' for field in _fields(model))


def rows(sql: str, params: dict[str, Any], *models: type[Model]) -> list[tuple[Any, ...]]:
    """One row of each of these models, whose `columns` the statement selects in this order; None: a left join found
    none.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [tuple(_row_each(found, models)) for found in cursor.fetchall()]


def _row_each(found: tuple[Any, ...], models: tuple[type[Model], ...]) -> Any:
    start = 0
    for model in models:
        fields = _fields(model)
        values, start = found[start : start + len(fields)], start + len(fields)
        names = [field.attname for field in fields]
        is_there = any(value is not None for value in values)
        yield model.from_db(connection.alias, names, values) if is_there else None
