"""A company that may text, people who allowed it, a campaign that runs, and pumps in this process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Count

from accounts.access import team_of
from accounts.models import Membership, User
from buckets.models import Bucket
from buckets.services import create_bucket, recount
from campaigns import clock
from campaigns.models import (
    Campaign,
    ClockSetting,
    Delivery,
    Member,
    Sender,
    StateAnswer,
    Step,
    Template,
    TemplateVersion,
    Variant,
)
from campaigns.rules.area_codes import STATES
from campaigns.sending import pump, states
from common.db.ids import uuid7
from integrations.lookups.identity import names_of
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.keys import key_secrets
from leads.merging.services import merge_bucket
from leads.models import Consent, ContactKey, Lead, LeadKey, LeadName, Scrub, Seller
from leads.permission.selling import save_seller

NOON = datetime(2026, 9, 15, 16, tzinfo=UTC)  # a Tuesday: noon in Boston, 9 in Phoenix
OURS = "+16175550100"
TEXT = "Hi {{firstName|there}}, {{companyName}} here about {{address|your house}}. Reply STOP to end."
PROFILE = {
    "legal_name": "Acme Homes LLC", "postal_address": "1 Main St, Boston, MA 02108", "callback_phone": "617-555-0100",
    "policy_text": "We do not text who asked us not to.",
}  # fmt: skip
# state, ZIP, latitude, longitude, area code: five zones, twelve states
PLACES = (
    ("MA", "02108", "42.3588", "-71.0638", "617"), ("AZ", "85004", "33.4484", "-112.0740", "602"),
    ("NY", "10001", "40.7506", "-73.9972", "212"), ("IL", "60601", "41.8858", "-87.6229", "312"),
    ("CO", "80202", "39.7508", "-104.9966", "303"), ("CA", "90012", "34.0614", "-118.2385", "213"),
    ("GA", "30303", "33.7525", "-84.3915", "404"), ("OH", "43215", "39.9671", "-83.0044", "614"),
    ("NC", "27601", "35.7727", "-78.6324", "919"), ("TN", "37201", "36.1667", "-86.7781", "615"),
    ("MI", "48226", "42.3317", "-83.0479", "313"), ("WA", "98101", "47.6114", "-122.3305", "206"),
)  # fmt: skip
BOSTON = PLACES[:1]
PIECE = 250  # leads a transaction


@dataclass(slots=True)
class World:
    """A campaign with its people, in the order of their leads."""

    user: User
    bucket: Bucket
    seller: Seller
    sender: Sender
    campaign: Campaign
    leads: list[Lead]

    @property
    def members(self) -> list[Member]:
        return list(Member.objects.filter(campaign=self.campaign).order_by("lead_id"))

    def now(self) -> Campaign:
        self.campaign.refresh_from_db()
        return self.campaign

    def states(self) -> dict[str, int]:
        rows = Delivery.objects.filter(campaign=self.campaign).order_by().values_list("state")
        return dict(rows.annotate(n=Count("pk")))

    def counters(self) -> dict[str, int]:
        """Those that are not 0, and are the count of the rows."""
        row, told = self.now(), dict.fromkeys({n for names in states.COUNTED.values() for n in names}, 0)
        for state, count in self.states().items():
            for name in states.COUNTED[state]:
                told[name] += count
        assert {name: getattr(row, name) for name in told} == told
        assert row.due == sum(self.states().values())
        return {name: count for name, count in sorted(told.items()) if count}


def number_of(place: int, places: Sequence[tuple[str, ...]] = BOSTON) -> str:
    """The number of the person with this place: area code, 555, four digits of her own."""
    return f"+1{places[place % len(places)][4]}555{1000 + place // len(places):04}"


def at_time(settings: Any, moment: datetime = NOON, speed: int = 1) -> None:
    """The campaigns' clock shows this moment from now on. One that was set to it before goes on: set back, what another
    world made due by it would not be due yet.
    """
    if (moment, speed) == settings.CAMPAIGN_CLOCK and ClockSetting.objects.exists():
        return
    settings.CAMPAIGN_CLOCK = (moment, speed)
    ClockSetting.objects.all().delete()
    clock.now()


def move(by: timedelta) -> None:
    """The campaigns' clock goes forward."""
    row = ClockSetting.objects.get(pk=1)
    ClockSetting.objects.filter(pk=1).update(shown_at=row.shown_at + by)


