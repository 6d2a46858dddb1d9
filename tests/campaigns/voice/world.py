"""A company that calls by Twilio or SignalHouse, a caller whose phone is confirmed, owners who may be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.test import Client

from accounts.access import Access, access_in, team_of
from accounts.models import Membership, User
from campaigns import clock
from campaigns.models import CallAttempt, Sender
from common.db.clock import database_now
from common.db.ids import uuid7
from leads.models import Lead, Seller
from sandbox import twilio
from tests.campaigns.sending.world import at_time, key_of, make_company, make_people, number_of

OWN = "https://app.example.com"
AGENT = "+13125550142"
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class World:
    user: User
    team_id: int
    access: Access
    seller: Seller
    sender: Sender
    leads: list[Lead]

    def number(self, place: int = 0) -> str:
        return number_of(place)

    def attempt(self, place: int = 0, **more: Any) -> CallAttempt:
        """A call that the gate has let through at this moment, not placed yet."""
        lead = self.leads[place]
        values: dict[str, Any] = {
            "id": uuid7(), "team_id": self.access.team_id, "lead": lead, "key": key_of(number_of(place)),
            "number": number_of(place), "by": self.user, "mode": "twilio", "token": uuid4(), "started_at": clock.now(),
        }  # fmt: skip
        return CallAttempt.objects.create(**values | more)


def make_world(settings: Any, *, vendor: str = "twilio", people: int = 1, name: str = "ann") -> World:
    settings.VOICE_VENDOR = settings.SMS_VENDOR = vendor
    settings.OPERATIONS = settings.OPERATIONS | {
        one: settings.OPERATIONS[one] | {"vendor": vendor} for one in ("call", "sms")
    }
    at_time(settings)
    user = User.objects.create_user(name, agent_phone=AGENT, agent_phone_verified_at=database_now())
    Membership.objects.filter(user=user).update(role="manager")
    seller, sender = make_company(user, vendor)
    Sender.objects.filter(pk=sender.pk).update(voice=True)
    sender.refresh_from_db()
    _, leads = make_people(user, seller, people)
    return World(user, team_of(user), access_in(user, team_of(user)), seller, sender, leads)


# --- Posts as Twilio makes them ---------------------------------------------------------------------------------------

PARENT, CHILD = f"CA{'1' * 32}", f"CA{'2' * 32}"


def leg(sequence: int, status: str, *, child: bool = True, **more: str) -> dict[str, str]:
    """A status of a leg."""
    fields = {
        "CallSid": CHILD if child else PARENT, "CallStatus": status, "SequenceNumber": str(sequence),
        "CallbackSource": "call-progress-events", "From": "+16175550100", "To": "+16175551000",
    }  # fmt: skip
    return fields | ({"ParentCallSid": PARENT} if child else {}) | more


def dial_end(status: str, **more: str) -> dict[str, str]:
    return {"CallSid": PARENT, "DialCallStatus": status, "DialCallSid": CHILD} | more


def amd(answered_by: str) -> dict[str, str]:
    return {"CallSid": CHILD, "AccountSid": "AC1", "AnsweredBy": answered_by, "MachineDetectionDuration": "2100"}


def post(door: str, token: UUID, fields: dict[str, str], *, secret: str = "") -> Any:
    """As Twilio posts it; secret: another than ours."""
    path, pairs = f"/api/webhooks/twilio/{door}/{token}", list(fields.items())
    key = secret or django_settings.VENDORS["twilio"]["key"]
    mark = twilio.signature(key, f"{django_settings.PUBLIC_URL}{path}", pairs)
    return Client().post(path, urlencode(pairs), content_type=FORM, headers={"x-twilio-signature": mark})
