"""The board: a column for each status and each of the team's labels, in it the leads somebody touched last.

A column is read by an index of its own (`lead_of_team_on_board`, `lead_by_label`), a page at a time; only where these
are fewer than a page, leads that nobody has touched follow, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects

from leads.models import Lead, StatusLabel
from leads.pipeline.labels import labels_of
from leads.pipeline.moving import Stage

PAGE = 20  # cards of a column
COUNTED = 1_000  # leads of a column are counted up to this many: a thousand index entries, a millisecond
# What a card tells, and what moving it needs.
SHOWN = (
    "id", "team_id", "bucket_id", "status", "status_label_id", "property_id", "apn", "property_address",
    "property_city", "property_state", "owner_name", "first_name", "last_name", "estimated_equity", "phone",
    "last_activity_at", "callback_at", "assigned_to_id", "activity_count", "merged_into_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card stands in its column; touched: when somebody last did something about it, None: nobody has."""

    touched: datetime | None
    pk: UUID

    def __str__(self) -> str:
        return f"{self.touched.astimezone(UTC).isoformat() if self.touched else ''}~{self.pk}"

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises ValueError."""
        touched, _, pk = text.partition("~")
        at = datetime.fromisoformat(touched) if touched else None
        if len(text) > 100 or (at is not None and at.tzinfo is None):
            raise ValueError("This is no place of the board.")
        return cls(at, UUID(pk))


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as it is headed. offered: leads may be moved to it; a retired label's column only lets them go."""

    stage: Stage
    status: str
    label: StatusLabel | None = None

    @property
    def key(self) -> str:
        return self.stage.key

    @property
    def words(self) -> str:
        return str(self.label) if self.label else self.status

    @property
    def offered(self) -> bool:
        return self.label is None or self.label.retired_at is None


@dataclass(frozen=True, slots=True)
class Column:
    """A page of a column. count: of its leads, at most COUNTED + 1, which means more. after: behind the last card."""

    heading: Heading
    leads: Sequence[Lead]
    count: int
    after: Place | None

    @property
    def counted(self) -> str:
        return f"{COUNTED:,}+" if self.count > COUNTED else f"{self.count:,}"


def headings(team_id: int | None) -> list[Heading]:
    """The columns of a team's board, from left to right: each status, and behind it its labels."""
    labels = labels_of(team_id, retired=True)
    found = []
    for status, words in Lead.Status.choices:
        found.append(Heading(Stage(status), words))
        found += [Heading(Stage(status, one.pk), words, one) for one in labels if one.status == status]
    return found


def board_of(leads: QuerySet[Lead], team_id: int | None, *, limit: int = PAGE) -> Iterator[Column]:
    """The first page of every column. leads: those she may see, of one team, filtered. The column of a retired label is
    there while leads have it.
    """
    for heading in headings(team_id):
        column = column_of(leads, heading, limit=limit)
        if heading.offered or column.leads:
            yield column


def column_of(leads: QuerySet[Lead], heading: Heading, *, at: Place | None = None, limit: int = PAGE) -> Column:
    """A page of one column, behind the place `at`."""
    rows = _in(leads, heading.stage)
    found = _page(rows, at=at, limit=limit + 1)
    after = Place(found[limit - 1].last_activity_at, found[limit - 1].pk) if len(found) > limit else None
    if at is None and after is None:
        count = len(found)
    else:
        count = rows.order_by()[: COUNTED + 1].count()
    return Column(heading, found[:limit], count, after)


def _in(leads: QuerySet[Lead], stage: Stage) -> QuerySet[Lead]:
    if stage.label_id:
        return leads.filter(status_label=stage.label_id)
    return leads.filter(status=stage.status, status_label__isnull=True)


def _page(rows: QuerySet[Lead], *, at: Place | None, limit: int) -> list[Lead]:
    rows = rows.only(*SHOWN)
    found: list[Lead] = []
    if at is None or at.touched is not None:
        touched = rows.filter(last_activity_at__isnull=False)
        if at is not None:
            # Not as an "or" of two bounds: PostgreSQL would read both parts and sort, where one walk of the index does.
            same = {"last_activity_at": at.touched, "pk__gte": at.pk}
            touched = touched.filter(last_activity_at__lte=at.touched).exclude(**same)
        found = list(touched.order_by("-last_activity_at", "-pk")[:limit])
        at = None
    if len(found) < limit:
        rest = rows.filter(last_activity_at__isnull=True)
        rest = rest.filter(pk__lt=at.pk) if at is not None else rest
        found += rest.order_by("-pk")[: limit - len(found)]
    prefetch_related_objects(found, "assigned_to")  # a join of its table would be planned before the index's order
    return found
