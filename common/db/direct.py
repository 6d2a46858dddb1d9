"""Rows of models by SQL that is written once: Django builds a statement anew for each request, which takes several
times as long as PostgreSQL does. For what every request asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)


@cache
def _fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(model._meta.concrete_fields)


@cache
def _converters(model: type[Model]) -> tuple[tuple[int, Any], ...]:
    """The columns that Django makes something else of than the driver does, such as JSON, by their place."""
    fields = enumerate(_fields(model))
    return tuple((place, field.from_db_value) for place, field in fields if hasattr(field, "from_db_value"))


@cache
def columns(model: type[Model], alias: str) -> str:
    """All columns of a model, of a table that the statement calls so."""
    return ", ".join(f'{alias}."{field.column}"' for field in _fields(model))


def rows(sql: str, params: Mapping[str, Any], *models: type[Model]) -> list[tuple[Any, ...]]:
    """One row of each of these models, whose `columns` the statement selects in this order; None: a left join found
    none.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [tuple(_row_each(found, models)) for found in cursor.fetchall()]


def every(model: type[M], rest: str, params: Mapping[str, Any]) -> list[M]:
    """Rows of one model. rest: of the statement, behind its columns; the table is called t."""
    found = rows(f"SELECT {columns(model, 't')} FROM {model._meta.db_table} t {rest}", params, model)  # noqa: S608
    return [row for (row,) in found]


def first(model: type[M], rest: str, params: Mapping[str, Any]) -> M | None:
    """The first row of what `every` gives; None: there is none."""
    return next(iter(every(model, rest, params)), None)


def _row_each(found: tuple[Any, ...], models: tuple[type[Model], ...]) -> Any:
    start = 0
    for model in models:
        fields = _fields(model)
        values, start = found[start : start + len(fields)], start + len(fields)
        if converters := _converters(model):
            changed = list(values)
            for place, convert in converters:
                changed[place] = convert(values[place], None, connection)
            values = tuple(changed)
        names = [field.attname for field in fields]
        is_there = any(value is not None for value in values)
        yield model.from_db(connection.alias, names, values) if is_there else None
