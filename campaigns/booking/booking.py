"""Guests book an hour of a person's day, confirm it by a mailed link, move it and cancel it.

The host is held first, then what guests have not confirmed in time is freed, then the hour is taken: docs/locks.md.
The exclusion constraint stands behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.access import Scope, access_in
from accounts.audit import record
from campaigns import clock
from campaigns.booking import hours
from campaigns.booking.slots import free_of, slots_of
from campaigns.models import BookingPage
from common.db.clock import CLOCK, database_now
from common.enqueue import enqueue_on_commit
from leads.calendar import planning
from leads.calendar.planning import EventClosed, SlotTaken
from leads.keys import key_secrets
from leads.keys.owner_keys import EMAIL, PHONE
from leads.locks import hold_host, lock_event, lock_leads
from leads.models import Activity, Event, Lead, LeadKey
from leads.privacy.filtering import anybody_forgotten, kept_in, listed_among

HELD = timedelta(minutes=15)  # until the mailed link is pressed
FORGOTTEN_AFTER = timedelta(days=1)  # what nobody confirmed
SHOWN = 2_000  # slots of a page: a week of five minutes day and night
NEXT = 3  # slots that are named where one is taken
MAIL_TASK = "campaigns.mail_guests"
Status, Mail = Event.Status, Event.Mail


class NoSuchPage(Exception):
    """There is no such booking page, or it is off: nobody is told which."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who asks. email: lower case; phone: E.164 or empty; zone: an IANA name or empty."""

    name: str
    email: str
    phone: str = ""
    zone: str = ""
    note: str = ""


def open_page(slug: str) -> BookingPage:
    """The page of this address, while it is on and who is booked may still work there. Raises NoSuchPage."""
    page = BookingPage.objects.select_related("user", "team").filter(slug=slug, enabled=True).first()
    if page is None or not _is_open(page):
        raise NoSuchPage
    return page


def _is_open(page: BookingPage) -> bool:
    return page.enabled and access_in(page.user, page.team_id).can(Scope.WRITE)


