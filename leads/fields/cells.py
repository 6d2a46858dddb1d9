"""Values of custom fields as SQL, for filters and exported files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    DateField,
    DecimalField,
    Expression,
    F,
    Field,
    Func,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Cast

from leads.models import CustomField, Lead
from leads.selection.export_cells import Kind as Cell

PREFIX = "custom."
Kind = CustomField.Kind


class Said(Func):
    """The text of a custom field. The key goes along as a value."""

    template, arg_joiner, output_field = "(%(expressions)s)", " ->> ", TextField()

    def __init__(self, key: str) -> None:
        super().__init__(F("custom"), Cast(Value(key), TextField()))


class Typed(Func):
    """The same as what it is; null where something else stands there. What PostgreSQL would refuse is never cast."""

    def __init__(self, key: str, kind: str) -> None:
        self.kind = kind
        super().__init__(F("custom"), Cast(Value(key), TextField()), output_field=_FIELDS[kind]())

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        parts = [compiler.compile(one) for one in self.source_expressions]
        (held, _none), (key, _key) = parts
        sql = _CASTS[self.kind].format(value=f"{held} -> {key}", text=f"{held} ->> {key}")
        return sql, [one for _sql, some in parts for one in some] * 2


_FIELDS: dict[str, type[Field[Any, Any]]] = {Kind.NUMBER: DecimalField, Kind.DATE: DateField, Kind.YES_NO: BooleanField}
_CASTS: dict[str, str] = {
    Kind.NUMBER: "(CASE WHEN jsonb_typeof({value}) = 'number' THEN ({text})::numeric END)",
    Kind.DATE: "(CASE WHEN ({text}) ~ '^[12][0-9]{{3}}-[01][0-9]-[0-3][0-9]$' THEN ({text})::date END)",
    Kind.YES_NO: "(CASE WHEN jsonb_typeof({value}) = 'boolean' THEN ({text})::boolean END)",
}
_CELLS = {Kind.NUMBER: Cell.NUMBER, Kind.DATE: Cell.DATE, Kind.YES_NO: Cell.FLAG}


class Told(NamedTuple):
    """A column of a file. name: custom.KEY; header: what the team calls the field."""

    name: str
    header: str
    kind: Cell
    value: Expression


def columns_of_fields(leads: QuerySet[Lead], key: str = "") -> Iterator[Told]:
    """The offered custom fields of the team of these leads, which are one team's, in their order. key: this one alone,
    retired or not.
    """
    team_id = next(iter(leads.order_by().values_list("team_id", flat=True)[:1]), None)
    rows = CustomField.objects.filter(team=team_id)
    rows = rows.filter(key=key) if key else rows.filter(retired_at__isnull=True)
    for row in rows.order_by("position", "pk"):
        value = Typed(row.key, row.kind) if row.kind in _CASTS else Said(row.key)
        yield Told(f"{PREFIX}{row.key}", row.name, _CELLS.get(Kind(row.kind), Cell.TEXT), value)


def has_field(team_id: int | None, key: str) -> bool:
    """Whether a team has, or once had, a field with this key."""
    return team_id is not None and CustomField.objects.filter(team_id=team_id, key=key[:100]).exists()
