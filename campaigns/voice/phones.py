"""By which phone calls are made here, and why somebody may not: one truth for pages, the API and the press itself."""

from __future__ import annotations

from django.conf import settings

from accounts.access import Access
from accounts.models import User
from campaigns.models import CallAttempt, Sender
from integrations.naming import vendors as vendor_names
from integrations.vendors import voice

Mode = CallAttempt.Mode
MODES = {"": Mode.TEL, "twilio": Mode.TWILIO, "signalhouse_messaging": Mode.SIGNALHOUSE}
VENDORS = {str(mode): vendor for vendor, mode in MODES.items() if vendor}


def mode() -> str:
    """How calls are placed here: tel, twilio, signalhouse."""
    return str(MODES[settings.VOICE_VENDOR])


def why_not(access: Access) -> str:
    """Why she may not click to call, in words; "": she may."""
    return why_not_for(access.user, access.team_id, mode())


def why_not_for(user: User, team_id: int | None, mode: str) -> str:
    """The same of a call of this mode.

    1. The vendor is chosen, and has its key. 2. The team has a number for calls with it. 3. Twilio: her own phone has
    been confirmed.
    """
    vendor = VENDORS.get(mode, "")
    if not vendor:
        return "No vendor makes calls here: dial by your own phone."
    if vendor != settings.VOICE_VENDOR:
        return f"{vendor_names.title(vendor)} makes no calls here: an operator sets VOICE_VENDOR."
    if lacking := voice.lack(vendor):
        return f"{lacking}."
    if team_id is None or sender_of(team_id, vendor) is None:
        return "Your company has no number to call from: a manager turns on calls for one of its numbers."
    if mode == Mode.TWILIO and not (user.agent_phone and user.agent_phone_verified_at):
        return "Confirm your own phone first, on your profile: it rings before the owner's does."
    return ""


def sender_of(team_id: int, vendor: str) -> Sender | None:
    """The number that the team calls from: the first that was added."""
    rows = Sender.objects.filter(seller__team_id=team_id, seller__replaced_at__isnull=True, vendor=vendor, voice=True)
    return rows.filter(retired_at__isnull=True).order_by("pk").first()


def agent_of(user: User, mode: str) -> str:
    """What rings first: her phone, or by SignalHouse the name of her softphone."""
    return user.agent_phone if mode == Mode.TWILIO else f"caller-{user.pk}"
