"""Reminds people of what is next in their calendars: a notification an event, which is mailed as her choice says."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.models import NoticeKind
from accounts.notices import Notice, notify_many
from common.dates import moment
from leads.calendar import clock
from leads.models import Event

LATE = timedelta(hours=1)  # what began longer ago is no reminder any more: a worker was away
PIECE = 500  # events a transaction


def remind() -> int:
    """Marks what is due as reminded of, and tells its person in the same transaction: a worker that is killed loses no
    reminder, and none comes twice. Returns how many events.
    """
    reminded, now = 0, clock.now()
    while many := _remind_piece(now):
        reminded += many
        if many < PIECE:
            break
    return reminded


def _remind_piece(now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_event SET reminded_at = clock_timestamp()
             WHERE id IN (SELECT id FROM leads_event
                           WHERE status = 'planned' AND reminded_at IS NULL AND remind_minutes IS NOT NULL
                             AND starts_at - make_interval(mins => remind_minutes::int) <= %s
                           ORDER BY starts_at LIMIT %s)
               AND reminded_at IS NULL
            RETURNING id
            """,
            [now, PIECE],
        )
        ids = [row[0] for row in cursor.fetchall()]
        fresh = Event.objects.filter(pk__in=ids, starts_at__gt=now - LATE).select_related("owner")
        notify_many(NoticeKind.CALLBACK, [_notice(event) for event in fresh.order_by("starts_at", "pk")], anew=True)
    return len(ids)


def _notice(event: Event) -> Notice:
    """Its time by its person's clock; neither the owner nor a phone."""
    words = f"{moment(event.starts_at, event.owner.time_zone)}: {event.get_kind_display()}"
    return Notice(event.team_id, event, words, (event.owner_id,))
