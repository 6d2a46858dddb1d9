"""What a report tells of each place: the same list that forgetting walks (`leads.privacy.places`).

What hangs on a person's leads is found by indexes. What bears a phone or an e-mail of theirs elsewhere is looked for
row by row, the newest first: for as long as a page can wait, or to the end where a command asks.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q, QuerySet
from psycopg.errors import QueryCanceled

from leads.keys.owner_keys import OWNER, PHONE
from leads.privacy.finding import EVERYWHERE, Found, Reach
from leads.privacy.places import Her
from leads.privacy.texts import Value, json_with, values_in

PIECE = 500  # rows read at once
SECONDS = 0.06  # a place, on a page and in the API: there are 15, and a report takes 2 at most
MOST = 200  # rows told of a place
_NO_DIGIT, _NO_LETTER = re.compile(r"\D+"), re.compile(r"[^A-Z]+")


class Known(Her):
    """The person, by the values themselves: forgetting has their hashes alone."""

    def __init__(self, values: Collection[Value]) -> None:
        super().__init__((), since=datetime.min.replace(tzinfo=UTC))
        self._values = frozenset(values)

    def among(self, values: Collection[Value]) -> set[Value]:
        return {value for value in values if value in self._values}


@dataclass(frozen=True, slots=True)
class Told:
    """A row that holds the person. what: it is, in words. data: its values by name. team_id: whose; None: nobody's."""

    what: str
    data: Mapping[str, Any]
    at: datetime | None = None
    team_id: int | None = None


@dataclass(slots=True)
class Look:
    """Who is looked for, and where. seconds: for each place; None: each is looked through to its end.

    is_cut: the place that is being told has more rows than were looked at.
    """

    found: Found
    within: Reach
    seconds: float | None
    is_cut: bool = False
    _until: float | None = None
    her: Known = field(init=False)

    def __post_init__(self) -> None:
        self.her = Known(self.found.values)

    @property
    def is_everywhere(self) -> bool:
        return self.within is EVERYWHERE

    def begin(self) -> None:
        """The next place."""
        self.is_cut, self._until = False, None if self.seconds is None else time.monotonic() + self.seconds

    def is_over(self) -> bool:
        """Whether the time of this place is: then the report says that it was not looked through to its end."""
        self.is_cut = self.is_cut or (self._until is not None and time.monotonic() > self._until)
        return self.is_cut

    def of_team(self, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
        """The team's rows, by the name of the column that leads to it; all, where everything is told."""
        return rows if self.is_everywhere else rows.filter(**{path: self.within})

    def through(self, rows: QuerySet[Any], *columns: str, piece: int = PIECE) -> Iterator[tuple[Any, ...]]:
        """(pk, *columns) of the rows, the newest first, until the time of this place is over."""
        rows, last = rows.order_by("-pk").values_list("pk", *columns), None
        while True:
            read = self._read((rows if last is None else rows.filter(pk__lt=last))[:piece])
            for row in read:
                if self.is_over():
                    return
                yield row
            if len(read) < piece:
                return
            last = read[-1][0]

    def _read(self, rows: QuerySet[Any]) -> list[tuple[Any, ...]]:
        """A piece; none where PostgreSQL takes longer for it than this place has: a team may have few rows of many."""
        if self._until is None:
            return list(rows)
        left = max(1, round(1000 * (self._until - time.monotonic())))
        set_timeout = "SELECT set_config('statement_timeout', %s, true)"
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('statement_timeout')")
                (before,) = cursor.fetchone()
                cursor.execute(set_timeout, [f"{left}ms"])
                read = list(rows)
                cursor.execute(set_timeout, [before])
                return read
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            self.is_cut = True
            return []

    def may_hold(self, text: str) -> bool:
        """Whether a row of a file is worth reading cell by cell, which takes 50 times as long."""
        if "%" in text or "&" in text:
            return True
        plain = text if text.isascii() else unicodedata.normalize("NFKD", text)
        digits, letters = _NO_DIGIT.sub("", plain), _NO_LETTER.sub("", plain.upper())
        known = digits, plain.casefold()
        for kind, value in self.found.values:
            if kind == OWNER:
                words = value.partition("|")[0].split()
                if all(_NO_LETTER.sub("", word) in letters for word in words):
                    return True
            elif (value.lstrip("+").removeprefix("1") if kind == PHONE else value) in known[kind - PHONE]:
                return True
        return False

    def holds(self, value: Any, names: Collection[str] = ()) -> bool:
        """Whether a text or JSON has their phone or e-mail, or one of these names."""
        if not value:
            return False
        if isinstance(value, str):
            return self.her.text(value, names) != value or ("=" in value and self.her.query(value, names) != value)
        return bool(self.her.json(value, names) != value)


Tell = Callable[[Look], Iterable[Told]]


def in_texts(
    model: type[Model],
    columns: Sequence[str],
    *,
    what: str,
    team: str | None,
    beside: Sequence[str] = (),
    at: str = "created_at",
    leads: Sequence[str] = (),
    by_name: bool = False,
) -> Tell:
    """Rows of a table whose texts or JSON hold the person.

    team: the column that leads to the team; None: the row is the installation's, and told where everything is.
    beside: columns that are told with them. leads: those that name a lead: rows of the person's leads are found by
    them, and told for the person's name as well. by_name: rows of the teams of these leads too. at: when; empty: the
    table does not say.
    """
    manager: Any = getattr(model, "every", model._base_manager)  # Django's own name
    extra = [name for name in (team, at) if name]

    def told(row: tuple[Any, ...]) -> Told:
        values = dict(zip(("pk", *columns, *beside, *extra), row, strict=True))
        data = {name: values[name] for name in (*beside, *columns) if values[name] not in (None, "", [], {})}
        return Told(what, data, values[at] if at else None, values[team] if team else None)

    def tell(look: Look) -> Iterator[Told]:
        if team is None and not look.is_everywhere:
            return
        rows, seen = look.of_team(manager.all(), team) if team else manager.all(), set[Any]()
        texts = slice(1, 1 + len(columns))
        for row in _of_leads(rows, leads, look.found.leads, (*columns, *beside, *extra)):
            if any(look.holds(value, look.found.names) for value in row[texts]):
                seen.add(row[0])
                yield told(row)
        for row in look.through(rows, *columns, *beside, *extra):
            knows_name = by_name and row[-len(extra)] in look.found.teams
            names = look.found.names if knows_name else ()
            if row[0] not in seen and any(look.holds(value, names) for value in row[texts]):
                yield told(row)

    return tell


def _of_leads(
    rows: QuerySet[Any], leads: Sequence[str], ids: Collection[UUID], columns: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    if not leads or not ids:
        return
    which = Q()
    for name in leads:
        which |= Q(**{f"{name}__in": list(ids)})
    yield from rows.filter(which).order_by("-pk").values_list("pk", *columns)[:MOST]


def in_bodies(model: type[Model], column: str, *, what: str, at: str = "created_at") -> Tell:
    """JSON kept as it came, bytes or text: the person's part of it alone. The installation's."""
    manager: Any = model._base_manager  # Django's own name

    def tell(look: Look) -> Iterator[Told]:
        if not look.is_everywhere:
            return
        rows = manager.exclude(**{f"{column}__isnull": True})
        for _, body, when in look.through(rows, column, at, piece=50):
            text = body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")
            if look.her.among({value for value, _ in values_in(text)}) and (parts := _parts(text, look.her)):
                yield Told(what, {"content": parts}, when)

    return tell


def _parts(text: str, her: Known) -> list[Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return json_with(read, her.among)
