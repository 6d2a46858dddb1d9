"""When and by which page a person can be booked: her own settings."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.access import Access, NotAllowed, Scope
from accounts.audit import record
from accounts.models import User
from campaigns.booking.slots import Opening
from campaigns.models import BookingPage, Hours
from leads.locks import hold_host

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPENINGS_MOST = 28  # four a day


class BadHours(ValueError):
    """These hours cannot be meant; the words say why."""


def openings_of(user_id: int) -> list[Opening]:
    """Her hours, in the order of the week."""
    rows = Hours.objects.filter(user=user_id).order_by("weekday", "start").values_list("weekday", "start", "end")
    return [Opening(*row) for row in rows]


def set_hours(*, access: Access, openings: Sequence[Opening]) -> list[Opening]:
    """Her hours are these from now on; what is booked stays. Raises BadHours, NotAllowed."""
    _check_writes(access)
    wanted = sorted(set(openings), key=lambda one: (one.weekday, one.start, one.end))
    if len(wanted) > OPENINGS_MOST:
        raise BadHours(f"Give {OPENINGS_MOST} openings a week at most.")
    for before, one in zip([None, *wanted], wanted, strict=False):
        if one.end <= one.start:
            raise BadHours(f"{_DAYS[one.weekday]}: the end must come after the start.")
        if before and before.weekday == one.weekday and one.start < before.end:
            raise BadHours(f"{_DAYS[one.weekday]}: two openings overlap.")
    with transaction.atomic():
        hold_host(access.user.pk)  # saved twice at once: the last ones, never a mixture
        Hours.objects.filter(user=access.user).delete()
        Hours.objects.bulk_create(
            [Hours(user=access.user, weekday=one.weekday, start=one.start, end=one.end) for one in wanted],
        )
        record("hours.changed", by=access.user, team_id=access.team_id, after={"openings": len(wanted)})
    return openings_of(access.user.pk)


def page_of(access: Access) -> BookingPage:
    """Her booking page in this team, made where there is none: off, at an address that nobody can guess."""
    if access.team_id is None:
        raise NotAllowed("A booking page belongs to a team.")
    made = BookingPage(team_id=access.team_id, user=access.user, slug=secrets.token_urlsafe(16))
    BookingPage.objects.bulk_create([made], ignore_conflicts=True)
    return BookingPage.objects.select_related("user", "team").get(team=access.team_id, user=access.user)


def change_page(*, access: Access, new_address: bool = False, **said: Any) -> BookingPage:
    """Changes title, minutes, buffer_minutes, notice_hours, days_ahead, enabled. new_address: the old one opens no
    more. Raises NotAllowed: without a public address and a mail server no guest could confirm.
    """
    _check_writes(access)
    page = page_of(access)
    if said.get("enabled") and not page.enabled:
        if not (settings.PUBLIC_URL and settings.MAIL_IS_SET_UP):
            raise NotAllowed("Booking needs PUBLIC_URL and EMAIL_URL: an administrator sets them.")
        if not openings_of(access.user.pk):
            raise NotAllowed("Set your hours first: there is no time to offer.")
    if new_address:
        said["slug"] = secrets.token_urlsafe(16)
    with transaction.atomic():
        before = {name: getattr(page, name) for name in said if name != "slug"}
        for name, value in said.items():
            setattr(page, name, value)
        page.full_clean(validate_unique=False)
        page.save()
        after = {name: getattr(page, name) for name in before} | ({"new_address": True} if new_address else {})
        before.pop("title", None), after.pop("title", None)
        record("booking.changed", by=access.user, team_id=page.team_id, about=page, before=before, after=after)
    return page


def address_of(page: BookingPage) -> str:
    """Where guests open it."""
    return f"{settings.PUBLIC_URL}/book/{page.slug}"


def name_of(user: User) -> str:
    """What guests are told of who is booked: her full name, or how she signs in where she has none but no address."""
    return user.get_full_name() or user.get_username().partition("@")[0]


def _check_writes(access: Access) -> None:
    if not access.can(Scope.WRITE):
        raise NotAllowed("Your role or token may not change this.")
