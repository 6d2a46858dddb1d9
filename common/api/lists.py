"""The one door of every list: which rows, in which order, which fields of them, what goes with them, and how many.

`limit` and `cursor` page by keyset; `sort`, `fields`, `include` and `total` mean the same everywhere. A list says what
it can be sorted by and what may be included; nothing of it costs where it is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.db.models import F, Q, QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from common.api.base import ApiView, invalid, ok
from common.api.paging import PageQuery, page, page_by_time, page_of, parts_at, parts_cursor
from common.api.schema import answer
from common.api.serializers import FlagField, StrictSerializer
from common.db.direct import whole

TOTAL_MAX = 10_000  # rows that `total=true` counts: the next million would cost more than the page
NAMES_MAX = 2_000  # characters of `fields` and `include`
EVERYWHERE = frozenset(
    {"limit", "cursor", "sort", "fields", "include", "total"}
)  # what a list takes beside its filters
_CREATED = {"createdAt": "pk"}  # ids are UUIDv7: their order is that of their making, by the primary key
Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Include:
    """What may go with each row. load: of a page's rows at once, {key of the row: value}, in one statement; a row that
    is left out has `empty`. shown: how the schema tells it.
    """

    load: Callable[[ApiView, Rows], Mapping[Any, Any]]
    shown: serializers.Field[Any, Any, Any, Any]
    empty: Any = None


class NamesField(serializers.CharField):
    """Names with commas between them, each of those that are known."""

    def __init__(self, known: Callable[[], Sequence[str]], **options: Any) -> None:
        super().__init__(required=False, max_length=NAMES_MAX, **options)
        self.known = known

    def to_internal_value(self, data: Any) -> Any:
        text, known = super().to_internal_value(data), self.known()
        names = [name.strip() for name in text.split(",")]
        unknown = [name[:50] for name in dict.fromkeys(names) if name not in known]
        if unknown:
            wrong = ", ".join(repr(name) for name in unknown[:5])
            raise serializers.ValidationError(f"There is no {wrong} here. There is: {', '.join(known)}.")
        return list(dict.fromkeys(names))


class ListOf:
    """A list of the API.

    name: of the rows in the answer. serializer: of one row. sorts: {name in `sort`: column}; "pk" is the key, whichever
    it is. order: the order without `sort`, as `sort` would say it. query: what else it takes, beside what every list
    takes. includes: {name in `include`: Include}. key: the attribute that tells rows apart, a UUID. has_order: False
    for a stream of changes, which has an order of its own and no number. time: the column of its usual order, where it
    is a time. order "": as the rows come.
    """

    def __init__(
        self,
        name: str,
        serializer: type[serializers.BaseSerializer[Any]],
        *,
        sorts: Mapping[str, str] | None = None,
        order: str = "-createdAt",
        query: type[StrictSerializer] = PageQuery,
        includes: Mapping[str, Include] | None = None,
        key: str = "pk",
        has_order: bool = True,
        time: str = "",
    ) -> None:
        self.name, self.serializer, self.key, self.order = name, serializer, key, order
        self.has_order, self.time = has_order, time
        self.sorts, self.includes = dict(sorts or _CREATED), dict(includes or {})
        self.base = query

    # --- What it takes, and how it is described -----------------------------------------------------------------------

    @cached_property
    def known(self) -> list[str]:
        """The fields of a row."""
        shown: Any = self.serializer()
        return list(shown.fields)

    @cached_property
    def query(self) -> type[StrictSerializer]:
        """The parameters of the list."""
        return type(f"{self.name[:1].upper()}{self.name[1:]}List{self.base.__name__}", (self.base,), self._parameters())

    @cached_property
    def takes(self) -> frozenset[str]:
        """The names of these parameters: what else stands in the address is a filter."""
        return frozenset(self.query().fields)

    def _parameters(self) -> dict[str, Any]:
        declared = self.base._declared_fields  # noqa: SLF001
        taken: dict[str, Any] = {
            "fields": NamesField(
                lambda: self.known, help_text="Only these fields of each row, by their names with commas between them"
            ),
        }
        if self.has_order and "total" not in declared:
            words = f"true: also how many rows there are, counted up to {TOTAL_MAX:,}"
            taken["total"] = FlagField(default=False, help_text=words)
        if "sort" not in declared and self.has_order:
            names = [f"{sign}{name}" for name in self.sorts for sign in ("", "-")]
            words = (
                f"With - the highest or latest first; rows without a value come last. Else: {self.order or 'as it is'}"
            )
            taken["sort"] = serializers.ChoiceField(required=False, choices=names, help_text=words)
        if self.includes:
            names = list(self.includes)
            words = f"What goes with each row: {', '.join(names)}, with commas between them"
            taken["include"] = NamesField(lambda: names, help_text=words)
        return taken

    @cached_property
    def row(self) -> type[serializers.Serializer[Any]]:
        """A row as `fields` may have cut it, with what may go with it: nothing of it is sure to be there."""
        parent: Any = self.serializer
        return _row(parent, tuple((name, one.shown) for name, one in self.includes.items()))

    def answer(self, name: str, **more: Any) -> Any:
        """The answer's description. more: what the list says beside its rows."""
        if not self.has_order:
            more.setdefault("nextCursor", serializers.CharField(allow_null=True))
            return answer(name, **{self.name: self.row(many=True)}, **more, count=serializers.IntegerField())
        return answer(
            name,
            **{self.name: self.row(many=True)},
            **more,
            count=serializers.IntegerField(help_text="Rows of this page"),
            nextCursor=serializers.CharField(allow_null=True, help_text="null: this was the last page"),
            total=serializers.IntegerField(required=False, help_text="With total=true: how many rows there are"),
            totalIsExact=serializers.BooleanField(
                required=False, help_text=f"false: there are more than the {TOTAL_MAX:,} that were counted"
            ),
        )

    # --- A page -------------------------------------------------------------------------------------------------------

    def respond(
        self,
        view: ApiView,
        rows: QuerySet[Any] | Rows,
        *,
        query: Mapping[str, Any] | None = None,
        context: Callable[[list[Any]], Mapping[str, Any]] | None = None,
        into: Callable[[list[Any]], Rows] = list,
        more: Callable[[list[Any]], Mapping[str, Any]] | None = None,
    ) -> Response:
        """The page of `rows` that is asked for. Rows of no table are given as a list, in the list's own order.

        query: as read, where the view has read it. context: of the serializer, by the page's rows. into: what the
        serializer takes for them. more: what the list says beside them.
        """
        asked = view.query(self.query) if query is None else query
        found, cursor = self.page(rows, asked)
        return self.render(
            view, asked, found, cursor, context=context(found) if context else {}, count=lambda: total_of(rows),
            more=more(found) if more else {}, into=into,
        )  # fmt: skip

    def page(self, rows: QuerySet[Any] | Rows, asked: Mapping[str, Any]) -> tuple[list[Any], str | None]:
        limit, cursor, sort = asked["limit"], asked.get("cursor"), asked.get("sort")
        if not isinstance(rows, QuerySet):
            return self._page_of_list(rows, sort, limit, cursor)
        if sort is None and self.time:
            return page_by_time(rows, time=self.time, limit=limit, cursor=cursor)
        column = self.sorts[(sort or self.order).lstrip("-")]
        last_first = (sort or self.order).startswith("-")
        if column == "pk" and sort is None:
            return page(rows, limit=limit, cursor=cursor, key=self.key, newest_first=last_first)
        by, words = self.key if column == "pk" else column, f"{self.name} {sort or self.order}"
        return _page_by(rows, by, self.key, last_first=last_first, limit=limit, cursor=cursor, order=words)

    def _page_of_list(
        self, rows: Rows, sort: str | None, limit: int, cursor: str | None
    ) -> tuple[list[Any], str | None]:
        """Of rows that are all at hand: few, such as a team's members. The cursor counts them."""
        found, order = list(rows), f"{self.name} {sort}"
        if sort is not None:
            column = self.sorts[sort.lstrip("-")]
            valued = [row for row in found if value_of(row, column) is not None]
            valued.sort(key=lambda row: _comparable(value_of(row, column)), reverse=sort.startswith("-"))
            found = valued + [row for row in found if value_of(row, column) is None]
        start = 0
        if cursor:
            (start,) = parts_at(order, cursor, (int,))
            start = max(0, start)
        after = start + limit
        return found[start:after], parts_cursor(order, after) if after < len(found) else None

    def render(
        self,
        view: ApiView,
        asked: Mapping[str, Any],
        rows: list[Any],
        cursor: str | None,
        *,
        context: Mapping[str, Any],
        count: Callable[[], tuple[int, bool]],
        more: Mapping[str, Any],
        into: Callable[[list[Any]], Rows] = list,
    ) -> Response:
        """The answer: rows, with what is included, cut to `fields`; the total where it is asked for."""
        serializer: Any = self.serializer(context=context)  # one for all rows; with many=True it holds itself and them
        tell = getattr(serializer, "as_read", None) or serializer.to_representation
        shown: list[dict[str, Any]] = [dict(tell(row)) for row in into(rows)]
        wanted = asked.get("fields")
        if wanted is not None:
            shown = [{name: row[name] for name in wanted if name in row} for row in shown]
        for name in asked.get("include", ()):
            one = self.includes[name]
            values = one.load(view, rows)
            for row, out in zip(rows, shown, strict=True):
                out[name] = values.get(value_of(row, self.key), one.empty)
        said: dict[str, Any] = {self.name: shown, **more, **page_of(rows, cursor)}
        if asked.get("total"):
            said["total"], said["totalIsExact"] = count()
        return ok(**said)


