"""Cells of an exported file as SQL: harmless to spreadsheets in a CSV, bare values for a workbook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.db.models import Expression, F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast

# A cell that begins so is a formula to a spreadsheet (OWASP, "CSV Injection"), with or without space before it; the
# wide forms are what Japanese and Chinese keyboards write.
FORMULA = r"^\s*[-=+@\t\r\n＝＋－＠]"
# A first letter or digit (0 to z without = and @) settles it for nearly every cell, at a fraction of the regex's price.
_HARMLESS = "ascii(%(expressions)s) BETWEEN 48 AND 122 AND ascii(%(expressions)s) NOT IN (61, 64)"
# What we write ourselves as E.164 is no formula, and a phone with an apostrophe before it is one no machine can dial.
PHONE = r"^\+[0-9]{7,15}$"


class _Repeated(Func):
    """A template that names its expression several times: the expression's parameters go along as often."""

    output_field = TextField()

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:  # Django's signature
        sql, params = super().as_sql(*args, **kwargs)
        return sql, [*params] * str(self.template).count("%(expressions)s")


class _Text(_Repeated):
    """A text that no spreadsheet takes for a formula."""

    template = (
        f"CASE WHEN {_HARMLESS} THEN %(expressions)s WHEN %(expressions)s ~ '{FORMULA}' THEN '''' || %(expressions)s "
        "ELSE %(expressions)s END"
    )


class _Composed(Func):
    """The same of a text that costs something to put together: once a lead."""

    template = (
        f"(SELECT CASE WHEN c.text ~ '{FORMULA}' THEN '''' || c.text ELSE c.text END "  # noqa: S608  # a constant
        "FROM (SELECT %(expressions)s AS text OFFSET 0) c)"
    )
    output_field = TextField()


class _Phone(_Repeated):
    template = (
        f"CASE WHEN %(expressions)s ~ '{PHONE}' OR %(expressions)s !~ '{FORMULA}' THEN %(expressions)s "
        "ELSE '''' || %(expressions)s END"
    )


class _Time(Func):
    """UTC, as ISO 8601."""

    template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    output_field = TextField()


class _Serial(_Repeated):
    """Days since 1899-12-30, as spreadsheets count them: of a date; of one before them, or of the leap day that they
    count and never was (February 1900), ISO 8601.
    """

    template = (
        "(CASE WHEN %(expressions)s < DATE '1900-03-01' THEN to_char(%(expressions)s, 'YYYY-MM-DD') "
        "ELSE (%(expressions)s - DATE '1899-12-30')::text END)"
    )


class _SerialTime(Func):
    """The same of a moment, by the clock of a time zone, the second argument: a spreadsheet knows none."""

    template = "round(extract(epoch FROM (%(expressions)s) - TIMESTAMP '1899-12-30') / 86400, 6)"
    arg_joiner = " AT TIME ZONE "
    output_field = TextField()


class _Bit(Func):
    template = "(%(expressions)s)::boolean::int"
    output_field = TextField()


class Others(Func):
    """Values that are not shown, in one cell: email: jo@example.com (trace 2026-11-24); …"""

    template = """CASE WHEN %(expressions)s IS NOT NULL THEN (
        SELECT string_agg(f.key || ': ' || (e ->> 'value') || ' (' || concat_ws(
                   ', ', e ->> 'source', left(e ->> 'at', 10), e ->> 'type', e ->> 'person',
                   CASE WHEN e ->> 'do_not_call' = 'true' THEN 'do not call' END) || ')', '; ' ORDER BY f.key)
          FROM jsonb_each(%(expressions)s) f, jsonb_array_elements(f.value) e) END"""
    output_field = TextField()


class OtherPart(Func):
    """A part of one value that is not shown. path: fact, place from 0, key, with commas between."""

    template = "(%(expressions)s #>> '{%(path)s}')"
    output_field = TextField()


class Tags(Func):
    """The names of a lead's tags, in one cell: absentee; call first."""

    template = """(SELECT string_agg(t.name, '; ' ORDER BY lower(t.name)) FROM leads_lead_tags lt
                     JOIN leads_tag t ON t.id = lt.tag_id WHERE lt.lead_id = %(expressions)s)"""
    output_field = TextField()


class WithoutContact(_Repeated):
    """A text; dots where it has ten digits near one another, a number without its area code, or an e-mail."""

    template = (
        "CASE WHEN %(expressions)s ~ '([0-9٠-٩۰-۹０-９]([^0-9]{0,3}|[^[:alnum:]]{0,5})){9}[0-9٠-٩۰-۹０-９]"
        "|(^|[^[:alnum:].,+-])[2-9][0-9]{2}[[:space:].-][0-9]{4}([^[:alnum:]-]|$)"
        "|[^[:space:]@＠](@|＠|﹫|\\u002540|&#64;|&commat;)[^[:space:]@]' "
        "THEN '••••' ELSE %(expressions)s END"
    )


class MaskedTags(Func):
    """The same, with others in place of some names: {name: as it is told}."""

    template = """(SELECT string_agg(coalesce(n.told ->> t.name, t.name), '; ' ORDER BY lower(t.name))
                     FROM (VALUES (%(expressions)s)) AS n(lead_id, told)
                     JOIN leads_lead_tags lt ON lt.lead_id = n.lead_id JOIN leads_tag t ON t.id = lt.tag_id)"""
    output_field = TextField()

    def __init__(self, lead: str, told: Mapping[str, str]) -> None:
        super().__init__(lead, Cast(Value(json.dumps(told)), JSONField()))


def _as_text(value: Expression | F) -> Expression:
    """Numbers and words of our own as they are; booleans as true and false, where COPY would write t and f."""
    return Cast(value, TextField())


class Kind(Enum):
    """What a column holds. TEXT may be anybody's; WORD is our own or begins with one of ours, so no formula; LIST is a
    text put together of rows of another table.
    """

    TEXT = "text"
    LIST = "list"
    WORD = "word"
    PHONE = "phone"
    NUMBER = "number"
    FLAG = "flag"
    DATE = "date"
    TIME = "time"

    def in_csv(self, value: Expression | F) -> Expression:
        made: Expression = _IN_CSV.get(self, _as_text)(value)
        return made

    def in_workbook(self, value: Expression | F, time_zone: str) -> Expression:
        """As the XML of a sheet has it: a text cell holds no formula; dates and moments are numbers."""
        if self is Kind.TIME:
            return _SerialTime(value, Cast(Value(time_zone), TextField()))
        made: Expression = _IN_WORKBOOK.get(self, _as_text)(value)
        return made


_IN_CSV: dict[Kind, Any] = {Kind.TEXT: _Text, Kind.LIST: _Composed, Kind.PHONE: _Phone, Kind.TIME: _Time}
_IN_WORKBOOK: dict[Kind, Any] = {Kind.FLAG: _Bit, Kind.DATE: _Serial}
