"""What a person does to her calendar. Each verb is one transaction, or joins the caller's.

Locks: the lead first, then the host (of an appointment), then the event: docs/locks.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from psycopg.errors import ExclusionViolation

from accounts.audit import record
from accounts.models import User
from accounts.webhooks import emit
from common.dates import iso
from common.db.clock import database_now
from leads.calendar import callbacks, clock
from leads.calendar.table import Event
from leads.locks import hold_host, lock_event, lock_leads
from leads.models import Activity, Lead
from leads.privacy.filtering import kept_in
from leads.rules import BadTime, moment_of

AHEAD = timedelta(days=731)  # two years: what is further ahead is a slip of the finger
LONGEST = timedelta(days=1)  # of one event
MINUTES = {Event.Kind.CALLBACK: callbacks.MINUTES, Event.Kind.REMINDER: 15, Event.Kind.APPOINTMENT: 30}
MISSED_AFTER = timedelta(days=1)  # what nobody has said anything about by then
Kind, Status, Source = Event.Kind, Event.Status, Event.Source
OnChange = Callable[[Event, str], None]
_on_change: list[OnChange] = []


class BadEnd(BadTime):
    """The end, or the length, is what cannot be meant."""


class SlotTaken(Exception):
    """Another appointment of this person stands there."""

    def __str__(self) -> str:
        return "There is another appointment at that time."


class EventClosed(Exception):
    """It is done, missed or cancelled, or was deleted meanwhile."""

    def __str__(self) -> str:
        return "This is over already, or was cancelled."


def on_change(tell: OnChange) -> None:
    """Registers what happens in the transaction that moves or cancels an event: (the event; "moved", "cancelled", or
    "withdrawn" where its guest had not confirmed it). A guest gets a mail.
    """
    _on_change.append(tell)


def plan(
    *,
    by: User,
    team_id: int,
    owner: User,
    kind: str,
    starts_at: datetime,
    ends_at: datetime | None = None,
    minutes: int | None = None,
    lead: Lead | None = None,
    title: str = "",
    note: str = "",
    place: str = "",
    anyone: bool = False,
    remind_minutes: int | None = Event.REMIND_MINUTES,
    source: str = Source.PERSON,
    zone: str = "",
    now: datetime | None = None,
) -> Event:
    """Puts something into a person's calendar, and into the history of its lead.

    A time without a zone is by the clock of `zone`, or of who plans it. minutes: how long; without it and `ends_at` as
    long as its kind usually is. remind_minutes: before it begins; None: no reminder. now: of the campaigns' clock,
    where the caller goes by it. Raises BadTime, SlotTaken; a callback needs a lead, and moves the one that it has.
    """
    zone = zone or by.time_zone
    starts = check_ahead(moment_of(starts_at, zone), now or clock.now())
    if kind == Kind.CALLBACK:
        if lead is None:
            raise BadTime("A callback needs a lead.")
        until = _end(starts, ends_at, minutes or MINUTES[Kind.CALLBACK], zone)
        with transaction.atomic():
            said: dict[str, Any] = {"note": note, "anyone": anyone, "source": source, "remind_minutes": remind_minutes}
            event = _plan_callback(lead, by, starts, owner, ends_at=until, title=title, place=place, **said)
            note_on_lead(lead, by, Activity.Kind.CALLBACK, event.note, due_at=starts)
        return event
    ends = _end(starts, ends_at, minutes or MINUTES[Kind(kind)], zone)
    event = Event(
        team_id=team_id, owner=owner, lead=lead, kind=kind, starts_at=starts, ends_at=ends, zone=zone,
        remind_minutes=remind_minutes, source=source, by_id=by.pk, changed_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        if lead is not None:
            lock_leads([lead.pk]).only("pk").get()
        for name, text in (("title", title), ("note", note), ("place", place)):
            setattr(event, name, kept_in(event, name, text))
        if kind == Kind.APPOINTMENT:
            free_expired(owner.pk)
        save_in_slot(event)
        if lead is not None and kind == Kind.APPOINTMENT:
            note_on_lead(lead, by, Activity.Kind.APPOINTMENT, title or "Appointment", ref=event.pk)
        if kind == Kind.APPOINTMENT:
            tell_booked(event)
    return event


def plan_callback(
    *,
    lead: Lead,
    by: User,
    at: datetime,
    note: str = "",
    anyone: bool = False,
    source: str = Source.PERSON,
    owner: User | None = None,
    remind_minutes: int | None = Event.REMIND_MINUTES,
    now: datetime | None = None,
) -> Event:
    """Plans the lead's one callback, or moves it, and writes its copy `Lead.callback_at`; adds no line to the history.

    In the caller's transaction, which has locked the lead (it is locked again here, which costs nothing). A time
    without a zone is by the clock of `by`. owner: in whose calendar; None: of who works the lead, else of `by`; from
    the dialer: of `by`, who promised it. anyone: any caller may make it. now: of the campaigns' clock, where the caller
    goes by it. Raises BadTime.
    """
    with transaction.atomic():
        starts = check_ahead(moment_of(at, by.time_zone), now or clock.now())
        said: dict[str, Any] = {"note": note, "anyone": anyone, "source": source, "remind_minutes": remind_minutes}
        return _plan_callback(lead, by, starts, owner, **said)


def _plan_callback(lead: Lead, by: User, at: datetime, owner: User | None, **said: Any) -> Event:
    locked = lock_leads([lead.pk]).only("pk", "team_id", "owner_id", "assigned_to_id", "callback_at").get()
    whose = by.pk if said["source"] == Source.DIALER else locked.assigned_to_id or by.pk
    return callbacks.put(locked, at, owner_id=owner.pk if owner else whose, by=by, **said)


def move(
    event: Event,
    *,
    by: User | None,
    starts_at: datetime,
    ends_at: datetime | None = None,
    minutes: int | None = None,
    zone: str = "",
    now: datetime | None = None,
) -> Event:
    """Moves an event that is still to come about; it keeps its length unless another one is said, and its UID. Its
    number of changes (SEQUENCE) grows; it is reminded of anew. by: None: its guest moved it. Raises BadTime, SlotTaken,
    EventClosed.
    """
    zone = zone or (by.time_zone if by else event.zone)
    starts = moment_of(starts_at, zone)
    with transaction.atomic():
        locked = lock_open(event)
        if starts != locked.starts_at:  # else only its length changes, which may be while it lasts
            check_ahead(starts, now or clock.now())
        length = timedelta(minutes=minutes) if minutes else locked.ends_at - locked.starts_at
        ends = _end(starts, ends_at, length.total_seconds() / 60, zone)
        if (locked.starts_at, locked.ends_at) == (starts, ends):
            return locked
        if locked.kind == Kind.APPOINTMENT:
            free_expired(locked.owner_id)
        locked.starts_at, locked.ends_at, locked.zone = starts, ends, zone
        locked.sequence, locked.reminded_at, locked.changed_at = locked.sequence + 1, None, timezone.now()
        save_in_slot(locked)
        _tell_lead(locked, by, starts)
        _tell_changed(locked, "moved")
    return locked


def change(event: Event, **said: Any) -> Event:
    """Changes what an open event says: title, note, place, anyone, remind_minutes, owner (a user who takes it over).
    Raises EventClosed, SlotTaken.
    """
    with transaction.atomic():
        owner = said.pop("owner", None)
        locked = lock_open(event, also=owner)
        locked.owner = owner or locked.owner
        place = locked.place
        for name, value in said.items():
            text = name in ("title", "note", "place")
            setattr(locked, name, kept_in(locked, name, value) if text else value)
        if said.get("remind_minutes") is not None:
            locked.reminded_at = None
        locked.changed_at = timezone.now()
        locked.sequence += 1
        save_in_slot(locked)
        if locked.place != place:  # a guest's calendar has it
            _tell_changed(locked, "moved")
    return locked


def finish(event: Event, *, by: User) -> Event:
    """It was done. Of a callback the lead's copy goes with it, and its history says so. Raises EventClosed."""
    with transaction.atomic():
        locked = lock_open(event, (Status.PLANNED,))
        _end_one(locked, Status.DONE)
        if locked.lead_id is not None and locked.kind != Kind.REMINDER:
            note_on_lead(locked.lead_id, by, Activity.Kind(locked.kind), "Done")
    return locked


