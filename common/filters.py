"""Kinds of filters over columns: each reads what a person wrote, or refuses it, and never lets everything through.

A choice or a text that is given several times means "any of these". A flag or a number is given once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, ClassVar

from django.db.models import BooleanField, Case, Q, Value, When
from django.utils import timezone

from common.values import booleans, numbers

VALUES_MAX = 500  # of one filter
NO_VALUE = "It has no value, and so would let every lead through: give it a value or leave it out."


class Filter:
    """One filter. label: what it asks. several: whether it may be given several times."""

    several: ClassVar[bool] = True

    def __init__(self, label: str) -> None:
        self.label = label

    def read(self, value: object) -> Any:
        """The value as JSON, from a JSON value or a text. Raises ValueError with words for the person who wrote it."""
        raise NotImplementedError

    def passes(self, values: Sequence[Any]) -> Q:
        """The rows that pass any of these values, as `read` gave them."""
        raise NotImplementedError

    def read_all(self, given: object) -> list[Any]:
        """What is given, alone or in a list, read: each value once. Raises ValueError."""
        values = given if isinstance(given, list | tuple) else [given]
        if not values or any(value is None or (isinstance(value, str) and not value.strip()) for value in values):
            raise ValueError(NO_VALUE)
        if not self.several and isinstance(given, list | tuple):
            raise ValueError("Give it one value, not a list, and only once.")
        if len(values) > VALUES_MAX:
            raise ValueError(f"It has {len(values)} values; at most {VALUES_MAX} are taken.")
        found: list[Any] = []
        for value in map(self.read, values):
            if value not in found:
                found.append(value)
        return found


def others(condition: Q) -> Q:
    """The rows that do not pass, also those of which SQL cannot tell because a column is null: `~` drops them."""
    passes = Case(When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField())
    return ~Q(passes)


class Flag(Filter):
    """True: the rows that pass `yes`. False: those that pass `no`, by default all others."""

    several = False

    def __init__(self, label: str, yes: Q, no: Q | None = None) -> None:
        super().__init__(label)
        self.yes, self.no = yes, others(yes) if no is None else no

    def read(self, value: object) -> Any:
        return booleans.read(value)

    def passes(self, values: Sequence[Any]) -> Q:
        (value,) = values
        return self.yes if value else self.no


class KnownFlag(Flag):
    """A column that may be unknown (null). True and false: it is known to be so.

    unknown: the rows of which it is not known, where these can be asked for.
    """

    UNKNOWN = "unknown"

    def __init__(self, label: str, column: str, unknown: Q | None = None) -> None:
        super().__init__(label, Q(**{column: True}), Q(**{column: False}))
        self.unknown = unknown

    def read(self, value: object) -> Any:
        if self.unknown is None:
            return booleans.read(value)
        if isinstance(value, str) and value.strip().casefold() == self.UNKNOWN:
            return self.UNKNOWN
        try:
            return booleans.read(value)
        except ValueError:
            raise ValueError("Write true, false or unknown.") from None

    def passes(self, values: Sequence[Any]) -> Q:
        if self.unknown is not None and values[0] == self.UNKNOWN:
            return self.unknown
        return super().passes(values)


class Bound(Filter):
    """The least or the most (`lookup`: gte, lte) that a numeric column may be. whole: the column holds integers."""

    several = False

    def __init__(self, label: str, column: str, lookup: str, *, whole: bool = True) -> None:
        super().__init__(label)
        self.column, self.lookup, self.whole = column, lookup, whole

    def read(self, value: object) -> Any:
        return numbers.plain(numbers.read(value))

    def passes(self, values: Sequence[Any]) -> Q:
        (value,) = values
        number = Decimal(repr(value))
        if self.whole:  # Django cuts -0.5 to 0, and would pass what is more than -0.5
            number = number.to_integral_value(ROUND_CEILING if self.lookup == "gte" else ROUND_FLOOR)
        return Q(**{f"{self.column}__{self.lookup}": int(number) if self.whole else number})


class Text(Filter):
    """A column that is this text. upper: stored in upper case. exact: goes by an index, where `iexact` has none."""

    def __init__(self, label: str, column: str, most: int, *, exact: bool = False, upper: bool = False) -> None:
        super().__init__(label)
        self.column, self.most, self.exact, self.upper = column, most, exact or upper, upper

    def read(self, value: object) -> Any:
        text = str(value).strip() if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str):
            raise ValueError("Write a text.")
        text = text.strip()
        if len(text) > self.most:
            raise ValueError(f"It has at most {self.most} characters.")
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError("Null characters and halves of characters are not allowed.")
        return text

    def passes(self, values: Sequence[Any]) -> Q:
        wanted = [value.upper() if self.upper else value for value in values]
        if self.exact:
            return Q(**{self.column: wanted[0]} if len(wanted) == 1 else {f"{self.column}__in": wanted})
        return Q(*(Q(**{f"{self.column}__iexact": value}) for value in wanted), _connector=Q.OR)


class Choice(Text):
    """One of a few words. by_value: the rows of a value, where it is not simply what stands in the column."""

    def __init__(
        self,
        label: str,
        column: str,
        choices: Sequence[tuple[str, str]],
        by_value: Callable[[str], Q] | None = None,
    ) -> None:
        super().__init__(label, column, 100, exact=True)
        self.choices, self.by_value = list(choices), by_value

    def read(self, value: object) -> Any:
        known = [one for one, _ in self.choices]
        if not isinstance(value, str) or value.strip() not in known:
            raise ValueError(f"Write one of: {', '.join(known)}.")
        return value.strip()

    def passes(self, values: Sequence[Any]) -> Q:
        if self.by_value is None:
            return super().passes(values)
        return Q(*(self.by_value(value) for value in values), _connector=Q.OR)


class Moment(Filter):
    """A time before or after (`lookup`: lt, gte) a day begins or a moment is, by the clock of the person who asks.

    A day (2026-11-29), a moment (2026-11-29T14:30) or how many days ago (30d), which is another day tomorrow.
    """

    several = False
    AGO_MAX = 36_500  # days: a century
    _AGO = re.compile(r"([0-9]{1,5}) ?d", re.ASCII | re.IGNORECASE)

    def __init__(self, label: str, column: str, lookup: str) -> None:
        super().__init__(label)
        self.column, self.lookup = column, lookup

    def read(self, value: object) -> Any:
        text = value.strip() if isinstance(value, str) else ""
        if ago := self._AGO.fullmatch(text):
            if int(ago[1]) <= self.AGO_MAX:
                return f"{int(ago[1])}d"
            raise ValueError(f"At most {self.AGO_MAX:,} days can be asked for.")
        try:
            if not text.isascii() or not 1900 <= datetime.fromisoformat(text).year <= 2999:
                raise ValueError
        except ValueError:
            raise ValueError("Write a day such as 2026-11-29, or how many days ago, such as 30d.") from None
        return text

    def passes(self, values: Sequence[Any]) -> Q:
        (text,) = values
        return Q(**{f"{self.column}__{self.lookup}": self.moment(text)})

    def moment(self, text: str) -> datetime:
        """What `read` gave, as a moment."""
        if ago := self._AGO.fullmatch(text):
            return timezone.now() - timedelta(days=int(ago[1]))
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else timezone.make_aware(at)


class NotFor(Filter):
    """The time in this column was not within so many days: it lies before, or never was."""

    several = False

    def __init__(self, label: str, column: str) -> None:
        super().__init__(label)
        self.column = column

    def read(self, value: object) -> Any:
        days = numbers.read_whole(value)
        if not 1 <= days <= Moment.AGO_MAX:
            raise ValueError(f"Enter 1 to {Moment.AGO_MAX:,} days.")
        return days

    def passes(self, values: Sequence[Any]) -> Q:
        before = timezone.now() - timedelta(days=values[0])
        return Q(**{f"{self.column}__lt": before}) | Q(**{f"{self.column}__isnull": True})


class Count(Filter):
    """At least so many of something. `passes` is the subclass's."""

    several = False
    LEAST, MOST = 2, 1_000

    def read(self, value: object) -> Any:
        count = numbers.read_whole(value)
        if not self.LEAST <= count <= self.MOST:
            raise ValueError(f"Enter {self.LEAST} to {self.MOST:,}.")
        return count


class Years(Filter):
    """How many full years ago (at least: gte, at most: lte) the day in this column was."""

    several = False
    MOST = 300

    def __init__(self, label: str, column: str, lookup: str) -> None:
        super().__init__(label)
        self.column, self.lookup = column, lookup

    def read(self, value: object) -> Any:
        years = numbers.read_whole(value)
        if not 0 <= years <= self.MOST:
            raise ValueError(f"Enter 0 to {self.MOST} years.")
        return years

    def passes(self, values: Sequence[Any]) -> Q:
        (years,) = values
        today = timezone.localdate()
        if self.lookup == "gte":
            return Q(**{f"{self.column}__lte": years_before(today, years)})
        return Q(**{f"{self.column}__gt": years_before(today, years + 1)})


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; of February 29, the day before where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
