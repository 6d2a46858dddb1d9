"""A person's own notifications of the team she acts in. Reads, and the marks of what she has read."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from accounts.access import Access
from accounts.models import Notification
from common.db.clock import CLOCK

UNREAD_MOST = 99  # counted; a badge says 99+


def notices_of(access: Access) -> QuerySet[Notification]:
    """Hers, in the team she acts in; none where she is in none."""
    return Notification.objects.filter(user=access.user.pk, team=access.team_id, is_shown=True)


def unread(access: Access) -> int:
    """How many she has not read; UNREAD_MOST + 1: more."""
    if access.team_id is None:
        return 0
    rows = notices_of(access).filter(read_at__isnull=True)
    return int(rows.order_by().values("pk")[: UNREAD_MOST + 1].count())


def mark_read(access: Access, *, ids: Sequence[UUID] | None = None, until: UUID | None = None) -> int:
    """Marks these, or all up to one that she has seen (None of both: all). Returns how many were unread."""
    rows = notices_of(access).filter(read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    if until is not None:
        rows = rows.filter(pk__lte=until)
    return rows.update(read_at=CLOCK)
