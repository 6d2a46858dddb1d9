"""What waits for a person, of every room: Home lists it. Each room registers its sources in its `apps.ready()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractUser
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


Source = Callable[[Any, datetime], Iterable[Need]]  # by user and the database's time
_sources: list[tuple[int, Source]] = []


def needs_attention(rank: int, source: Source) -> None:
    """Registers what a room asks of a person. rank: its place on the page, the most urgent first."""
    _sources.append((rank, source))


def needs(user: AbstractUser, now: datetime) -> list[Need]:
    """What waits for this person, the most urgent first."""
    by_rank = sorted(_sources, key=lambda one: one[0])
    return [need for _, source in by_rank for need in source(user, now)]


def mine(rows: QuerySet[M], user: AbstractUser, owner: str = "owner") -> QuerySet[M]:
    """The rows this person sees: superusers see all."""
    return rows if user.is_superuser else rows.filter(**{owner: user})
