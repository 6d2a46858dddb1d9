"""Where a person is looked for, to be forgotten or to be told of: every place. Rooms above register theirs.

Forgetting goes row by row, in pieces; what a report tells of a place is `leads.privacy.telling`.

A piece is one transaction's worth. It is told whom it looks for by keyed hashes alone, so a job holds no contact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Model, Q

from leads.facts.sources import MAILING, NAMES, SLOTS, TRACED, name_of
from leads.keys import key_secrets
from leads.keys.owner_keys import name_keys
from leads.privacy.person import OWN, OWNER_FORGOTTEN, TEXTS, applied, values_of, without
from leads.privacy.texts import (
    Value,
    json_values,
    json_without,
    query_values,
    query_without,
    text_without,
    values_in,
)

if TYPE_CHECKING:
    from leads.privacy.telling import Look, Told

Tell = Callable[["Look"], Iterable["Told"]]
_PLAIN = {*TEXTS, *SLOTS, "email", *MAILING, *TRACED, "property_zip"}  # columns that tell of an owner in plain text
_CAPITAL = re.compile("[A-Z]")
PIECE = 2_000  # rows: wide leads in a quarter of a second


class Her:
    """The person, by keyed hashes. since: when forgetting her began."""

    def __init__(self, digests: Iterable[tuple[int, bytes]], *, since: datetime) -> None:
        self.digests = frozenset(digests)
        self.since = since
        self._secrets = key_secrets.for_reading()

    def among(self, values: Collection[Value]) -> set[Value]:
        """Those of these values that are hers."""
        return {
            value
            for value in values
            if any((value[0], key_secrets.digest(secret, *value)) in self.digests for secret in self._secrets)
        }

    def text(self, text: str, names: Iterable[str] = ()) -> str:
        names = tuple(names)
        hers = self.among({value for value, _ in values_in(text)})
        return text_without(text, hers, names) if hers or names else text

    def query(self, query: str, names: Iterable[str] = ()) -> str:
        """The filters of a page's address."""
        names = tuple(names)
        hers = self.among(query_values(query))
        return query_without(query, hers, names) if hers or names else query

    def json(self, value: Any, names: Iterable[str] = ()) -> Any:
        names = tuple(names)
        hers = self.among(json_values(value))
        return json_without(value, hers, names) if hers or names else value

    def record(
        self, facts: Mapping[str, Any], names: Collection[str] = (), *, is_answer: bool = False
    ) -> Mapping[str, Any]:
        """A record by a lead's columns, or some of them. names: hers for certain: the record tells of her lead.

        is_answer: purchased: it says that its owner must not be traced.
        """
        hers = self.among(values_of(facts))
        cut = without(facts, hers) if hers else None
        after = dict(applied(facts, cut)) if cut and cut.changes else dict(facts)
        if not is_answer:
            after.pop(OWNER_FORGOTTEN, None)
        if name_of(after) and set(name_keys(name_of(after))) & set(names):
            after |= {column: None for column in (*NAMES, *MAILING) if column in after}
        for column in ("second_owner_name", "contact_name"):
            if after.get(column) and set(name_keys(after[column])) & set(names):
                after[column] = None
        for column, value in after.items():
            if isinstance(value, str | list | dict):
                after[column] = self.json(value, names if column in ("other_facts", *OWN, "apollo_data") else ())
        return after if after != facts else facts


@dataclass(frozen=True, slots=True)
class Piece:
    """What came of one. after: the last row that was looked at; None: that was the last piece."""

    after: str | None
    looked_at: int = 0
    changed: int = 0


Search = Callable[[str, Her], Piece]
_places: dict[str, Search] = {}
_tellers: dict[str, Tell | str] = {}
_of_leads: list[Callable[[UUID, Her, Collection[str]], int]] = []


def search_in(name: str, search: Search, tell: Tell | str) -> None:
    """Registers a place. search: called in a transaction that holds the job, with where the last piece ended.

    tell: what a report tells of it; a text: why it tells nothing.
    """
    _places[name], _tellers[name] = search, tell


def tell_also(name: str, tell: Tell) -> None:
    """Registers what a report tells, though nothing of it is forgotten there."""
    _tellers[name] = tell


def search_with_lead(search: Callable[[UUID, Her, Collection[str]], int]) -> None:
    """Registers what hangs on a lead. Called in the transaction that blanks her in it, with her names' keys there.

    Returns how many rows it changed.
    """
    _of_leads.append(search)


