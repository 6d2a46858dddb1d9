"""The calendar: a day or a week of callbacks, reminders and appointments, by one's own clock, the lead's beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Access, Scope, access
from accounts.models import User
from accounts.selectors import user_of
from campaigns.admin.calendar_cards import PIXELS_A_MINUTE, Card, card_of, hours_of, label_of, placed_in
from campaigns.gate.lead_zones import zones_of_leads
from campaigns.gate.predicates import not_to_be_called
from common.admin import dressed, is_id
from common.admin_teams import refuse
from common.contact_access import masked_text
from common.dates import clock, moment
from leads.calendar import clock as calendar_clock
from leads.calendar import planning
from leads.calendar.planning import BadEnd, EventClosed, SlotTaken
from leads.models import Event, Lead
from leads.rules import BadTime, moved_forward

SPANS = {"day": 1, "week": 7}
REFUSED = (BadTime, SlotTaken, EventClosed)


class OwnTimeField(forms.CharField):
    """Date and time by the clock of the user who types them; `planning` knows whether there is such a time."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
        except ValueError:
            raise forms.ValidationError("Enter a date and a time, such as 2027-01-30 14:30.") from None


class EventForm(forms.Form):
    kind = forms.ChoiceField(choices=Event.Kind.choices, initial=Event.Kind.REMINDER)
    starts_at = OwnTimeField(label="When", help_text="By your own clock")
    minutes = forms.IntegerField(min_value=5, max_value=1440, initial=30, label="Minutes")
    title = forms.CharField(max_length=200, required=False)
    note = forms.CharField(max_length=2000, required=False, label="Notes", widget=forms.Textarea(attrs={"rows": 3}))
    place = forms.CharField(max_length=200, required=False, label="Where, or by which phone")
    remind_minutes = forms.IntegerField(
        min_value=0, max_value=10_080, required=False, label="Remind me (minutes before)",
        help_text="By e-mail. Empty: no reminder", initial=Event.REMIND_MINUTES,
    )  # fmt: skip
    lead = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36)

    def said(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        data.pop("lead")
        return data


# --- Pages ------------------------------------------------------------------------------------------------------------


@admin.site.admin_view
@require_http_methods(["GET", "HEAD"])
def calendar(request: HttpRequest) -> HttpResponse:
    """A day or a week; a manager's: of any of the team."""
    hers, zone = access(request), ZoneInfo(user_of(request).time_zone)
    view = request.GET.get("view", "")
    view = view if view in SPANS else "week"
    today = calendar_clock.now().astimezone(zone).date()
    day = _day(request.GET.get("date", ""), today)
    first = day - timedelta(days=day.weekday()) if view == "week" else day
    whose = _whose(request, hers)
    days = [first + timedelta(days=n) for n in range(SPANS[view])]
    cards = _cards(request, whose, days, zone)
    hours = hours_of([card for of_day in cards.values() for card in of_day])
    columns = [
        {
            "day": one,
            "label": f"{one:%a, %b} {one.day}",
            "is_today": one == today,
            "cards": placed_in(cards[one], hours),
        }
        for one in days
    ]
    step = timedelta(days=SPANS[view])
    query = f"view={view}" + (f"&whose={whose.pk}" if whose.pk != hers.user.pk else "")
    context = {
        "title": "Calendar", "view": view, "columns": columns, "hours": [clock(time(h)) for h in range(*hours)],
        "height": (hours[1] - hours[0]) * 60 * PIXELS_A_MINUTE, "first_minute": hours[0] * 60,
        "scale": PIXELS_A_MINUTE, "query": query, "day": day, "today": today, "before": first - step,
        "after": first + step, "span": _span(days), "zone": str(zone), "now": calendar_clock.now(), "whose": whose,
        "is_own": whose.pk == hers.user.pk, "people": _people(hers), "may": hers.can(Scope.WRITE),
    }  # fmt: skip
    return TemplateResponse(request, "admin/campaigns/calendar.html", {**admin.site.each_context(request), **context})


@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest) -> HttpResponse:
    """A new event; `?at=` and `?lead=` say when and about whom."""
    hers = _worker(request)
    lead = _lead(request, hers, request.POST.get("lead") or request.GET.get("lead", ""))
    kind = Event.Kind.CALLBACK if lead else Event.Kind.REMINDER
    start = {"starts_at": request.GET.get("at", "")[:16], "kind": kind, "lead": lead.pk if lead else ""}
    form = EventForm(request.POST or None, initial=start)
    if form.is_valid():
        said = form.said()

        def act() -> Event:
            user = user_of(request)
            return planning.plan(by=user, team_id=int(hers.team_id or 0), owner=user, lead=lead, **said)

        if event := _tried(form, act):
            return _back(event, user_of(request))
    return _form_page(request, form, "New event", lead=lead)