def cancel(event: Event, *, by: User | None) -> Event:
    """It will not be. A guest who was invited gets a mail. Raises EventClosed."""
    with transaction.atomic():
        locked = lock_open(event)
        was_held = locked.status == Status.HELD
        _end_one(locked, Status.CANCELLED)
        if locked.lead_id is not None and locked.kind != Kind.REMINDER:
            note_on_lead(locked.lead_id, by, Activity.Kind(locked.kind), "Cancelled")
        if locked.kind == Kind.APPOINTMENT:
            record("appointment.cancelled", by=by, team_id=locked.team_id, about=locked)
        _tell_changed(locked, "withdrawn" if was_held else "cancelled")
    return locked


def miss_overdue() -> int:
    """Reminders and appointments that ended a day ago and that nobody called done are missed. Returns how many.
    A callback waits until somebody makes it.
    """
    past = Event.objects.filter(status=Status.PLANNED, ends_at__lt=clock.now() - MISSED_AFTER)
    return past.exclude(kind=Kind.CALLBACK).update(status=Status.MISSED, changed_at=timezone.now())


# --- Parts that booking uses too --------------------------------------------------------------------------------------


def lock_open(event: Event, statuses: tuple[str, ...] = Event.OPEN, *, also: User | None = None) -> Event:
    """The event, with its lead and its host before it; also: who is to be its host. Raises EventClosed where it is not
    in these states any more.
    """
    if event.lead_id is not None:
        list(lock_leads([event.lead_id]).only("pk"))
    if event.kind == Kind.APPOINTMENT:
        for host in sorted({event.owner_id, also.pk if also else event.owner_id}):
            hold_host(host)
    locked = lock_event(event.pk)
    if locked is None or locked.status not in statuses:
        raise EventClosed
    return locked


