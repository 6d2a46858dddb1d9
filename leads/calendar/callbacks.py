"""A lead's one planned callback, and `Lead.callback_at`, its copy: both change here, in one transaction.

Each is in the caller's transaction, which has locked the leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import User
from leads.calendar.table import Event
from leads.locks import LEADS_IN_ORDER, lock_callbacks
from leads.models import Lead
from leads.privacy.filtering import kept_in

MINUTES = 15  # of a callback in the calendar
Status = Event.Status


def put(
    lead: Lead,
    at: datetime,
    *,
    owner_id: int,
    by: User | None,
    ends_at: datetime | None = None,
    title: str = "",
    note: str = "",
    place: str = "",
    anyone: bool = False,
    source: str = Event.Source.PERSON,
    remind_minutes: int | None = Event.REMIND_MINUTES,
) -> Event:
    """Plans the lead's callback, or moves the one that it has. lead: needs `team_id`; others' columns are not read.
    ends_at: None: a quarter of an hour later.

    It is moved even where a person had it in her calendar: one lead has one callback, the last word counts.
    """
    now = timezone.now()
    said: dict[str, Any] = {
        "owner_id": owner_id,
        "starts_at": at,
        "ends_at": ends_at or at + timedelta(minutes=MINUTES),
        "zone": by.time_zone if by else "UTC",
        "anyone": anyone,
        "source": source,
        "remind_minutes": remind_minutes,
        "reminded_at": None,
        "by_id": by.pk if by else None,
        "changed_at": now,
    }
    event = lock_callbacks([lead.pk]).get(lead.pk)
    if event is None:
        event = Event(lead_id=lead.pk, team_id=lead.team_id, kind=Event.Kind.CALLBACK, **said)
    else:
        for name, value in said.items():
            setattr(event, name, value)
        event.sequence += 1
    for name, text in (("title", title), ("note", note), ("place", place)):
        setattr(event, name, kept_in(event, name, text))
    event.save()
    Lead.every.filter(pk=lead.pk).update(callback_at=at, updated_at=now)
    return event


def end(lead_ids: Iterable[UUID], status: str = Status.DONE) -> int:
    """Ends the planned callbacks of these leads; returns how many there were."""
    ids, now = list(lead_ids), timezone.now()
    ended = end_events(list(lock_callbacks(ids).values()), status)
    Lead.every.filter(pk__in=ids, callback_at__isnull=False).update(callback_at=None, updated_at=now)
    return ended


def end_of_bucket(bucket_id: UUID) -> None:
    """Cancels the planned callbacks of a bucket that is deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH held AS MATERIALIZED (
                SELECT l.id FROM leads_lead l WHERE l.bucket_id = %s AND l.callback_at IS NOT NULL {LEADS_IN_ORDER}),
            ended AS (
                UPDATE leads_event e SET status = 'cancelled', sequence = sequence + 1, changed_at = now() FROM held
                 WHERE e.lead_id = held.id AND e.kind = 'callback' AND e.status = 'planned')
            UPDATE leads_lead l SET callback_at = NULL FROM held WHERE l.id = held.id
            """,  # noqa: S608  # a constant
            [bucket_id],
        )


def end_events(events: Sequence[Event], status: str) -> int:
    """Ends events that the transaction has locked."""
    now = timezone.now()
    for event in events:
        event.status, event.changed_at = Status(status), now
        event.sequence += status == Status.CANCELLED
    return Event.objects.bulk_update(events, ["status", "changed_at", "sequence"]) if events else 0


def follow(lead_ids: Iterable[UUID]) -> None:
    """Ends the callbacks of those of these leads whose copy a statement has just emptied: it was made."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_event e SET status = 'done', changed_at = now() FROM leads_lead l
             WHERE e.lead_id = ANY(%s) AND e.kind = 'callback' AND e.status = 'planned'
               AND l.id = e.lead_id AND l.callback_at IS NULL
            """,
            [list(lead_ids)],
        )


def after_join(older: Lead, younger: Lead) -> None:
    """Two leads have become one: of their callbacks the sooner one stays, as the older's; the other is cancelled.
    A hidden lead has none. Who works the lead has its callback, unless anyone may make it.
    """
    planned = lock_callbacks([older.pk, younger.pk])
    own, theirs = planned.get(older.pk), planned.get(younger.pk)
    if theirs is None:
        return
    if own is not None and own.starts_at <= theirs.starts_at:
        end_events([theirs], Status.CANCELLED)
        return
    if own is not None:
        end_events([own], Status.CANCELLED)
    _hand(theirs, older)


def after_part(older: Lead, younger: Lead) -> None:
    """One lead has become two again: each has the callback that its copy says."""
    at = dict(Lead.every.filter(pk__in=[older.pk, younger.pk]).values_list("pk", "callback_at"))
    planned = lock_callbacks([older.pk])
    shared = planned.get(older.pk)
    if shared is not None and shared.starts_at != at[older.pk] and shared.starts_at == at[younger.pk]:
        _hand(shared, younger)
    agree([older.pk, younger.pk])


def _hand(event: Event, lead: Lead) -> None:
    worker = None if event.anyone else lead.assigned_to_id
    owner_id = worker or event.owner_id
    Event.objects.filter(pk=event.pk).update(lead_id=lead.pk, owner_id=owner_id, changed_at=timezone.now())


def agree(lead_ids: Sequence[UUID]) -> None:
    """Makes the calendar say what the copies of these shown leads say."""
    planned = lock_callbacks(lead_ids)
    for lead in Lead.objects.filter(pk__in=lead_ids).order_by("pk"):
        event = planned.get(lead.pk)
        if lead.callback_at is None and event is not None:
            end_events([event], Status.CANCELLED)
        elif lead.callback_at is not None and (event is None or event.starts_at != lead.callback_at):
            owner = (event.owner_id if event else None) or lead.assigned_to_id or lead.owner_id
            said = {name: getattr(event, name) for name in ("title", "note", "place")} if event else {}
            put(lead, lead.callback_at, owner_id=owner, by=None, remind_minutes=None, **said)
