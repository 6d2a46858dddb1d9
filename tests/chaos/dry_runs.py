"""A campaign from its dry run to its last text, while workers and PostgreSQL die: what the vendor took is what the dry
run said, message for message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import requests
from django.db import transaction
from django.db.models import Q

from buckets.models import Bucket
from campaigns import clock
from campaigns.models import Campaign, ClockSetting, Delivery, Emergency, Member, PreviewLine
from campaigns.sending.doubts import NotInDoubt, resolve
from integrations.ledger.persistence import persist
from leads.models import Lead, Seller
from leads.permission.suppressing import suppress
from tests.campaigns.sending import world
from tests.chaos.messages import check_counters, company, replay, unexplained
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting

LABOR_DAY = datetime(2026, 9, 7, 14, 30, tzinfo=UTC)  # 10:30 in New York, 7:30 in Los Angeles; Alabama is closed
SPEED = 20
PER_MINUTE = 12_000  # ten a transaction: on a busy machine the whole takes minutes
AGREED = LABOR_DAY - timedelta(days=5)
SETTING = Setting(
    environment={
        "SMS_VENDOR": "twilio", "CAMPAIGN_CLOCK": f"{LABOR_DAY:%Y-%m-%dT%H:%MZ}/{SPEED}", "PACE_SMS": str(PER_MINUTE),
    }
)  # fmt: skip
# as `world.PLACES`, with Alabama, which closes on holidays
PLACES = tuple(("AL", "35203", "33.5186", "-86.8104", "205") if place[0] == "MI" else place for place in world.PLACES)
CLOSED = "NC"  # an emergency is declared there, and not over
NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
DENVER, PHOENIX, PACIFIC = (ZoneInfo(f"America/{city}") for city in ("Denver", "Phoenix", "Los_Angeles"))
# The hours of the reference's table (4.2), written down a second time: zone, first and last hour
HOURS = {
    "MA": (NEW_YORK, 8, 20), "AZ": (PHOENIX, 8, 21), "NY": (NEW_YORK, 8, 21), "IL": (CHICAGO, 8, 21),
    "CO": (DENVER, 8, 21), "CA": (PACIFIC, 8, 21), "GA": (NEW_YORK, 8, 21), "OH": (NEW_YORK, 8, 21),
    "NC": (NEW_YORK, 8, 21), "TN": (CHICAGO, 8, 21), "AL": (CHICAGO, 8, 20), "WA": (PACIFIC, 8, 20),
}  # fmt: skip
HOLIDAYS = {"AL": {LABOR_DAY.date()}}
APART = timedelta(minutes=1)  # at speed 20 the vendor's clock is that near to ours
PARCELS = 3  # of each of the five owners of several
TEXTS = {
    "First": world.TEXT,
    "Other": "{{companyName}} would buy {{address|your house}}, {{firstName|neighbor}}. Reply STOP to end.",
    "Again": "Still thinking about {{address|your house}}? It is {{companyName}} again. Reply STOP to end.",
}
PATIENCE = 3_600.0  # seconds for the whole campaign: a machine that others use takes twenty minutes and more


@dataclass(frozen=True, slots=True)
class Crowd:
    """left_out: leads by reason, as the dry run must say."""

    bucket: Bucket
    state_of: Mapping[str, str]
    left_out: Mapping[str, int]


def log_is_the_dry_run(place: Place) -> Sequence[str]:
    """2,000 people in five zones and twelve states, two steps, two texts among which the first draws, on a holiday.

    Workers are killed ten times and PostgreSQL is restarted; then every post of the vendor comes again, in reverse,
    twice.
    """
    count, times = place.size(2_000, 96), place.size(10, 2)
    with company(place, LABOR_DAY, SPEED) as (ann, seller, _):
        person = place.people[-1]
        crowd = _crowd(ann, seller, count)
        campaign_id, lines = _approved(place, person, crowd)
        person.done("POST", f"/campaigns/{campaign_id}/launch", {})
        killed = _run(place, campaign_id, len(lines), times)
        replayed = replay(place)
        hits = _hits(place, crowd)
        doubts = persist(lambda: _decide(hits))
        place.until(place.is_calm, "no request is under way", 60)
        unsent = _compare(campaign_id, lines, hits)
        _check_hours(crowd, hits)
        _check_rows(campaign_id, len(lines))
        return [
            f"{len({line[0] for line in lines})} people, {len(lines)} texts, left out {dict(crowd.left_out)}",
            f"{killed['child']} children and {killed['parent']} parents killed, {doubts} in doubt, {unsent} never sent",
            f"{replayed} posts replayed, log = dry run, each in its hours",
        ]


# --- Who is in it -----------------------------------------------------------------------------------------------------


def _crowd(ann: Any, seller: Seller, count: int) -> Crowd:
    """So many people, and more parcels of the first five."""
    more = 5 * (PARCELS - 1)
    numbers = [world.number_of(n, PLACES) for n in range(count)]
    states = [PLACES[n % len(PLACES)][0] for n in range(count)]
    persist(
        lambda: Emergency.objects.create(
            jurisdiction=f"US-{CLOSED}", from_at=AGREED, reason="Hurricane", source="the governor", created_at=AGREED
        )
    )
    free = [n for n in range(count) if states[n] != CLOSED]
    owners, rest = free[:5], free[5:]
    bucket, _ = world.make_people(
        ann, seller, count + more, places=PLACES, consent=False, known=AGREED,
        owner_of=lambda n: n if n < count else owners[n % 5],
    )  # fmt: skip
    stopped, asked_nobody = rest[: count // 50], rest[count // 50 : count // 50 + count * 15 // 100]
    allowed = sorted({*range(count)} - {*asked_nobody})
    persist(lambda: world.give_consent(seller, [numbers[n] for n in allowed], AGREED))
    for n in stopped:
        persist(lambda n=n: _stop(numbers[n]))  # type: ignore[misc]
    left_out = {
        "emergency": count - len(free), "suppressed": len(stopped), "no_consent": len(asked_nobody), "same_owner": more,
    }  # fmt: skip
    return Crowd(bucket, dict(zip(numbers, states, strict=True)), left_out)


def _stop(number: str) -> None:
    with transaction.atomic():
        suppress([(1, number)], reason="stop", source="user:0")


# --- From the dry run to the last text --------------------------------------------------------------------------------


def _approved(place: Place, person: Person, crowd: Crowd) -> tuple[UUID, list[tuple[str, str]]]:
    """Drafted, run dry and approved over HTTP. Returns its texts: to whom, and what."""
    made = {
        name: person.done("POST", "/templates", {"name": name, "text": text}).body["template"]["id"]
        for name, text in TEXTS.items()
    }
    draws = [{"templateId": made["First"], "weight": 60}, {"templateId": made["Other"], "weight": 40}]
    steps = [{"variants": draws}, {"templateId": made["Again"], "delayAmount": 1, "delayUnit": "days"}]
    order = {"name": "Proof", "bucketId": str(crowd.bucket.pk), "steps": steps}
    campaign = person.done("POST", "/campaigns", order).body["campaign"]["id"]
    preview = person.done("POST", f"/campaigns/{campaign}/preview", {}, Prefer="wait=50").body["preview"]
    if preview["status"] != "made" or preview["leftOut"] != crowd.left_out:
        raise Broken(f"the dry run is {preview['status']}, {preview['leftOut']} instead of {dict(crowd.left_out)}")
    person.done("POST", f"/campaigns/{campaign}/approve", {"digest": preview["digest"]})
    rows = PreviewLine.objects.filter(preview=preview["id"], verdict="yes").values_list("lead_id", "text")
    told = persist(lambda: list(rows))
    phones = persist(lambda: dict(Lead.objects.filter(bucket=crowd.bucket).values_list("pk", "phone")))
    return UUID(campaign), [(phones[lead_id] or "", text) for lead_id, text in told]


def _run(place: Place, campaign_id: UUID, texts: int, times: int) -> Counter[str]:
    """Until it is completed; where nothing is due for minutes the clock is set forward."""
    killed: Counter[str] = Counter()

    def is_over() -> bool:
        number = killed.total()
        if number < times and _left(campaign_id) >= texts * (number + 1) // (times + 2):
            killed[place.kill_somebody()] += 1
            if number == times // 2:
                place.servers.postgres.restart()
            return False
        advance(place, campaign_id)
        return Campaign.objects.filter(pk=campaign_id, status=Campaign.Status.COMPLETED).exists()

    place.until(is_over, "the campaign is completed", PATIENCE)
    if killed.total() < times:
        raise Broken(f"the campaign was over after {killed.total()} of {times} deaths")
    return killed


def advance(place: Place, campaign_id: UUID) -> None:
    """Sets the clock forward to what comes next, where nothing is due or under way for longer than minutes."""
    if ahead := waits(campaign_id):
        ClockSetting.objects.filter(pk=1).update(shown_at=ClockSetting.objects.get(pk=1).shown_at + ahead)
        place.running.agree_on_time()


def _left(campaign_id: UUID) -> int:
    return Delivery.objects.filter(campaign=campaign_id, state__in=Delivery.LEFT).count()


def waits(campaign_id: UUID) -> timedelta | None:
    """How far the clock may be set forward: nothing is due or under way for longer than minutes."""
    now = clock.now()
    of = Delivery.objects.filter(campaign=campaign_id)
    if of.filter(state__in=(Delivery.State.TAKEN, Delivery.State.INTENDED)).exists():
        return None
    if of.filter(Q(not_before=None) | Q(not_before__lte=now), state=Delivery.State.DUE).exists():
        return None
    members = Member.objects.filter(campaign=campaign_id, status=Member.Status.ACTIVE)
    held = Member.objects.filter(campaign=campaign_id, status=Member.Status.HELD)
    moments = [
        *of.filter(state=Delivery.State.DUE).order_by("not_before").values_list("not_before", flat=True)[:1],
        *members.order_by("next_at").values_list("next_at", flat=True)[:1],
        *held.order_by("held_until").values_list("held_until", flat=True)[:1],
    ]
    ahead = min((one for one in moments if one is not None), default=now) - now - timedelta(minutes=1)
    return ahead if ahead > timedelta(minutes=2) else None


# --- What came of it --------------------------------------------------------------------------------------------------


def _hits(place: Place, crowd: Crowd) -> list[Mapping[str, str]]:
    answer = requests.get(f"{place.running.sandbox_url}/__log", timeout=60)
    answer.raise_for_status()
    return [hit for hit in answer.json()["hits"] if hit["to"] in crowd.state_of]


def _decide(hits: Sequence[Mapping[str, str]]) -> int:
    """The operator knows the truth. Returns how many were in doubt."""
    known = {(hit["to"], hit["text"]) for hit in hits}
    rows = list(Delivery.objects.filter(state=Delivery.State.IN_DOUBT).values_list("pk", "address", "body"))
    for pk, address, body in rows:
        try:
            resolve(delivery_id=pk, was_sent=(address, body) in known, by=None)
        except NotInDoubt:
            continue
    return len(rows)


def _compare(campaign_id: UUID, lines: Sequence[tuple[str, str]], hits: Sequence[Mapping[str, str]]) -> int:
    """The vendor's log is the dry run, but for texts that a killed worker had not sent. Returns how many."""
    failed = Delivery.objects.filter(campaign=campaign_id, state=Delivery.State.FAILED, resolved_by_id__isnull=False)
    unsent = Counter(
        (to or "", text or "") for to, text in persist(lambda: list(failed.values_list("address", "body")))
    )
    told = Counter(lines)
    took = Counter((hit["to"], hit["text"]) for hit in hits)
    if took + unsent != told:
        more, fewer = took + unsent - told, told - took - unsent
        raise Broken(f"{more.total()} texts more than the dry run, {fewer.total()} fewer: {[*more][:2]} {[*fewer][:2]}")
    return unsent.total()


def _check_hours(crowd: Crowd, hits: Sequence[Mapping[str, str]]) -> None:
    for hit in hits:
        state = crowd.state_of[hit["to"]]
        zone, opens, closes = HOURS[state]
        local = datetime.fromisoformat(hit["at"]).astimezone(zone)
        first, last = (local.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (opens, closes))
        if state == CLOSED or not first - APART <= local < last or local.date() in HOLIDAYS.get(state, ()):
            raise Broken(f"a text reached {state} on {local:%a, %b %d, at %H:%M}")


def _check_rows(campaign_id: UUID, texts: int) -> None:
    rows = persist(lambda: Counter(Delivery.objects.filter(campaign=campaign_id).values_list("state", flat=True)))
    if rows.total() != texts:
        raise Broken(f"{rows.total()} messages for {texts} lines: {dict(rows)}")
    if lost := unexplained(campaign_id):
        raise Broken(f"nobody says why these were not sent: {lost}")
    check_counters(campaign_id, rows)
