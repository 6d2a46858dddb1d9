"""The pages that guests and other calendars open: nobody signs in, nothing is kept by caches."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models.user import time_zones
from campaigns.booking import booking, feeds
from campaigns.booking.booking import EventClosed, Guest, Linked, NoSuchPage, SlotTaken
from campaigns.booking.counts import TooMany, spend
from campaigns.booking.hours import name_of
from campaigns.booking.ics import one_line
from campaigns.booking.throttle import too_fast
from campaigns.models import BookingPage
from common.client_address import client_network
from common.dates import clock, iso, moment, zone_of
from common.refusals import error_body
from common.values.phones import e164
from leads.models import Event

BODY_MOST = 16 * 1024
READ_AGAIN = 300  # seconds
WAIT = "Too many requests. Wait a minute and try again."
SAME = "If this time is still free, a mail is on its way to you. Press the link in it within 15 minutes to confirm."
TAKEN = "This time was taken meanwhile. Choose another one."
# An address or a phone number in the place of a name: what this page mails must carry nobody's advertisement.
NO_NAME = re.compile(r"://|@|\b[Ww]{3}\.|\w\w\.(?:[a-z]{2,}|[A-Z]{2,})(?![\w.])|(?:\d\D{0,2}){7}")
ZONES = {
    "America/New_York": "Eastern time", "America/Chicago": "Central time", "America/Denver": "Mountain time",
    "America/Phoenix": "Arizona time", "America/Los_Angeles": "Pacific time", "America/Anchorage": "Alaska time",
    "Pacific/Honolulu": "Hawaii time",
}  # fmt: skip


class GuestForm(forms.Form):
    """What a guest says. at: one of the offered starts, as ISO 8601 with an offset."""

    at = forms.CharField(max_length=40, error_messages={"required": "Choose a time."})
    name = forms.CharField(max_length=100, label="Your name")
    email = forms.EmailField(max_length=254, label="Your e-mail")
    phone = forms.CharField(max_length=30, required=False, label="Your phone")
    note = forms.CharField(max_length=1000, required=False, label="What is it about?")
    zone = forms.CharField(max_length=64, required=False)

    def clean_at(self) -> datetime:
        at = _moment(self.cleaned_data["at"])
        if at is None:
            raise forms.ValidationError("Choose one of the times.")
        return at

    def clean_name(self) -> str:
        name = one_line(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError("Enter your name.")
        if NO_NAME.search(name):
            raise forms.ValidationError("Enter your name alone, without web or e-mail addresses and phone numbers.")
        return name

    def clean_phone(self) -> str:
        said = self.cleaned_data["phone"].strip()
        found = e164(said) if said else ""
        if said and not found:
            raise forms.ValidationError("Enter a US phone number, such as (202) 555-0143.")
        return found or ""

    def clean_zone(self) -> str:
        return self.cleaned_data["zone"] if self.cleaned_data["zone"] in time_zones() else ""

    def guest(self) -> Guest:
        data = self.cleaned_data
        return Guest(data["name"], data["email"].lower(), data["phone"], data["zone"], data["note"])


@csrf_exempt  # nobody is signed in here: another site's form can do no more than anybody's browser
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, slug: str) -> HttpResponse:
    """What is free, and the form that asks for it."""
    if too_fast(request, "book"):
        return _refused(request, 429, "TOO_MANY", WAIT)
    try:
        page = booking.open_page(slug)
    except NoSuchPage:
        raise Http404("There is no such page.") from None
    if request.method != "POST":
        return _page(request, page)
    form = GuestForm(_said(request))
    if not form.is_valid():
        return _page(request, page, form=form, status=400)
    try:
        spend(email=form.cleaned_data["email"], address=client_network(request))
        booking.book(page=page, at=form.cleaned_data["at"], guest=form.guest())
    except TooMany as error:
        return _refused(request, 429, "TOO_MANY", str(error))
    except SlotTaken:
        return _page(request, page, form=form, status=409, taken=booking.next_slots(page, form.cleaned_data["at"]))
    if _is_json(request):
        return JsonResponse({"success": True, "message": SAME}, status=201)
    return render(request, "booking/asked.html", {"page": page, "host": name_of(page.user), "words": SAME}, status=201)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The mailed link: GET shows, POST confirms, cancels or moves."""
    if too_fast(request, "book"):
        return _refused(request, 429, "TOO_MANY", WAIT)
    try:
        found = booking.of_link(slug, token)
    except NoSuchPage:
        raise Http404("There is no such page.") from None
    if found.event is None or request.method != "POST":
        return _event(request, found)
    event, said = found.event, _said(request)
    do = said.get("do")
    try:
        if do not in ("confirm", "cancel", "move"):
            return _event(request, found, status=400)
        if do == "cancel":
            event = booking.cancel(event=event)
        elif not found.is_open:
            raise SlotTaken
        elif do == "confirm":
            event = booking.confirm(event=event)
        else:
            event = _moved(found.page, event, said.get("at", ""))
    except SlotTaken:
        return _gone(request, found)
    except EventClosed:
        return _event(request, booking.of_link(slug, token), status=409)
    return _event(request, replace(found, event=event))


def _moved(page: BookingPage, event: Event, text: str) -> Event:
    at = _moment(text)
    if at is None:
        raise SlotTaken
    return booking.move(page=page, event=event, at=at)