@cache
def _row(parent: Any, more: tuple[tuple[str, Any], ...]) -> type[serializers.Serializer[Any]]:
    """One class for all lists of these rows: the schema names it once."""

    def get_fields(cut: Any) -> dict[str, Any]:
        return {**parent.get_fields(cut), **deepcopy(dict(more))}

    name = f"{parent.__name__.removesuffix('Serializer')}Row"
    return type(name, (parent,), {"get_fields": get_fields, "is_cut": True, "__module__": __name__})


def total_of(rows: QuerySet[Any] | Rows) -> tuple[int, bool]:
    """How many there are, and whether that is all: TOTAL_MAX at most are counted."""
    if not isinstance(rows, QuerySet):
        return len(rows), True
    counted = rows.order_by()[: TOTAL_MAX + 1].count()
    return min(counted, TOTAL_MAX), counted <= TOTAL_MAX


def value_of(row: Any, column: str) -> Any:
    """A row's value of a column, over keys where it is named so: bucket__name."""
    for name in column.split("__"):
        row = row.get(name) if isinstance(row, Mapping) else getattr(row, name)
        if row is None:
            return None
    return row


def _comparable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _page_by(
    rows: QuerySet[Any], column: str, key: str, *, last_first: bool, limit: int, cursor: str | None, order: str
) -> tuple[list[Any], str | None]:
    """In the order of a column, then of the key; rows without a value come last, both ways."""
    way, nulls_last = "lt" if last_first else "gt", _field(rows, column).null or "__" in column
    if cursor:
        text, at = parts_at(order, cursor, (str, str))
        try:
            value = None if not text else _field(rows, column).to_python(text[1:])
            place = _field(rows, key).to_python(at)
        except Exception as error:  # whatever a field says of a text that is none of its values
            raise invalid("cursor", "This is no cursor of this list.") from error
        same = Q(**{f"{key}__{way}": place})
        if value is None:
            rows = rows.filter(same, **{f"{column}__isnull": True})
        else:
            later = Q(**{f"{column}__{way}": value}) | Q(same, **{column: value})
            rows = rows.filter(later | Q(**{f"{column}__isnull": True}) if nulls_last else later)
    by = F(column).desc(nulls_last=nulls_last or None) if last_first else F(column).asc(nulls_last=nulls_last or None)
    found = whole(rows.order_by(by, f"-{key}" if last_first else key)[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    value = value_of(last, column)
    text = "" if value is None else f"={value.isoformat() if hasattr(value, 'isoformat') else value}"
    return found[:limit], parts_cursor(order, text, str(value_of(last, key)))


def _field(rows: QuerySet[Any], path: str) -> Any:
    """The model's field at the end of a path."""
    model: Any = rows.model
    *over, name = path.split("__")
    for step in over:
        model = model._meta.get_field(step).related_model
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
