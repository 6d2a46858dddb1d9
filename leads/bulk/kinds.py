"""What can be done to many leads: each kind says who may, what it must be told, and how it does and undoes a piece.

Rooms above register theirs in `apps.ready()`: moving and copying know buckets, deleting and enriching know runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.access import Access, Scope
from leads.models import BulkJob

Arguments = dict[str, Any]
MOST = 1_000_000  # leads of one job


class BulkError(Exception):
    """It cannot be done as it was asked. `code` for programs, the message for people, `field` where one is to blame."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field


class Stopped(Exception):
    """The job cannot go on: its tag, its bucket or its user's role is gone. In words for its page."""


@dataclass(slots=True)
class Done:
    """Of one piece. left_out: by reason, in words, how many were left as they were."""

    changed: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """A piece to do. lead_ids: those of its `size` leads that its user may still change, in the order of their ids.

    held: buckets that this transaction holds.
    """

    job: BulkJob
    access: Access
    lead_ids: Sequence[UUID]
    size: int
    held: Collection[UUID] = ()


def _no_buckets(_job: BulkJob, _lead_ids: Sequence[UUID]) -> Collection[UUID]:
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """scopes: what a role needs. whole_team: not for callers. piece: leads of one transaction. most: leads at most.

    read: checks what was said and gives it back as the job keeps it; raises BulkError.
    do: changes a piece, in the transaction that holds the job, and writes down what it changed.
    undo: changes these leads back where they still are as the job left them; returns how many. None: it cannot be
    undone. holds, undo_holds: buckets that a piece must hold first; `undo` is told which it holds.
    final: what is said before it, and asked a second time. at_once: it is over when its leads are written down.
    asks: a person says yes to a price first. over: called in the transaction in which it ends.
    """

    name: str
    read: Callable[[Access, Mapping[str, Any]], Arguments]
    do: Callable[[Work], Done] | None
    scopes: Collection[Scope] = (Scope.WRITE,)
    whole_team: bool = False
    piece: int = 5_000
    most: int = MOST
    holds: Callable[[BulkJob, Sequence[UUID]], Collection[UUID]] = _no_buckets
    undo: Callable[[BulkJob, Sequence[UUID], Collection[UUID]], int] | None = None
    undo_holds: Callable[[BulkJob, Sequence[UUID]], Collection[UUID]] = _no_buckets
    final: str = ""
    at_once: bool = False
    asks: bool = False
    over: Callable[[BulkJob], None] = lambda _job: None

    def allows(self, access: Access) -> bool:
        """Whether this person may ask for it."""
        if access.team_id is None or (self.whole_team and access.only_assigned):
            return False
        return all(access.can(scope) for scope in self.scopes)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(name: str) -> Kind:
    return _kinds[name]


def kinds() -> Mapping[str, Kind]:
    return _kinds


def said(given: Mapping[str, Any], *names: str) -> None:
    """Raises BulkError for an argument that the kind does not know."""
    for name in given:
        if name not in names:
            raise BulkError("INVALID", "There is no such argument here.", f"arguments.{str(name)[:50]}")


def text_in(given: Mapping[str, Any], name: str, most: int, *, needed: bool = True) -> str:
    """A text argument of 1 to `most` characters; "" where it may be left out. Raises BulkError."""
    value = given.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or "\x00" in value or (needed and not value.strip()) or len(value.strip()) > most:
        raise BulkError("INVALID", f"A text of 1 to {most:,} characters is needed.", f"arguments.{name}")
    return value.strip()


def choice_in(given: Mapping[str, Any], name: str, choices: Sequence[str], default: str = "") -> str:
    """One of these. Raises BulkError."""
    value = given.get(name, default or None)
    if value not in choices:
        raise BulkError("INVALID", f"One of {', '.join(choices)}.", f"arguments.{name}")
    return str(value)


def id_in(given: Mapping[str, Any], name: str) -> UUID:
    """A UUID in text. Raises BulkError."""
    try:
        return UUID(given[name]) if isinstance(given[name], str) else UUID("")
    except (KeyError, ValueError):
        raise BulkError("INVALID", "A UUID in text is needed.", f"arguments.{name}") from None
