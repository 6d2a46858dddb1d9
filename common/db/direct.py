"""Rows of models without what Django does anew for each request: it puts a statement together, column by column, in
several times the time in which PostgreSQL answers it. For what every request asks, and for pages of wide rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_init, pre_init

M = TypeVar("M", bound=Model)
Asked = tuple[str, Mapping[str, Any]]  # a statement and its values


@cache
def _fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(model._meta.concrete_fields)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in _fields(model)]


@cache
def _readers(model: type[Model]) -> list[tuple[int, Callable[..., Any]]]:
    """Which of its columns, by number, are not read as they come, and by what: JSON."""
    return [(n, one.from_db_value) for n, one in enumerate(_fields(model)) if hasattr(one, "from_db_value")]


@cache
def columns(model: type[Model], alias: str) -> str:
    """All columns of a model, of a table that the statement calls so."""
    return ", ".join(f'"{alias}"."{field.column}"' for field in _fields(model))


def rows(sql: str, params: Mapping[str, Any], *models: type[Model], keeps_plan: bool = False) -> list[tuple[Any, ...]]:
    """One row of each of these models, whose `columns` the statement selects in this order; None: a left join found
    none.

    keeps_plan: as `kept`.
    """
    cursor = connection.kept_cursor() if keeps_plan else connection.cursor()  # type: ignore[attr-defined]  # ours
    return made(_found(cursor, sql, params), *models)


def made(found: Sequence[tuple[Any, ...]], *models: type[Model]) -> list[tuple[Any, ...]]:
    """What `rows` gives, of what a statement has found."""
    return [tuple(_row_each(one, models)) for one in found]


def _found(cursor: Any, sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def kept(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What the statement finds. Each connection plans it once, for any values: for a search by keys alone, where there
    is one good plan. That of an API token was planned for longer than it ran.
    """
    return _found(connection.kept_cursor(), sql, params)  # type: ignore[attr-defined]  # ours


def together(*asked: Asked) -> list[list[tuple[Any, ...]]]:
    """What each of these statements finds, one executed after the other, which go to PostgreSQL as one message; planned
    as `kept`. For those that hold what others wait for: between them it waits for no process of ours.
    """
    return connection.kept_together(asked)  # type: ignore[attr-defined,no-any-return]  # ours


def with_commit(*asked: Asked, hear: Callable[[list[list[tuple[Any, ...]]]], object] | None = None) -> None:
    """Executes these statements last: they go to PostgreSQL as one message with the transaction's COMMIT, so that
    nobody waits for this process to have what they lock. Whatever the transaction executes next finds them executed.

    hear: takes what `together` gives, once it is known.
    """
    connection.kept_last(asked, hear)  # type: ignore[attr-defined]  # ours


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
        values = found[start : (start := start + len(_fields(model)))]
        is_there = any(value is not None for value in values)
        yield _row(model, values) if is_there else None


def _row(model: type[M], values: Sequence[Any], db: str | None = None) -> M:
    if readers := _readers(model):
        values = list(values)
        for n, read in readers:
            if values[n] is not None:
                values[n] = read(values[n], None, connection)
    row: M = _maker(model)(db or connection.alias, _names(model), values)
    return row


@cache
def _maker(model: type[M]) -> Callable[..., M]:
    """`from_db` of this model, without its `__init__` where Django's alone would be called, and nobody hears of it."""
    is_djangos = model.from_db.__func__ is Model.from_db.__func__ and model.__init__ is Model.__init__  # type: ignore[attr-defined]
    heard = pre_init.has_listeners(model) or post_init.has_listeners(model)
    return partial(bare, model) if is_djangos and not heard else model.from_db


def bare(model: type[M], db: str | None, names: Collection[str], values: Collection[Any]) -> M:
    """A row of these columns, all at once: one by one, as `Model.__init__` sets them, a page's leads took an eighth of
    its time.
    """
    row, state = model.__new__(model), ModelState()
    state.adding, state.db = False, db
    row.__dict__ = dict(zip(names, values, strict=True), _state=state)
    return row


def several(*statements: str, **params: Any) -> list[list[tuple[Any, ...]]]:
    """What each of these statements finds: they go to PostgreSQL together, as one message."""
    with connection.cursor() as cursor:
        cursor.execute(";".join(statements), params)
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found


def inserting(row: Model, **instead: str) -> Asked:
    """The statement that inserts a row that has its key. instead: SQL in place of these fields' values."""
    fields = [field for field in _fields(type(row)) if field.attname not in instead]
    names = ", ".join(f'"{field.column}"' for field in _fields(type(row)))
    values = ", ".join(instead.get(field.attname, f"%({field.attname})s") for field in _fields(type(row)))
    return (
        f"INSERT INTO {row._meta.db_table} ({names}) VALUES ({values})",  # noqa: S608  # our own columns
        {one.attname: one.get_db_prep_save(one.pre_save(row, add=True), connection) for one in fields},
    )


def insert(row: Model) -> None:
    """Saves a new row that has its key, as `save` does where nobody hears of it."""
    with connection.kept_cursor() as cursor:  # type: ignore[attr-defined]  # ours
        cursor.execute(*inserting(row))
    is_saved(row)


def save(row: Model, *names: str) -> None:
    """Saves these fields of a row that is there, or all, as `save(update_fields=names)` where nobody hears of it."""
    fields = [one for one in _fields(type(row)) if not one.primary_key and (one.attname in names or not names)]
    values = {one.attname: one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields}
    sets = ", ".join(f'"{one.column}" = %({one.attname})s' for one in fields)
    with connection.kept_cursor() as cursor:  # type: ignore[attr-defined]  # ours
        cursor.execute(
            f'UPDATE {row._meta.db_table} SET {sets} WHERE "{row._meta.pk.column}" = %(the_row)s',  # noqa: S608  # our own columns
            {**values, "the_row": row.pk},
        )


def is_saved(row: Model) -> None:
    """Django saves it from now on by an UPDATE."""
    row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001


def named(name: str) -> RawSQL:
    """Stands in a queryset for a value that `rows` is given by this name."""
    return RawSQL(f"%({name})s", ())  # noqa: S611  # a place, and no value


def statement(queryset: QuerySet[Any]) -> str:
    """The statement of a queryset of whole rows, for `rows`: whose rows they are is said by the queryset alone, and
    Django puts it together once.
    """
    sql, params = queryset.query.sql_with_params()
    assert not params, "a value of it is not `named`"
    return sql


class _AllColumns(Expression):
    """All columns of a model, of a table that the statement calls so, as one."""

    def __init__(self, model: type[Model], alias: str) -> None:
        super().__init__(output_field=Field())
        self.model, self.alias = model, alias

    def as_sql(self, *_: Any, **__: Any) -> Any:
        return columns(self.model, self.alias), ()


def whole(queryset: QuerySet[M]) -> list[M]:
    """As `list(queryset)`. Rows with nothing beside their own columns are selected without a look at each column."""
    query: Any = queryset.query
    beside = query.select_related or query.annotations or query.extra or query.distinct or query.combinator
    more: Any = queryset._prefetch_related_lookups  # type: ignore[attr-defined]  # noqa: SLF001
    if beside or more or not query.default_cols or query.deferred_loading != (frozenset(), True):
        return list(queryset)
    query = query.chain()
    query.select, query.default_cols = (_AllColumns(queryset.model, query.get_initial_alias()),), False
    try:
        sql, params = query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return []
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(sql, params)
        return [_row(queryset.model, values, queryset.db) for values in cursor.fetchall()]
