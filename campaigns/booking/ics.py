"""Events as other calendars read them (RFC 5545), by the `icalendar` library: UTC, no time zones, no recurrence.

The same rows give the same bytes: nothing here asks what time it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from icalendar import Alarm, Calendar, vCalAddress, vText
from icalendar import Event as Component

from leads.models import Event

PRODID = "-//Bucket System//Calendar 1//EN"
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # left to right, and back
POLLED = "PT15M"  # how often we would like to be asked; Google comes when it likes
_STATUS = {Event.Status.CANCELLED: "CANCELLED", Event.Status.HELD: "TENTATIVE"}
_PLAIN = {Event.Kind.CALLBACK: "Call back", Event.Kind.REMINDER: "Reminder", Event.Kind.APPOINTMENT: "Appointment"}


def uid_of(event: Event) -> str:
    """The same for ever, whatever is moved."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "bucket-system"
    return f"{event.pk}@{host}"


def one_line(text: str) -> str:
    """Words that stand on one line: without line breaks and other control characters, which a name in a calendar may
    not have (the library refuses the whole calendar, or writes one that nobody can read), nor marks that turn the
    direction of what follows.
    """
    shown = (" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") or one in TURNS else one for one in text)
    return " ".join("".join(shown).split())


def calendar_of(name: str, events: Iterable[Event], *, with_names: bool) -> bytes:
    """A feed. with_names: streets, names and what people typed; else a kind and the end of the event's id."""
    calendar = _calendar("PUBLISH")
    for key in ("X-WR-CALNAME", "NAME"):
        calendar[key] = vText(one_line(name))  # `add` writes what it does not know as it is, commas too
    calendar.add("X-PUBLISHED-TTL", POLLED)
    calendar["REFRESH-INTERVAL"] = vText(POLLED)
    calendar["REFRESH-INTERVAL"].params["VALUE"] = "DURATION"
    for event in events:
        calendar.add_component(_own(event, with_names=with_names))
    return bytes(calendar.to_ical())


def notice(event: Event) -> bytes:
    """What her own calendar takes in of an appointment: the same as in a feed without names."""
    calendar = _calendar("PUBLISH")
    calendar.add_component(_own(event, with_names=False))
    return bytes(calendar.to_ical())


def invitation(event: Event, *, method: str, summary: str, host: tuple[str, str], guest: tuple[str, str]) -> bytes:
    """What a guest's calendar takes in. method: REQUEST or CANCEL. host, guest: name and e-mail."""
    calendar = _calendar(method)
    one = _component(event, summary)
    one.add("organizer", _person(*host))
    attendee = _person(*guest)
    attendee.params["RSVP"], attendee.params["PARTSTAT"] = vText("TRUE"), vText("NEEDS-ACTION")
    one.add("attendee", attendee)
    if event.place:
        one.add("location", one_line(event.place))
    calendar.add_component(one)
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _component(event: Event, summary: str) -> Component:
    one = Component()
    changed = _utc(event.changed_at)
    one.add("uid", uid_of(event))
    one.add("sequence", event.sequence)
    one.add("dtstamp", changed)
    one.add("last-modified", changed)
    one.add("dtstart", _utc(event.starts_at))
    one.add("dtend", _utc(event.ends_at))
    one.add("summary", one_line(summary))
    one.add("status", _STATUS.get(Event.Status(event.status), "CONFIRMED"))
    is_open = event.status in Event.OPEN and event.kind != Event.Kind.REMINDER
    one.add("transp", "OPAQUE" if is_open else "TRANSPARENT")
    return one


def _own(event: Event, *, with_names: bool) -> Component:
    one = _component(event, _named(event) if with_names else _nameless(event))
    if with_names and event.place:
        one.add("location", one_line(event.place))
    one.add("class", "PRIVATE")
    one.add("categories", [event.kind.upper()])
    if settings.PUBLIC_URL:
        one.add("url", f"{settings.PUBLIC_URL}/admin/calendar/{event.pk}/")
    if event.remind_minutes is not None and event.status == Event.Status.PLANNED:
        one.add_component(_alarm(event.remind_minutes, _PLAIN[Event.Kind(event.kind)]))
    return one


def _alarm(minutes: int, words: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", timedelta(minutes=-minutes))
    alarm.add("description", words)
    return alarm


def _nameless(event: Event) -> str:
    return f"{_PLAIN[Event.Kind(event.kind)]} {event.pk.hex[-6:]}"


def _named(event: Event) -> str:
    """ "Call back 12 O'Neil St, Jo Smith"; what was typed stands for itself."""
    if event.title:
        return event.title
    who = [str(event.lead), event.lead.owner_name] if event.lead else [event.guest_name]
    return " ".join([_PLAIN[Event.Kind(event.kind)], ", ".join(filter(None, who))]).strip()


def _person(name: str, email: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{email}")
    person.params["CN"] = vText(one_line(name))
    return person


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