def make_company(user: User, vendor: str = "twilio", number: str = OURS) -> tuple[Seller, Sender]:
    seller = save_seller(team_id=team_of(user), by=user, values=PROFILE, attest=True)
    StateAnswer.objects.bulk_create(
        [StateAnswer(seller=seller, state=state, answer="not_needed") for state in sorted({*STATES.values()})],
        ignore_conflicts=True,
    )
    sender, _ = Sender.objects.get_or_create(seller=seller, number=number, vendor=vendor, registration_id="C123")
    return seller, sender


def make_people(
    user: User, seller: Seller, count: int, *, places: Sequence[tuple[str, ...]] = BOSTON, name: str = "Leads",
    first: int = 0, consent: bool = True, known: datetime = NOON - timedelta(days=5),
    owner_of: Callable[[int], int] = int, ids: Sequence[str] = (),
) -> tuple[Bucket, list[Lead]]:  # fmt: skip
    """Leads with a mobile number each, a clean scrub and a written consent; all of it known since then.

    owner_of: whose the n-th lead is; by default each has an owner of her own. ids: of properties that the vendor knows.
    """
    known_as = ids or [f"{name}-{first + n}" for n in range(count)]
    bucket, _ = create_bucket(by=user, name=name, property_ids=known_as)
    leads = list(Lead.objects.filter(bucket=bucket).order_by("pk"))
    for piece in range(0, count, PIECE):
        houses, contacts = [], []
        for number, lead in enumerate(leads[piece : piece + PIECE], start=first + piece):
            n = owner_of(number)
            state, zip_code, latitude, longitude, _ = places[n % len(places)]
            house = {
                "property_state": state, "property_zip": zip_code, "latitude": latitude, "longitude": longitude,
                "property_address": f"{number + 1} Elm St", "owner_name": f"Owner{n} Smith", "first_name": f"Owner{n}",
                "last_name": "Smith", "mailing_address": f"{n + 1} Elm St", "mailing_state": state,
                "mailing_zip": zip_code,
            }  # fmt: skip
            houses.append(FactRow(lead.pk, house, known))
            contacts.append(FactRow(lead.pk, {"phone": number_of(n, places), "phone_type": "mobile"}, known))
        with transaction.atomic():
            save_facts(PROPERTY, houses)
        with transaction.atomic():
            save_facts(CONTACT, contacts)
    # as if imported: the ledger knows of no purchase
    Lead.objects.filter(bucket=bucket).update(enrichment_status="completed", enriched_at=None, skip_traced_at=None)
    numbers = list(dict.fromkeys(number_of(owner_of(first + n), places) for n in range(count)))
    _scrub(seller, numbers, known)
    if consent:
        give_consent(seller, numbers, known)
    recount(bucket_ids=[bucket.pk])
    return bucket, list(Lead.objects.filter(bucket=bucket).order_by("pk"))


def _scrub(seller: Seller, numbers: Sequence[str], at: datetime) -> None:
    digests = _digests(numbers)
    Scrub.objects.bulk_create(
        Scrub(
            seller=seller, digest=digests[number], list="federal", listed=False, checked_at=at, version_date=at.date(),
            source="file",
        )
        for number in numbers
    )  # fmt: skip


def give_consent(seller: Seller, numbers: Sequence[str], at: datetime) -> None:
    """Written ones, for texts."""
    digests, shown = _digests(numbers), hashlib.sha256(b"Yes, text me.").hexdigest()
    Consent.objects.bulk_create(
        Consent(
            key_kind=1, digest=digests[number], hint=f"…{number[-4:]}", channel="sms", kind="written", seller=seller,
            how="form", text_hash=shown, given_at=at, created_at=at,
        )
        for number in numbers
    )  # fmt: skip


def digest(number: str) -> bytes:
    return _digests([number])[number]


def _digests(numbers: Sequence[str]) -> dict[str, bytes]:
    (secret,) = key_secrets.for_reading()
    return {number: key_secrets.digest(secret, 1, number) for number in numbers}


def key_of(number: str) -> ContactKey:
    return ContactKey.objects.get(kind=1, digest=digest(number))


