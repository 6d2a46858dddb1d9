"""People of the reference (A, B, …), their leads, a company that is set up, and attempts as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction

from accounts.access import team_of
from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket
from campaigns.models import Delivery, Sender, StateAnswer
from campaigns.rules.area_codes import STATES
from common.db.ids import uuid7
from leads.counters import count_facts
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.keys import key_secrets
from leads.models import ContactKey, Lead, LeadKey, Scrub, Seller
from leads.permission.consenting import give
from leads.permission.selling import save_seller

NOON = datetime(2026, 9, 15, 16, tzinfo=UTC)  # a Tuesday: noon in Boston, 9 in Phoenix
A, B, P = "+16025550111", "+16175550112", "+18505550113"
HOUSES: dict[str, dict[str, Any]] = {
    "A": {"property_state": "AZ", "property_zip": "85004", "latitude": "33.4484", "longitude": "-112.0740"},
    "B": {"property_state": "MA", "property_zip": "02108", "latitude": "42.3588", "longitude": "-71.0638"},
    "P": {"property_state": "FL", "property_zip": "32501", "latitude": "30.4213", "longitude": "-87.2169"},
}
NUMBERS = {"A": A, "B": B, "P": P}
PROFILE = {
    "legal_name": "Acme Homes LLC", "postal_address": "1 Main St, Boston, MA 02108", "callback_phone": "617-555-0100",
    "policy_text": "We do not call who asked us not to.",
}  # fmt: skip


def company(by: User, *, states: Collection[str] = (), number: str = "+16175550100", flag: bool = False) -> Seller:
    """Everything that is asked of a company: profile, a registered sender, an answer for each state."""
    seller = save_seller(team_id=team_of(by), by=by, values=PROFILE, attest=True)
    if flag:
        Seller.objects.filter(pk=seller.pk).update(flag_acknowledged_at=NOON - timedelta(days=1))
    Sender.objects.get_or_create(seller=seller, number=number, vendor="twilio", registration_id="C123")
    StateAnswer.objects.bulk_create(
        [
            StateAnswer(seller=seller, state=state, answer="not_needed")
            for state in states or sorted({*STATES.values()})
        ],
        ignore_conflicts=True,
    )
    seller.refresh_from_db()
    return seller


def bucket_of(by: User, count: int = 5, name: str = "Leads") -> Bucket:
    bucket, _ = create_bucket(by=by, name=name, property_ids=[f"{name}-{n}" for n in range(count)])
    return bucket


def person(lead: Lead, who: str = "B", *, owner: dict[str, Any] | None = None, **facts: Any) -> Lead:
    """The lead as purchases leave it: a house of one of the reference's people, and what a skip trace found."""
    told = {"phone": NUMBERS[who], "phone_type": "mobile", **facts}
    with transaction.atomic():
        for what, facts in ((PROPERTY, {**HOUSES[who], **(owner or {})}), (CONTACT, told)):
            count_facts(save_facts(what, [FactRow(lead.pk, facts, NOON - timedelta(days=5))]).grown)
    lead.refresh_from_db()
    return lead


def digest(address: str) -> bytes:
    (secret,) = key_secrets.for_reading()
    kind = ContactKey.Kind.EMAIL if "@" in address else ContactKey.Kind.PHONE
    return key_secrets.digest(secret, kind, address)


def checked(seller: Seller, number: str = B, *, days: int = 5, list: str = "federal", listed: bool = False) -> Scrub:
    at = NOON - timedelta(days=days)
    return Scrub.objects.create(
        seller=seller, digest=digest(number), list=list, listed=listed, checked_at=at, version_date=at.date(),
        source="file",
    )  # fmt: skip


def agreed(seller: Seller, address: str = B, *, channel: str = "sms", kind: str = "written") -> Any:
    return give(
        (2 if "@" in address else 1, address), channel=channel, kind=kind, seller=seller,
        given_at=NOON - timedelta(days=30), how="form", text="Yes, text me.", at=NOON - timedelta(days=30),
    )  # fmt: skip


def key_of(address: str) -> ContactKey:
    return ContactKey.objects.get(digest=digest(address))


def owner_key_of(lead: Lead) -> ContactKey:
    return LeadKey.objects.select_related("key").get(lead=lead, role=LeadKey.Role.OWNER).key


def attempt(team_id: int, address: str, at: datetime, *, channel: str = "sms", state: str = "delivered",
            lead: Lead | None = None) -> Delivery:  # fmt: skip
    """A message as a row, as `campaigns.sending` leaves it."""
    return Delivery.objects.create(
        id=uuid7(), team_id=team_id, channel=channel, purpose="manual", state=state, rank=Delivery.RANKS.get(state, 0),
        key=key_of(address), address=address, lead_id=lead.pk if lead else None,
        body="Hi", body_digest=hashlib.sha256(b"Hi").hexdigest(), callback_token=uuid4(), vendor="twilio",
        vendor_id=uuid4().hex if state in ("accepted", "delivered") else None,
        intended_at=None if state in ("due", "refused", "cancelled", "expired") else at,
    )  # fmt: skip


def due(seller: Seller, address: str, lead: Lead | None = None, **more: Any) -> Delivery:
    """A message that a person wrote and that may leave now."""
    return Delivery.objects.create(
        id=uuid7(), team_id=seller.team_id, purpose="manual", state="taken", key=key_of(address), address=address,
        lead_id=lead.pk if lead else None, sender=Sender.objects.filter(seller=seller).first(), body="Hi",
        body_digest=hashlib.sha256(b"Hi").hexdigest(), callback_token=uuid4(),
        **more,
    )  # fmt: skip