def free_expired(owner_id: int) -> None:
    """Holds the host, and deletes what guests have not confirmed in time."""
    hold_host(owner_id)
    Event.objects.filter(owner=owner_id, status=Status.HELD, held_until__lte=database_now()).delete()


def save_in_slot(event: Event) -> None:
    """Writes an event; the caller holds its host. Raises SlotTaken: nothing is written, the transaction goes on."""
    try:
        with transaction.atomic():
            event.save()
    except IntegrityError as error:
        if isinstance(error.__cause__, ExclusionViolation):
            raise SlotTaken from None
        raise


def note_on_lead(
    lead: Lead | Any, by: User | None, kind: str, text: str, *, due_at: datetime | None = None, ref: Any = None
) -> None:
    """Adds a line to a lead's history, in the transaction that has locked it. lead: the row, or its id."""
    lead_id = lead.pk if isinstance(lead, Lead) else lead
    line = Activity(lead_id=lead_id, by=by, kind=kind, due_at=due_at, ref=ref)
    line.text = kept_in(line, "text", text)
    line.save()
    Lead.every.filter(pk=lead_id).update(
        activity_count=F("activity_count") + 1, last_activity_at=line.created_at, updated_at=timezone.now()
    )


def tell_booked(event: Event) -> None:
    """Tells the team's programs, in the caller's transaction."""
    told = {
        "eventId": str(event.pk),
        "leadId": str(event.lead_id) if event.lead_id else None,
        "ownerId": event.owner_id,
        "startsAt": iso(event.starts_at),
        "endsAt": iso(event.ends_at),
        "source": event.source,
    }
    emit("appointment.booked", team_id=event.team_id, object_id=event.pk, data=told)


def check_ahead(at: datetime, now: datetime) -> datetime:
    """The time, where it is one to plan for. Raises BadTime."""
    if at <= now:
        raise BadTime("This time is past.")
    if at > now + AHEAD:
        raise BadTime("This is more than two years ahead.")
    return at


def _end(starts: datetime, ends_at: datetime | None, minutes: float, zone: str) -> datetime:
    try:
        ends = moment_of(ends_at, zone) if ends_at else starts + timedelta(minutes=minutes)
    except BadTime as error:
        raise BadEnd(str(error)) from None
    if ends <= starts:
        raise BadEnd("It must end after it begins.")
    if ends - starts > LONGEST:
        raise BadEnd("It may last a day at most.")
    return ends


def _end_one(event: Event, status: str) -> None:
    if event.kind == Kind.CALLBACK and event.lead_id is not None:
        callbacks.end([event.lead_id], status)
        event.refresh_from_db()
        return
    event.status, event.held_until, event.changed_at = Status(status), None, timezone.now()
    event.sequence += status == Status.CANCELLED
    event.save()


def _tell_lead(event: Event, by: User | None, starts: datetime) -> None:
    if event.kind == Kind.CALLBACK and event.lead_id is not None:
        Lead.every.filter(pk=event.lead_id).update(callback_at=starts)
        note_on_lead(event.lead_id, by, Activity.Kind.CALLBACK, event.note, due_at=starts)


def _tell_changed(event: Event, what: str) -> None:
    for tell in _on_change:
        tell(event, what)