def make_campaign(
    user: User, seller: Seller, sender: Sender, bucket: Bucket, leads: Sequence[Lead], *,
    steps: Sequence[tuple[int, str]] = ((0, "days"),), name: str = "Fall", text: str = TEXT, **more: Any,
) -> Campaign:  # fmt: skip
    """Running, with its members due now; steps: their delays."""
    at = clock.now()
    campaign = Campaign.objects.create(
        owner=user, name=name, status="running", bucket=bucket, seller=seller, sender=sender, approved_digest="x" * 64,
        approved_by_id=user.pk, started_at=at, stop_on=["reply"], members=len(leads), **more,
    )  # fmt: skip
    team_id = team_of(user)
    template = Template.objects.create(owner=user, team_id=team_id, name=f"{name} text")
    version = TemplateVersion.objects.create(template=template, number=1, text=text, digest="x" * 64)
    for position, (amount, unit) in enumerate(steps, start=1):
        step = Step.objects.create(campaign=campaign, position=position, delay_amount=amount, delay_unit=unit)
        Variant.objects.create(step=step, version=version, seed=f"seed{position}")
    rows = LeadKey.objects.filter(lead__in=[lead.pk for lead in leads])
    numbers = dict(rows.filter(role=LeadKey.Role.PHONE).values_list("lead_id", "key_id"))
    owners = dict(rows.filter(role=LeadKey.Role.OWNER).order_by("-position").values_list("lead_id", "key_id"))
    Member.objects.bulk_create(
        Member(
            id=uuid7(), campaign=campaign, lead=lead, split_group=campaign.pk, key_id=numbers[lead.pk],
            owner_key_id=owners.get(lead.pk), status=Member.Status.ACTIVE, next_at=at,
            zones=["America/New_York"], states=["MA"],
        )
        for lead in leads
    )  # fmt: skip
    return campaign


def make_world(
    count: int, settings: Any, *, vendor: str = "twilio", name: str = "ann", moment: datetime = NOON,
    places: Sequence[tuple[str, ...]] = BOSTON, **more: Any,
) -> World:  # fmt: skip
    settings.SMS_VENDOR = vendor
    settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"vendor": vendor}}
    at_time(settings, moment)
    user = User.objects.create_user(name)
    Membership.objects.filter(user=user).update(role="manager")
    seller, sender = make_company(user, vendor)
    bucket, leads = make_people(user, seller, count, places=places)
    campaign = make_campaign(user, seller, sender, bucket, leads, **more)
    campaign.refresh_from_db()  # with its team
    return World(user, bucket, seller, sender, campaign, leads)


def send_all(seconds: float = 60.0, *, pumps: int = 1) -> None:
    """Pumps until nothing is due, as workers would."""
    pump.IDLE = 0.5
    pump.MAKES_EVERY = 0.05
    threads = [threading.Thread(target=_work) for _ in range(pumps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)


def _work() -> None:
    try:
        pump.work()
    finally:
        connection.close()


def step(count: int = 1) -> list[pump.Stepped]:
    """So many steps of a pump, in this thread."""
    with ThreadPoolExecutor(4) as pool:
        return [pump.step(pool) for _ in range(count)]


def manual(world: World, number: str, **more: Any) -> Delivery:
    """A message that a person wrote, due."""
    values: dict[str, Any] = {
        "id": uuid7(), "team_id": world.campaign.team_id, "purpose": "manual", "key": key_of(number), "address": number,
        "sender": world.sender, "vendor": world.sender.vendor, "body": "Hi", "body_digest": "0" * 64,
        "callback_token": uuid4(), "by_id": world.user.pk,
    }  # fmt: skip
    return Delivery.objects.create(**(values | more))


def delivery(world: World, place: int = 0, step: int = 1) -> Delivery:
    return Delivery.objects.get(member__lead=world.leads[place], step__position=step)


def hits(server: Any) -> list[str]:
    """To whom a text was taken, as often as it was."""
    return sorted(row["to"] for row in server.messaging.texts.log({})["hits"])


def requests(server: Any) -> int:
    """How often the vendor was asked to send."""
    return len(server.messaging.texts.log({})["requests"])


def merge(place: Any, older: int, younger: int) -> None:
    """As the sweep does once files have told that they are one parcel. place: with its bucket and leads."""
    told = {"apn": "12-345", "fips": "25025", "property_address": "1 Elm St"}
    leads = [place.leads[older], place.leads[younger]]
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(**told)
    Lead.objects.filter(pk=leads[0].pk).update(property_id="77")
    Lead.objects.filter(pk=leads[1].pk).update(property_id="address:1 ELM ST|02108")
    LeadName.objects.filter(lead__in=leads).delete()
    LeadName.objects.bulk_create(
        LeadName(lead=lead, bucket_id=place.bucket.pk, exact=n.exact, loose=n.possible, bare=n.bare, source="file")
        for lead in leads
        for n in names_of({"apn": told["apn"], "fips": told["fips"]})
    )
    assert merge_bucket(place.bucket.pk) == 1
    assert Lead.every.get(pk=leads[1].pk).merged_into_id == leads[0].pk
