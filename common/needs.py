"""What waits for a person, of every room: Home lists it. Each room registers its sources in its `apps.ready()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
RECENT = timedelta(days=14)  # what failed before that is no news
SHOWN = 10  # of a kind


@dataclass(frozen=True, slots=True)
class Need:
    """Something a person has to decide or mend. row: what it is about, a row or the model whose list it is in.

    parts: some of the rows it tells of, each with its words. resume: one press goes on with the run that `row` is.
    """

    title: str
    words: str
    row: Any
    parts: Sequence[tuple[str, Any]] = ()
    resume: bool = False


# By access (`accounts.access.Access`, which this room does not know) and the database's time.
Source = Callable[[Any, datetime], Iterable[Need]]
_sources: list[tuple[int, Source]] = []


def needs_attention(rank: int, source: Source) -> None:
    """Registers what a room asks of a person. rank: its place on the page, the most urgent first."""
    _sources.append((rank, source))


def needs(access: Any, now: datetime) -> list[Need]:
    """What waits for this person in the team she acts in, the most urgent first."""
    by_rank = sorted(_sources, key=lambda one: one[0])
    return [need for _, source in by_rank for need in source(access, now)]


def of_team(rows: QuerySet[M], access: Any, team: str = "team") -> QuerySet[M]:
    """The rows of the team she acts in; team: the path to it. A caller sees leads, and none of these."""
    if access.team_id is None or access.only_assigned:
        return rows.none()
    return rows.filter(**{team: access.team_id})


def operates(access: Any) -> bool:
    """Whether this person looks after vendors and all teams' money."""
    return bool(access.user.is_active and (access.user.is_superuser or access.user.is_operator))