def places() -> Mapping[str, Search]:
    return _places


def tellers() -> Mapping[str, Tell | str]:
    """By place: what a report tells of it, or why it tells nothing."""
    return _tellers


def change_with_lead(lead_id: UUID, her: Her, names: Collection[str]) -> int:
    return sum(search(lead_id, her, names) for search in _of_leads)


def first_changed(asked: Iterable[Any], change: Callable[..., int], *, most: int | None = None) -> Piece:
    """Looks at rows, each with its key first, as far as the one that `change` changes. most: how many were asked for.

    One a transaction: who holds one row of a table waits for no second, whatever order others take them in.
    """
    rows = list(asked)
    for looked_at, row in enumerate(rows, start=1):
        if change(*row):
            return Piece(str(row[0]), looked_at, 1)
    return Piece(str(rows[-1][0]) if len(rows) == (most or PIECE) else None, len(rows))


def in_texts(model: type[Model], columns: Sequence[str]) -> Search:
    """Phones and e-mails within texts and JSON of a table. Rows somebody changes meanwhile are read again."""
    manager: Any = getattr(model, "every", model._base_manager)  # Django's own name

    def search(after: str, her: Her) -> Piece:
        def change(pk: Any, *values: Any) -> int:
            old = {name: value for name, value in zip(columns, values, strict=True) if value}
            new = {name: her.text(value) if isinstance(value, str) else her.json(value) for name, value in old.items()}
            changes = {name: _fitting(model, name, value) for name, value in new.items() if value != old[name]}
            same = Q(**{name: old[name] for name in changes})
            return int(manager.filter(same, pk=pk).update(**changes)) if changes else 0

        rows = manager.order_by("pk").values_list("pk", *columns)
        return first_changed((rows.filter(pk__gt=after) if after else rows)[:PIECE], change)

    return search


def _fitting(model: type[Model], column: str, value: Any) -> Any:
    """ "[forgotten]" may be longer than what it stands for."""
    most = getattr(model._meta.get_field(column), "max_length", None)  # Django's own name
    return value[:most] if isinstance(value, str) else value


def in_bodies(model: type[Model], column: str) -> Search:
    """JSON kept as bytes, as it came: her element is taken out, others stay. What cannot be read as JSON goes whole."""
    manager: Any = model._base_manager  # Django's own name

    def search(after: str, her: Her) -> Piece:
        def change(pk: Any, body: Any) -> int:
            left = _body_without(raw := bytes(body), her)
            return int(manager.filter(pk=pk, **{column: raw}).update(**{column: left})) if left != raw else 0

        rows = manager.filter(**{f"{column}__isnull": False}).order_by("pk").values_list("pk", column)
        return first_changed((rows.filter(pk__gt=after) if after else rows)[:PIECE], change)

    return search


def in_answers(model: type[Model], column: str) -> Search:
    """Answers of our own API, kept as text: what is hers of each object in them. What is no JSON is read as a text."""
    manager: Any = model._base_manager  # Django's own name

    def search(after: str, her: Her) -> Piece:
        def change(pk: Any, body: str) -> int:
            left = _answer_without(body, her)
            return int(manager.filter(pk=pk, **{column: body}).update(**{column: left})) if left != body else 0

        rows = manager.exclude(**{column: ""}).order_by("pk").values_list("pk", column)
        return first_changed((rows.filter(pk__gt=after) if after else rows)[:PIECE], change)

    return search


def _answer_without(body: str, her: Her) -> str:
    try:
        told = json.loads(body)
        left = her.json(_objects_without(told, her))
    except (ValueError, RecursionError):
        return her.text(body)
    return json.dumps(left) if left != told else body


def _objects_without(value: Any, her: Her) -> Any:
    """Each object that tells of an owner by a lead's columns, as `common.api.serializers.camel` spells them."""
    if isinstance(value, list):
        return [_objects_without(one, her) for one in value]
    if not isinstance(value, Mapping):
        return value
    facts = {_snake(name): one for name, one in value.items() if isinstance(one, str)}
    left = her.record({name: one for name, one in facts.items() if name in _PLAIN})
    return {
        name: left.get(_snake(name)) if isinstance(one, str) and _snake(name) in _PLAIN else _objects_without(one, her)
        for name, one in value.items()
    }


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)


def _body_without(raw: bytes, her: Her) -> bytes | None:
    text = raw.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None if her.among({value for value, _ in values_in(text)}) else raw
    left = her.json(told)
    return json.dumps(left).encode() if left != told else raw