@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
def event_page(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """One event: what it says, and the form that changes it."""
    event = _event(request, event_id, works=request.method == "POST")
    zone = ZoneInfo(user_of(request).time_zone)
    told = _told(request)
    local = event.starts_at.astimezone(zone)
    start = {
        "kind": event.kind, "starts_at": f"{local:%Y-%m-%dT%H:%M}", "minutes": _minutes(event),
        "title": told(event.title), "note": told(event.note), "place": told(event.place),
        "remind_minutes": event.remind_minutes,
    }  # fmt: skip
    form = EventForm(request.POST or None, initial=start)
    del form.fields["kind"], form.fields["lead"]
    if not access(request).can(Scope.CONTACTS):
        for name in ("title", "note", "place"):
            del form.fields[name]
    if form.is_valid():
        said = dict(form.cleaned_data)
        when = {"starts_at": said.pop("starts_at"), "minutes": said.pop("minutes")}
        is_moved = when["starts_at"] != local.replace(second=0, microsecond=0, tzinfo=None) or when["minutes"] != (
            _minutes(event)
        )

        def act() -> Event:
            moved = planning.move(event, by=user_of(request), **when) if is_moved else event
            return planning.change(moved, **said)

        if changed := _tried(form, act):
            messages.success(request, "Saved.")
            return _back(changed, user_of(request))
    return _form_page(request, form, label_of(event, told), event=event, lead=event.lead)


@admin.site.admin_view
@require_POST
def move(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Dragged, or moved by keys. starts: by one's own clock, without an offset."""
    event = _event(request, event_id, works=True)
    try:
        starts = datetime.fromisoformat(request.POST.get("starts", "")).replace(tzinfo=None)
        event = planning.move(event, by=user_of(request), starts_at=starts)
        messages.success(request, f"Moved to {moment(event.starts_at, user_of(request).time_zone)}.")
    except ValueError as error:  # BadTime is one
        words = str(error) if isinstance(error, BadTime) else "This is no time."
        messages.error(request, words)
    except (SlotTaken, EventClosed) as error:
        messages.error(request, str(error))
    return _back(event, user_of(request), request.POST.get("back", ""))


@admin.site.admin_view
@require_POST
def end(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Done, or cancelled."""
    event = _event(request, event_id, works=True)
    verb = {"done": planning.finish, "cancel": planning.cancel}.get(request.POST.get("do", ""))
    if verb is None:
        raise Http404("Say whether it is done or cancelled.")
    try:
        verb(event, by=user_of(request))
    except EventClosed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Done." if request.POST["do"] == "done" else "Cancelled.")
    return _back(event, user_of(request))


def opens_calendar(request: HttpRequest) -> bool:
    """Whether the side bar has it: for who has a team."""
    return bool(request.user.is_authenticated and request.user.is_staff and access(request).can(Scope.READ))


# --- Whose, and which -------------------------------------------------------------------------------------------------


def _worker(request: HttpRequest) -> Access:
    hers = access(request)
    if not hers.can(Scope.WRITE) or hers.team_id is None:
        raise refuse(Scope.WRITE)
    return hers


def _event(request: HttpRequest, event_id: UUID, *, works: bool = False) -> Event:
    hers = _worker(request) if works else access(request)
    found = Event.objects.seen_by(hers).select_related("lead", "owner").filter(pk=event_id).first()
    if found is None:
        raise Http404("There is no such event.")
    return found


def _lead(request: HttpRequest, hers: Access, text: str) -> Lead | None:
    if not text:
        return None
    lead = Lead.objects.worked_by(hers).filter(pk=text).first() if is_id(text) else None
    if lead is None:
        raise Http404("There is no such lead.")
    return lead


def _whose(request: HttpRequest, hers: Access) -> User:
    asked = request.GET.get("whose", "")
    if not asked or asked == str(hers.user.pk):
        if hers.team_id is None:
            raise PermissionDenied("A calendar belongs to a team: join one first.")
        return hers.user
    people = dict(_people(hers))
    if not asked.isdecimal() or int(asked[:18]) not in people:
        raise Http404("There is nobody of this name in your team.")
    return User.objects.get(pk=int(asked))


def _people(hers: Access) -> list[tuple[int, str]]:
    """Whose calendars a manager may open; nobody else's for all others."""
    if not hers.can(Scope.MANAGE):
        return []
    rows = User.objects.filter(memberships__team=hers.team_id, is_active=True).order_by("username")
    return list(rows.values_list("pk", "username")[:200])


# --- How it looks -----------------------------------------------------------------------------------------------------


def _cards(request: HttpRequest, whose: User, days: list[date], zone: ZoneInfo) -> dict[date, list[Card]]:
    first, last = (
        moved_forward(datetime.combine(one, time()), str(zone)) for one in (days[0], days[-1] + timedelta(1))
    )
    rows = Event.objects.seen_by(access(request)).filter(owner=whose, starts_at__lt=last, ends_at__gt=first)
    rows = rows.exclude(status=Event.Status.CANCELLED).exclude(Q(status="held", held_until__lte=timezone.now()))
    events = list(rows.select_related("lead").order_by("starts_at", "pk")[:500])
    zones = zones_of_leads({one.lead_id for one in events if one.lead_id})
    suppressed = Lead.every.filter(pk__in={one.lead_id for one in events if one.lead_id}).filter(not_to_be_called())
    no_calls = set(suppressed.values_list("pk", flat=True))
    told, cards = _told(request), {one: [] for one in days}  # type: ignore[var-annotated]
    now = calendar_clock.now()
    for event in events:
        theirs = zones.get(event.lead_id, ()) if event.lead_id else ()
        for one in days:
            if card := card_of(event, one, zone, theirs, told, now):
                cards[one].append(replace(card, no_calls=event.lead_id in no_calls))
    return cards


def _told(request: HttpRequest) -> Callable[[str], str]:
    return str if access(request).can(Scope.CONTACTS) else masked_text


def _minutes(event: Event) -> int:
    return int((event.ends_at - event.starts_at).total_seconds() // 60)


def _day(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if 2000 <= found.year < 2100 else today


def _span(days: list[date]) -> str:
    first, last = days[0], days[-1]
    if first == last:
        return f"{first:%A, %B} {first.day}, {first.year}"
    return f"{first:%b} {first.day} – {last:%b} {last.day}, {last.year}"


def _form_page(
    request: HttpRequest, form: EventForm, title: str, *, event: Event | None = None, lead: Lead | None = None
) -> HttpResponse:
    zones = zones_of_leads([lead.pk]).get(lead.pk, ()) if lead else ()
    at = event.starts_at if event else calendar_clock.now()
    may_open = lead is not None and Lead.objects.seen_by(access(request)).filter(pk=lead.pk).exists()
    told = _told(request)
    context = {
        "title": title, "form": dressed(form), "event": event, "lead": lead, "may_open_lead": may_open,
        "theirs": [moment(at, zone) for zone in zones], "zone": user_of(request).time_zone,
        "may": access(request).can(Scope.WRITE), "contacts": access(request).can(Scope.CONTACTS),
        "is_open": event is None or event.status in Event.OPEN, "label": label_of(event, told) if event else "",
        "calendar": reverse("calendar"),
        "no_calls": lead is not None and Lead.every.filter(not_to_be_called(), pk=lead.pk).exists(),
    }  # fmt: skip
    return TemplateResponse(request, "admin/campaigns/event.html", {**admin.site.each_context(request), **context})


def _tried(form: EventForm, act: Callable[[], Event]) -> Event | None:
    """What came of it; None: the form says why not."""
    try:
        return act()
    except REFUSED as error:
        field = "minutes" if isinstance(error, BadEnd) else "starts_at"
        form.add_error(field if isinstance(error, BadTime | SlotTaken) else None, str(error))
        return None


def _back(event: Event, user: User, query: str = "") -> HttpResponse:
    local = event.starts_at.astimezone(ZoneInfo(user.time_zone))
    view = "day" if "view=day" in query else "week"
    whose = "" if event.owner_id == user.pk else f"&whose={event.owner_id}"
    return redirect(f"{reverse('calendar')}?view={view}&date={local:%Y-%m-%d}{whose}&event={event.pk}")
