"""One's own hours, booking page and feeds, on one page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import NotAllowed, Scope, access
from accounts.selectors import user_of
from campaigns.booking import feeds, hours
from campaigns.booking.slots import Opening
from common.admin import dressed, is_id
from common.forms import BoxField
from common.public_address import public_address
from leads.models import Event

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PARTS = 2  # openings of a day on the page; the API takes more


class HoursForm(forms.Form):
    """Two openings a day: `d0_0_start`, `d0_0_end`, `d0_1_start`, …"""

    def __init__(self, *args: Any, openings: list[Opening], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, day in enumerate(DAYS):
            of_day = [one for one in openings if one.weekday == number]
            for part in range(PARTS):
                known = of_day[part] if part < len(of_day) else None
                for end in ("start", "end"):
                    word = "from" if end == "start" else "until"
                    self.fields[f"d{number}_{part}_{end}"] = forms.TimeField(
                        required=False,
                        label=f"{day} {word}" + (", second part" if part else ""),
                        initial=getattr(known, end) if known else None,
                        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                    )

    def days(self) -> list[tuple[str, list[Any]]]:
        """For the page: each day with its fields."""
        ends = [(part, end) for part in range(PARTS) for end in ("start", "end")]
        return [(day, [self[f"d{n}_{part}_{end}"] for part, end in ends]) for n, day in enumerate(DAYS)]

    def openings(self) -> list[Opening]:
        found = []
        for number in range(len(DAYS)):
            for part in range(PARTS):
                start, end = (self.cleaned_data.get(f"d{number}_{part}_{one}") for one in ("start", "end"))
                if bool(start is not None) != bool(end is not None):
                    raise hours.BadHours(f"{DAYS[number]}: say from when until when.")
                if isinstance(start, time) and isinstance(end, time):
                    found.append(Opening(number, start, end))
        return found


class PageForm(forms.Form):
    enabled = BoxField(required=False, label="Guests can open it")
    title = forms.CharField(max_length=100, label="What guests read")
    minutes = forms.IntegerField(min_value=5, max_value=480, label="Minutes of an appointment")
    buffer_minutes = forms.IntegerField(min_value=0, max_value=240, label="Minutes kept free before and after")
    notice_hours = forms.IntegerField(min_value=0, max_value=720, label="Hours of notice")
    days_ahead = forms.IntegerField(min_value=1, max_value=90, label="Days ahead")
    new_address = BoxField(required=False, label="Give it a new address; the one of before opens no more")


class FeedForm(forms.Form):
    name = forms.CharField(max_length=50, required=False, label="What you call it", help_text="Such as: My phone")
    kinds = forms.MultipleChoiceField(
        choices=Event.Kind.choices, initial=Event.Kind.values, label="Shows", widget=forms.CheckboxSelectMultiple
    )
    with_names = BoxField(
        required=False,
        label="With names, streets and titles",
        help_text="They leave for whoever knows the address. This is written into the audit log.",
    )


@never_cache
@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    hers = access(request)
    if hers.team_id is None or not hers.can(Scope.WRITE):
        raise PermissionDenied("Your role does not let you be booked: ask a manager of the team.")
    asked = request.POST.get("do", "")
    page = hours.page_of(hers)
    initial = {name: getattr(page, name) for name in PageForm.base_fields if hasattr(page, name)}
    of_hours = HoursForm(request.POST if asked == "hours" else None, openings=hours.openings_of(hers.user.pk))
    of_page = PageForm(request.POST if asked == "page" else None, initial=initial)
    of_feed = FeedForm(request.POST if asked == "feed" else None)
    address = ""
    if asked == "hours" and of_hours.is_valid():
        if _tried(of_hours, lambda: hours.set_hours(access=hers, openings=of_hours.openings())):
            return _saved(request, "Hours saved.")
    elif asked == "page" and of_page.is_valid():
        if _tried(of_page, lambda: hours.change_page(access=hers, **of_page.cleaned_data)):
            return _saved(request, "Booking page saved.")
    elif asked == "feed" and of_feed.is_valid():
        made: list[str] = []

        def make() -> None:
            _, token = feeds.make(access=hers, **of_feed.cleaned_data)
            made.append(feeds.address_of(token, public_address(request)))

        if _tried(of_feed, make):
            address, of_feed = made[0], FeedForm()
    elif asked == "revoke":
        pk = request.POST.get("feed", "")
        if is_id(pk):
            feeds.revoke(access=hers, feed_id=pk)  # type: ignore[arg-type]  # a UUID, as text
        return _saved(request, "Revoked: its address answers nobody any more.")
    context = {
        "title": "Booking and feeds", "hours": dressed(of_hours), "page_form": dressed(of_page),
        "feed_form": dressed(of_feed), "page": page, "page_address": hours.address_of(page), "address": address,
        "feeds": list(feeds.feeds_of(hers)), "zone": user_of(request).time_zone,
    }  # fmt: skip
    return TemplateResponse(request, "admin/campaigns/booking.html", {**admin.site.each_context(request), **context})


def _tried(form: forms.Form, act: Callable[[], Any]) -> bool:
    """Whether it was done; else the form says why not."""
    try:
        act()
    except (hours.BadHours, NotAllowed, feeds.TooManyFeeds) as error:
        form.add_error(None, str(error))
        return False
    return True


def _saved(request: HttpRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("calendar_booking")