def offered(
    page: BookingPage,
    *,
    now: datetime | None = None,
    but: Event | None = None,
    since: datetime | None = None,
    most: int = SHOWN,
) -> list[datetime]:
    """The starts (UTC) that a guest may choose now: of the first days that have `most` of them, whole days. since: none
    before. but: an appointment that is about to move; it keeps its length, though the page's is another one by now.
    """
    minutes = page.minutes if but is None else int((but.ends_at - but.starts_at).total_seconds() // 60)
    now = now or clock.now()
    zone = ZoneInfo(page.user.time_zone)
    today = now.astimezone(zone).date()
    first = today if since is None else max(today, since.astimezone(zone).date())
    days = [day for n in range(page.days_ahead + 1) if (day := today + timedelta(days=n)) >= first]
    openings = hours.openings_of(page.user_id)
    if not days or not openings:
        return []
    begins, ends = (datetime.combine(day, time(), UTC) for day in (days[0], days[-1]))
    taken = _taken(page, begins - timedelta(days=2), ends + timedelta(days=3), but)
    not_before = max(now + timedelta(hours=page.notice_hours), since or now)
    found: list[datetime] = []
    for day in days:
        starts = slots_of(day, openings, zone=str(zone), minutes=minutes)
        found += free_of(
            starts, taken, minutes=minutes, buffer_minutes=page.buffer_minutes, not_before=not_before
        )  # fmt: skip
        if len(found) >= most:
            break
    return found


def is_offered(page: BookingPage, at: datetime, *, but: Event | None = None) -> bool:
    """Whether a guest may choose this start now: a look at its day, where anything is free on it."""
    return offered(page, since=at, most=1, but=but)[:1] == [at]


def _taken(page: BookingPage, first: datetime, last: datetime, but: Event | None) -> list[tuple[datetime, datetime]]:
    rows = Event.objects.filter(owner=page.user_id, kind=Event.Kind.APPOINTMENT, ends_at__gt=first, starts_at__lt=last)
    rows = rows.exclude(pk=but.pk) if but else rows
    rows = rows.filter(Q(status=Status.PLANNED) | Q(status=Status.HELD, held_until__gt=CLOCK))
    return list(rows.values_list("starts_at", "ends_at"))


def next_slots(page: BookingPage, at: datetime | None, *, but: Event | None = None) -> list[datetime]:
    """The next ones that are free, from that time on; else the first there are."""
    return (offered(page, but=but, since=at, most=NEXT) or offered(page, but=but, most=NEXT))[:NEXT]


def book(*, page: BookingPage, at: datetime, guest: Guest) -> Event | None:
    """Holds the slot until the guest presses the link that is mailed to them. Raises SlotTaken.

    The same guest, page and time again is the same booking: a double press changes nothing and mails nothing. None: the
    guest is forgotten: nothing is stored, and they are told the same. A suppressed one gets no mail (`mails`).
    """
    if not _may_be_stored(guest):
        return None
    ends = at + timedelta(minutes=page.minutes)
    if found := _mine(page, at, guest, _in_the_way(page, at, ends)):
        return found
    if not is_offered(page, at):  # who comes late waits for nobody
        raise SlotTaken
    with transaction.atomic():
        hold_host(page.user_id)
        standing = _in_the_way(page, at, ends)  # one look while the others wait
        if found := _mine(page, at, guest, standing):
            return found
        if standing:
            raise SlotTaken
        planning.free_expired(page.user_id)
        event = _held(page, at, guest)
        planning.save_in_slot(event)
        enqueue_on_commit(MAIL_TASK)
    return event


def _in_the_way(page: BookingPage, at: datetime, ends: datetime) -> list[Event]:
    """What stands in this slot, or too near to it; what was not confirmed in time does not."""
    buffer = timedelta(minutes=page.buffer_minutes)
    rows = Event.objects.filter(owner=page.user_id, kind=Event.Kind.APPOINTMENT, status__in=Event.OPEN)
    rows = rows.filter(starts_at__lt=ends + buffer, ends_at__gt=at - buffer).exclude(held_until__lte=CLOCK)
    return list(rows)


def _mine(page: BookingPage, at: datetime, guest: Guest, standing: Sequence[Event]) -> Event | None:
    """What this guest has booked there and then already."""
    return next(
        (one for one in standing if (one.page_id, one.starts_at, one.guest_email) == (page.pk, at, guest.email)), None
    )


def _held(page: BookingPage, at: datetime, guest: Guest) -> Event:
    event = Event(
        team_id=page.team_id, owner_id=page.user_id, kind=Event.Kind.APPOINTMENT, status=Status.HELD,
        starts_at=at, ends_at=at + timedelta(minutes=page.minutes), zone=page.user.time_zone,
        held_until=database_now() + HELD, guest_email=guest.email, guest_phone=guest.phone or None,
        guest_zone=guest.zone, page_id=page.pk, source=Event.Source.BOOKING, mail=Mail.CONFIRM,
        remind_minutes=Event.REMIND_MINUTES, changed_at=timezone.now(),
    )  # fmt: skip
    event.guest_name, event.note = kept_in(event, "guest_name", guest.name), kept_in(event, "note", guest.note)
    event.confirm_digest = digest_of(token_of(event))
    return event


def _may_be_stored(guest: Guest) -> bool:
    """Whether neither of the guest's addresses is a forgotten person's."""
    values = {(EMAIL, guest.email), *([(PHONE, guest.phone)] if guest.phone else [])}
    return not (anybody_forgotten() and listed_among(values))


# --- The mailed link --------------------------------------------------------------------------------------------------


def token_of(event: Event) -> str:
    """What the mailed link holds. Made of the event's id, so that a worker can mail it; only its digest is stored."""
    return salted_hmac("campaigns.booking.link", str(event.pk), algorithm="sha256").hexdigest()


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class Linked:
    """What a mailed link leads to. event: None: not confirmed in time, or there never was one. is_open: another time
    can be chosen; without it what is booked can still be seen and cancelled.
    """

    page: BookingPage
    event: Event | None
    is_open: bool


def of_link(slug: str, token: str) -> Linked:
    """What this link is about. It outlives its page's address, and the page: who has booked can always cancel. Raises
    NoSuchPage.
    """
    event = Event.objects.filter(confirm_digest=digest_of(token)).first()
    page_id = event.page_id if event else None
    page = BookingPage.objects.select_related("user", "team").filter(pk=page_id).first() if page_id else None
    if page is None:
        return Linked(open_page(slug), None, is_open=True)
    return Linked(page, event, is_open=_is_open(page))


def confirm(*, event: Event) -> Event:
    """The guest has pressed the link: the appointment stands. Pressed twice it stands once. A press after the hold is
    over still counts while nobody else has the slot. Raises SlotTaken.
    """
    lead_id = _lead_of(event)
    with transaction.atomic():
        lead = lock_leads([lead_id]).only("pk").first() if lead_id else None
        hold_host(event.owner_id)
        locked = lock_event(event.pk)
        if locked is None or locked.status not in (Status.HELD, Status.PLANNED) or locked.starts_at <= clock.now():
            raise SlotTaken
        if locked.status == Status.PLANNED:
            return locked
        if _is_crowded(locked):
            raise SlotTaken
        locked.status, locked.held_until, locked.changed_at = Status.PLANNED, None, timezone.now()
        locked.mail, locked.lead_id = Mail.REQUEST, lead.pk if lead else None
        planning.save_in_slot(locked)
        if lead is not None:
            planning.note_on_lead(lead, None, Activity.Kind.APPOINTMENT, "Booked by the owner", ref=locked.pk)
        record("appointment.booked", by=None, team_id=locked.team_id, about=locked)
        planning.tell_booked(locked)
        enqueue_on_commit(MAIL_TASK)
    return locked


def _is_crowded(event: Event) -> bool:
    """Whether a press that comes late finds something else in its slot, or nearer than the page keeps free. One that
    comes in time finds what it was promised.
    """
    if event.page_id is None or event.held_until is None or event.held_until > database_now():
        return False
    page = BookingPage.objects.filter(pk=event.page_id).first()
    return page is not None and any(one.pk != event.pk for one in _in_the_way(page, event.starts_at, event.ends_at))


def _lead_of(event: Event) -> UUID | None:
    """The team's one lead that has the guest's phone or e-mail."""
    values = [(EMAIL, event.guest_email), (PHONE, event.guest_phone)]
    digests = [
        key_secrets.digest(secret, kind, value)
        for secret in key_secrets.for_reading()
        for kind, value in values
        if value
    ]
    rows = LeadKey.objects.filter(key__digest__in=digests, key__kind__in=(EMAIL, PHONE))
    ids = set(Lead.objects.filter(pk__in=rows.values("lead"), team=event.team_id).values_list("pk", flat=True)[:2])
    return ids.pop() if len(ids) == 1 else None


def cancel(*, event: Event) -> Event:
    """The guest cancels. Raises EventClosed."""
    return planning.cancel(event, by=None)


def move(*, page: BookingPage, event: Event, at: datetime) -> Event:
    """The guest moves what they have booked to another slot that is offered. Raises SlotTaken, EventClosed."""
    with transaction.atomic():
        if event.lead_id is not None:
            list(lock_leads([event.lead_id]).only("pk"))
        planning.free_expired(page.user_id)
        if at != event.starts_at and not is_offered(page, at, but=event):
            raise SlotTaken
        if event.status != Status.PLANNED:
            raise EventClosed
        return planning.move(event, by=None, starts_at=at, now=clock.now())


def on_change(event: Event, what: str) -> None:
    """Registered in `leads.calendar.planning`: who was invited gets a mail."""
    if event.guest_email and event.source == Event.Source.BOOKING:
        moved = Mail.CONFIRM if event.status == Status.HELD else Mail.REQUEST
        mail = {"withdrawn": "", "cancelled": Mail.CANCEL}.get(what, moved)
        Event.objects.filter(pk=event.pk).update(mail=mail, mail_until=None)
        enqueue_on_commit(MAIL_TASK)


def forget_unconfirmed() -> int:
    """Deletes what nobody confirmed a day ago. Returns how many."""
    old = Event.objects.filter(status=Status.HELD, held_until__lte=database_now() - FORGOTTEN_AFTER)
    return int(old.delete()[0])


def shown(slots: Sequence[datetime], zone: str) -> dict[str, list[datetime]]:
    """Slots by day of a zone's clock, in order: {"Tue, Dec 1": [...]}."""
    days: dict[str, list[datetime]] = {}
    for slot in slots:
        local = slot.astimezone(ZoneInfo(zone))
        days.setdefault(f"{local:%a, %b} {local.day}", []).append(local)
    return days


__all__ = ["EventClosed", "Guest", "NoSuchPage", "SlotTaken", "book", "cancel", "confirm", "move", "offered"]
