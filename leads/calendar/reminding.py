"""Reminds people of what is next in their calendars: one mail a person and sweep, each event once."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, transaction
from django.template.loader import render_to_string

from accounts.models import User
from accounts.sign_in.notices import MAIL_TROUBLE
from common.dates import moment
from leads.calendar import clock
from leads.models import Event

log = logging.getLogger(__name__)
LATE = timedelta(hours=1)  # what began longer ago is no reminder any more: a mail server or a worker was away
NAMED = 20  # events in one mail
PIECE = 500  # events a transaction


def remind() -> int:
    """Marks what is due as reminded of, and mails it once that is committed: a worker that is killed in between loses
    a reminder, and none comes twice. Returns how many events.
    """
    reminded, now = 0, clock.now()
    while ids := _remind_piece(now):
        reminded += len(ids)
        if len(ids) < PIECE:
            break
    return reminded


def _remind_piece(now: datetime) -> list[str]:
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
        transaction.on_commit(lambda: _mail(ids, now))
    return ids


def _mail(ids: list[str], now: datetime) -> None:
    by_owner: dict[int, list[Event]] = defaultdict(list)
    fresh = Event.objects.filter(pk__in=ids).select_related("owner", "lead").order_by("starts_at", "pk")
    for event in fresh:
        if event.starts_at > now - LATE:
            by_owner[event.owner_id].append(event)
    for events in by_owner.values():
        _mail_one(events[0].owner, events)


def _mail_one(user: User, events: list[Event]) -> None:
    """Names no owner and no phone: a mailbox is not ours to keep."""
    if not (user.email and user.is_active and settings.MAIL_IS_SET_UP):
        return
    lines = [f"{moment(one.starts_at, user.time_zone)}: {one.get_kind_display()}" for one in events[:NAMED]]
    about = {
        "user": user,
        "lines": lines,
        "more": len(events) - NAMED,
        "link": f"{settings.PUBLIC_URL}/admin/calendar/",
    }
    subject = lines[0] if len(events) == 1 else f"{len(events)} events in your calendar are due"
    try:
        send_mail(subject, render_to_string("booking/email/reminder.txt", about), None, [user.email])
    except MAIL_TROUBLE as error:
        log.error("A reminder could not be mailed: %s", type(error).__name__)
