"""The numbers that a company texts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import User
from campaigns.models import Campaign, Sender
from campaigns.planning.refusals import CampaignError
from integrations.vendors import normalise
from leads.models import Seller

REGISTRATION_MAX = 100
CHANGEABLE = ("registration_id", "daily_segments", "voice")


def add_sender(
    *,
    by: User,
    seller: Seller,
    number: str,
    vendor: str,
    registration_id: str = "",
    daily_segments: int | None = None,
    voice: bool = False,
) -> Sender:
    """Raises CampaignError: `number` (not American, another active sender's), `vendor`, `registrationId`."""
    phone = normalise.phone(number)
    if phone is None or not phone.startswith("+1"):
        raise CampaignError("INVALID", "This is no American phone number, such as (614) 555-0100.", "number")
    if vendor not in Sender.Vendor.values:
        raise CampaignError("INVALID", f"The vendor is one of {', '.join(Sender.Vendor.values)}.", "vendor")
    sender = Sender(seller=seller, number=phone, vendor=vendor, voice=voice, daily_segments=daily_segments)
    sender.registration_id = _registration(registration_id)
    _check_segments(daily_segments)
    with _number_once():
        sender.save(force_insert=True)
        after = {"vendor": vendor, "registered": bool(sender.registration_id), "voice": voice}
        _told("sender.added", sender, by, after=after)
    return sender


def change_sender(*, sender: Sender, by: User, changes: Mapping[str, Any]) -> Sender:
    """changes: registration_id, daily_segments, voice. Raises CampaignError."""
    with transaction.atomic():
        values = {name: changes[name] for name in CHANGEABLE if name in changes}
        if "registration_id" in values:
            values["registration_id"] = _registration(values["registration_id"])
        _check_segments(values.get("daily_segments"))
        changed = {name: value for name, value in values.items() if getattr(sender, name) != value}
        if changed and Sender.objects.filter(pk=sender.pk, retired_at__isnull=True).update(
            **changed, updated_at=timezone.now()
        ):
            _told("sender.changed", sender, by, after={"fields": sorted(changed)})
    sender.refresh_from_db()
    return sender


def retire_sender(*, sender: Sender, by: User) -> Sender:
    """It is used no more; its number may be another's. Raises CampaignError IN_USE where an open campaign uses it."""
    with transaction.atomic():
        if Campaign.objects.filter(sender=sender, status__in=Campaign.OPEN).exists():
            raise CampaignError("IN_USE", "A campaign that is not over sends from this number.")
        mine = Sender.objects.filter(pk=sender.pk, retired_at__isnull=True)
        if mine.update(retired_at=timezone.now(), updated_at=timezone.now()):
            _told("sender.retired", sender, by)
    sender.refresh_from_db()
    return sender


@contextmanager
def _number_once() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = str(error)
        if "sender_number_is_us" in constraint:
            raise CampaignError("INVALID", "This is no American phone number.", "number") from error
        if "sender_number_once" not in constraint:
            raise
        raise CampaignError("INVALID", "This number is in use here already.", "number") from error


def _registration(text: str) -> str:
    text = text.strip()
    if len(text) > REGISTRATION_MAX or "\x00" in text:
        words = f"A registration has at most {REGISTRATION_MAX} characters."
        raise CampaignError("INVALID", words, "registrationId")
    return text


def _check_segments(daily: int | None) -> None:
    if daily is not None and not 1 <= daily <= 10_000_000:
        raise CampaignError("INVALID", "Segments a day are 1 or more.", "dailySegments")


def _told(action: str, sender: Sender, by: User, *, after: Mapping[str, Any] | None = None) -> None:
    """Its number is the company's own: the last digits tell it apart, and the audit masks phones."""
    team_id = sender.seller.team_id
    record(action, by=by, team_id=team_id, about=sender, name=f"…{sender.number[-4:]}", after=after)
