"""A person who can be booked, and guests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import Any

from django.test import Client

from accounts.access import own_access
from accounts.models import User
from campaigns.booking import hours
from campaigns.booking.slots import Opening
from campaigns.models import BookingPage

NEW_YORK = "America/New_York"


def at(text: str) -> datetime:
    """2026-03-08 17:00, UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def make_host(name: str = "jane", *, zone: str = NEW_YORK, start: int = 13, end: int = 18, **page: Any) -> BookingPage:
    """Booked every day from `start` to `end` (hours of her own clock), an hour at a time, two weeks ahead."""
    user = User.objects.create_user(name, f"{name}@example.com", first_name="Jane", last_name="Roe", time_zone=zone)
    access = own_access(user)
    hours.set_hours(access=access, openings=[Opening(day, time(start), time(end)) for day in range(7)])
    said = {"minutes": 60, "notice_hours": 0, "enabled": True, **page}
    return hours.change_page(access=access, **said)


def post(page: BookingPage, slot: str, email: str = "pat@example.com", *, ip: str = "", **said: Any) -> Any:
    """Asks for a slot as a program does. ip: by the trusted proxy's header."""
    body = {"at": slot, "name": "Pat Owner", "email": email, **said}
    more: dict[str, Any] = {"headers": {"X-Forwarded-For": ip}} if ip else {}
    return Client().post(f"/book/{page.slug}", json.dumps(body), content_type="application/json", **more)


def slots(page: BookingPage) -> list[str]:
    answer = Client().get(f"/book/{page.slug}", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    found: list[str] = answer.json()["slots"]
    return found
