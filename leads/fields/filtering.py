"""Filters over a team's custom fields, beside the lead's own: `custom.KEY`, and what is compared behind a second dot.

custom.askingPrice=250000     equal; repeated: any of these; a text and a choice in any case
custom.askingPrice.min, .max  numbers, these included
custom.listedOn.from, .before days, the first included; 30d: 30 days ago
custom.notes.contains         within a text, in any case
custom.motivated.known        true: something stands there; false: nothing does
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.db.models.lookups import Exact, GreaterThanOrEqual, IContains, IExact, LessThan, LessThanOrEqual
from django.utils import timezone

from common.filters import Filter, Text
from common.values import booleans, numbers
from leads.fields.cells import Said, Typed
from leads.fields.values import KEY, TEXT_MAX
from leads.models import CustomField
from leads.selection.export_cells import WithoutContact

Kind = CustomField.Kind
_NAME = re.compile(rf"custom\.({KEY.pattern})(?:\.(min|max|from|before|contains|known))?")
_AGO = re.compile(r"([0-9]{1,5}) ?d", re.ASCII | re.IGNORECASE)
ENDS: Mapping[str, frozenset[str]] = {  # how each kind may be compared; "": equal
    Kind.TEXT: frozenset({"", "contains", "known"}),
    Kind.NUMBER: frozenset({"", "min", "max", "known"}),
    Kind.DATE: frozenset({"", "from", "before", "known"}),
    Kind.CHOICE: frozenset({"", "known"}),
    Kind.YES_NO: frozenset({"", "known"}),
}


def custom_filter(name: str, team_id: int | None) -> CustomFilter | None:
    """The filter of this name; None: there is none. team_id: whose fields; None: of any team, as what is kept in a
    list's address is read: then a field that nobody has finds nothing.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    key, end = found[1], found[2] or ""
    if team_id is None:
        return _kind_of(end, "")(key, end, None)
    row = CustomField.objects.filter(team_id=team_id, key=key).first()
    if row is None or end not in ENDS[row.kind]:
        return None
    return _kind_of(end, row.kind)(key, end, row)


class CustomFilter(Filter):
    """row: the field, where it is known whose it is: then what is asked must be what may stand there."""

    def __init__(self, key: str, end: str, row: CustomField | None) -> None:
        super().__init__(row.name if row else key)
        self.key, self.end, self.kind = key, end, row.kind if row else ""
        self.contacts = True  # whether who asks may see those that people typed into texts

    def read(self, value: object) -> Any:
        if self.end in ("min", "max") or (self.kind == Kind.NUMBER and not self.end):
            return numbers.plain(numbers.read(value))
        if self.end in ("from", "before") or (self.kind == Kind.DATE and not self.end):
            return _day(value)
        if self.end == "known" or (self.kind == Kind.YES_NO and not self.end):
            return booleans.read(value)
        if isinstance(value, bool):
            return value
        return Text("", "", TEXT_MAX).read(plain(value))

    def passes(self, values: Sequence[Any]) -> Q:
        if self.end == "known" and values[0] is False:
            return ~Q(custom__has_key=self.key) | Q(custom__isnull=True)
        return Q(custom__isnull=False) & Q(*(self._passes(value) for value in values), _connector=Q.OR)

    def _passes(self, value: Any) -> Q:
        text: Any = Said(self.key)
        if not self.contacts:
            text = WithoutContact(text)
        if self.end == "known":
            return Q(custom__has_key=self.key)
        if self.end in ("min", "max"):
            lookup: Any = GreaterThanOrEqual if self.end == "min" else LessThanOrEqual
            return Q(lookup(Typed(self.key, Kind.NUMBER), Decimal(repr(value))))
        if self.end == "contains":
            return Q(IContains(text, value))
        if self.end in ("from", "before") or self.kind == Kind.DATE:
            day = _of_today(value)  # a day as it is kept sorts as a text
            compare: Any = {"from": GreaterThanOrEqual, "before": LessThan}.get(self.end, Exact)
            return Q(compare(text, day)) & Q(custom__has_key=self.key)
        if isinstance(value, bool):
            return Q(custom__contains={self.key: value})
        if isinstance(value, int | float):
            return Q(Exact(Typed(self.key, Kind.NUMBER), Decimal(repr(value))))
        return Q(IExact(text, value)) | self._of_number(value)

    def _of_number(self, text: str) -> Q:
        """Where it is not known whose field it is, a text may say a number."""
        try:
            number = numbers.read(text) if not self.kind else None
        except ValueError:
            return Q(pk__in=[])
        return Q(Exact(Typed(self.key, Kind.NUMBER), number)) if number is not None else Q(pk__in=[])


class _Once(CustomFilter):
    several = False


def _kind_of(end: str, kind: str) -> type[CustomFilter]:
    """A bound, and what is true or false, is given once."""
    return CustomFilter if end in ("", "contains") and kind != Kind.YES_NO else _Once


def plain(value: object) -> object:
    return repr(value) if isinstance(value, float) else value


def _day(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if ago := _AGO.fullmatch(text):
        if int(ago[1]) <= 36_500:  # a century
            return f"{int(ago[1])}d"
        raise ValueError("At most 36,500 days can be asked for.")
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-29") else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("Write a day such as 2026-11-29, or how many days ago, such as 30d.")
    return day.isoformat()


def _of_today(text: str) -> str:
    ago = _AGO.fullmatch(text)
    return (timezone.localdate() - timedelta(days=int(ago[1]))).isoformat() if ago else text