@require_http_methods(["GET", "HEAD"])
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """A calendar for a program. 404 for what was revoked or guessed alike."""
    if too_fast(request, "feed"):
        return HttpResponse(WAIT, status=429, content_type="text/plain; charset=utf-8", headers={"Retry-After": "60"})
    found = feeds.read(token)
    if found is None:
        return HttpResponse("There is no such calendar.\n", status=404, content_type="text/plain; charset=utf-8")
    headers = {"ETag": found.etag, "Cache-Control": f"private, max-age={READ_AGAIN}"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    if known & {found.etag, "*"}:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(found.body, content_type="text/calendar; charset=utf-8", headers=headers)


# --- Parts ------------------------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    page: BookingPage,
    *,
    form: GuestForm | None = None,
    status: int = 200,
    taken: Sequence[datetime] = (),
) -> HttpResponse:
    errors = {name: [str(one) for one in found] for name, found in form.errors.items()} if form else {}
    if _is_json(request):
        return _as_json(page, errors, status, taken)
    zone = _zone(request, page, form)
    context = {
        "page": page, "host": name_of(page.user), "zone": zone, "zones": _zones(zone),
        "days": _days(booking.offered(page), zone), "is_taken": status == 409, "taken": _labels(taken, zone),
        "form": form or GuestForm(), "errors": errors, "said": form.data if form else {},
        "picked": zone if "zone" in request.GET else "",
    }  # fmt: skip
    return render(request, "booking/book.html", context, status=status)


def _as_json(page: BookingPage, errors: dict[str, list[str]], status: int, taken: Sequence[datetime]) -> HttpResponse:
    if status == 409:
        body = error_body("SLOT_TAKEN", TAKEN)
        body["error"]["next"] = [iso(one) for one in taken]
        return JsonResponse(body, status=409)
    if status != 200:
        first = next(iter(errors))
        return JsonResponse(error_body("INVALID", f"{first}: {errors[first][0]}", errors), status=status)
    slots = [iso(one) for one in booking.offered(page)]
    told = {"title": page.title, "host": name_of(page.user), "minutes": page.minutes, "zone": page.user.time_zone}
    return JsonResponse({"success": True, **told, "slots": slots})


def _event(request: HttpRequest, found: Linked, *, status: int = 200) -> HttpResponse:
    page, event = found.page, found.event
    if event is None:
        return _gone(request, found)
    zone = event.guest_zone or page.user.time_zone
    is_planned = event.status == Event.Status.PLANNED
    context = {
        "page": page, "host": name_of(page.user), "event": event, "when": moment(event.starts_at, zone),
        "is_held": event.status == Event.Status.HELD, "is_planned": is_planned, "zone": zone,
        "is_cancelled": event.status == Event.Status.CANCELLED, "is_open": found.is_open,
        "days": _days(booking.offered(page, but=event), zone) if is_planned and found.is_open else [],
    }  # fmt: skip
    return render(request, "booking/link.html", context, status=status)


def _gone(request: HttpRequest, found: Linked) -> HttpResponse:
    page, event = found.page, found.event
    zone = event.guest_zone or page.user.time_zone if event else page.user.time_zone
    near: Sequence[datetime] = ()
    own = event if event and event.status == Event.Status.PLANNED else None  # it keeps its length
    if found.is_open:
        near = booking.next_slots(page, event.starts_at if event else None, but=own)
    context = {"page": page, "host": name_of(page.user), "taken": _labels(near, zone), "zone": zone}
    context["is_open"] = found.is_open
    return render(request, "booking/gone.html", context, status=409 if event else 404)


def _refused(request: HttpRequest, status: int, code: str, words: str) -> HttpResponse:
    if _is_json(request):
        return JsonResponse(error_body(code, words), status=status, headers={"Retry-After": "60"})
    return render(request, "booking/refused.html", {"words": words}, status=status)


def _is_json(request: HttpRequest) -> bool:
    wanted = request.headers.get("Accept", "")
    return request.content_type == "application/json" or wanted.startswith("application/json")


def _said(request: HttpRequest) -> Any:
    """The form, or the same as JSON; what cannot be read says nothing, and null is an empty field."""
    if request.content_type != "application/json":
        return request.POST
    try:
        said = json.loads(request.body[:BODY_MOST])
    except (ValueError, RecursionError):  # no JSON, or thousands of brackets
        return {}
    if not isinstance(said, dict):
        return {}
    return {str(name): "" if value is None else _whole(str(value)) for name, value in said.items()}


def _whole(text: str) -> str:
    """Halves of characters, which JSON can spell and nobody can store, become question marks."""
    return text.encode(errors="replace").decode()


def _moment(text: str) -> datetime | None:
    """The moment (UTC) that a text with an offset names; None: it names none that anything can be planned for."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo and MINYEAR + 1 < at.year < MAXYEAR else None
    except ValueError:
        return None


def _zone(request: HttpRequest, page: BookingPage, form: GuestForm | None) -> str:
    asked = request.GET.get("zone") or (form.data.get("zone", "") if form else "")
    return asked if asked in time_zones() else page.user.time_zone


def _zones(chosen: str) -> list[tuple[str, str]]:
    """(name, words): the country's, and the chosen one where it is another."""
    return list(({chosen: chosen.replace("_", " ")} | ZONES).items()) if chosen not in ZONES else list(ZONES.items())


def _days(slots: Sequence[datetime], zone: str) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (day, [(iso(one), f"{clock(one.time())} {zone_of(one)}") for one in starts])
        for day, starts in booking.shown(slots, zone).items()
    ]


def _labels(slots: Sequence[datetime], zone: str) -> list[tuple[str, str]]:
    return [(iso(one), moment(one.astimezone(ZoneInfo(zone)), zone)) for one in slots]
