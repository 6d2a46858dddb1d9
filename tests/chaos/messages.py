"""Text messages: workers that die while they send, opt-outs that cross a message, limits that many reach at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from accounts.models import Membership
from campaigns import clock
from campaigns.models import Campaign, Delivery, Member
from campaigns.sending import pump, states, steps
from campaigns.sending.doubts import NotInDoubt, resolve
from integrations.ledger.persistence import persist
from integrations.models import Balance, Operation
from leads.models import Lead
from leads.permission.suppressing import suppress
from sandbox.server import SandboxConfig
from tests.campaigns.sending import world
from tests.chaos.place import Broken, Place, Setting
from tests.leads.samples import together

CLOCK = f"{world.NOON:%Y-%m-%dT%H:%MZ}/1"
PER_MINUTE = 900
TEXTS = Setting(environment={"SMS_VENDOR": "twilio", "CAMPAIGN_CLOCK": CLOCK, "PACE_SMS": str(PER_MINUTE)})
# Ten leave together: where nobody dies, a busy machine is not to count a transaction a message.
FAST = Setting(environment={"SMS_VENDOR": "twilio", "CAMPAIGN_CLOCK": CLOCK, "PACE_SMS": "12000"})
State = Delivery.State


@contextmanager
def company(place: Place, moment: datetime = world.NOON, speed: int = 1) -> Iterator[tuple[Any, Any, Any]]:
    """A person who may text, her company and its number; this process has the stack's clock and vendor meanwhile."""
    before = {name: getattr(settings, name) for name in ("CAMPAIGN_CLOCK", "SMS_VENDOR", "VENDORS", "OPERATIONS")}
    settings.CAMPAIGN_CLOCK, settings.SMS_VENDOR = (moment, speed), "twilio"
    config = SandboxConfig()
    twilio = {"base_url": f"{place.running.sandbox_url}/twilio", "account": config.twilio_account}
    settings.VENDORS = settings.VENDORS | {"twilio": twilio | {"key": config.twilio_token}}
    settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"vendor": "twilio", "pace": 0}}
    try:
        persist(clock.now)  # it begins
        place.running.agree_on_time()
        ann = place.person("ann").user
        persist(lambda: Membership.objects.filter(user=ann).update(role="manager"))
        seller, sender = persist(lambda: world.make_company(ann))
        yield ann, seller, sender
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def kills(place: Place) -> Sequence[str]:
    """2,000 recipients in five zones and twelve states; workers are killed and PostgreSQL is restarted meanwhile, then
    every post of the vendor comes again, in reverse, twice.
    """
    count, times = place.size(2_000, 60), place.size(10, 3)
    with company(place) as (ann, seller, sender):
        bucket, leads = world.make_people(ann, seller, count, places=world.PLACES)
        campaign = world.make_campaign(ann, seller, sender, bucket, leads)
        killed: Counter[str] = Counter()
        for number in range(times):
            goal = count * (number + 1) // (times + 2)
            place.until(lambda goal=goal: sent(campaign.pk) >= goal, "messages leave")  # type: ignore[misc]
            killed[place.kill_somebody()] += 1
            if number == times // 2:
                place.servers.postgres.restart()
        place.until(lambda: is_over(campaign.pk), "the campaign is completed")
        before = hits_of(place, [lead.phone for lead in leads])
        replayed = replay(place)
        doubts = persist(lambda: _decide(before))
        place.until(place.is_calm, "no request is under way", 60)
        _check(campaign.pk, count, hits_of(place, [lead.phone for lead in leads]))
        most = 4 * times  # children of a worker, each with one message on its way at this pace
        if doubts > most:
            raise Broken(f"{doubts} messages were in doubt after {times} deaths and a restart")
        return [
            f"{killed['child']} children and {killed['parent']} parents killed, {doubts} in doubt",
            f"{replayed} posts replayed",
            f"hits {sum(before.values())} of {count}",
        ]


def sent(campaign_id: UUID) -> int:
    return Delivery.objects.filter(campaign=campaign_id, state__in=Delivery.LEFT).count()


def is_over(campaign_id: UUID) -> bool:
    return Campaign.objects.filter(pk=campaign_id, status=Campaign.Status.COMPLETED).exists()


def hits_of(place: Place, numbers: Iterable[str | None]) -> Mapping[str, int]:
    """How often each of these was sent something, says the vendor, whose log goes through all scenarios of a stack."""
    answer = requests.get(f"{place.running.sandbox_url}/__log", timeout=60)
    answer.raise_for_status()
    found: Mapping[str, int] = answer.json()["hitsByRecipient"]
    mine = set(numbers)
    return {number: times for number, times in found.items() if number in mine}


def replay(place: Place) -> int:
    order = {"reverse": True, "times": 2}
    answer = requests.post(f"{place.running.sandbox_url}/sandbox/replay", json=order, timeout=600)
    answer.raise_for_status()
    return int(answer.json()["posts"])


def _decide(hits: Mapping[str, int]) -> int:
    """The operator knows the truth. Returns how many were in doubt."""
    rows = list(Delivery.objects.filter(state=State.IN_DOUBT).values_list("pk", "address"))
    for pk, address in rows:
        try:
            resolve(delivery_id=pk, was_sent=hits.get(address or "", 0) > 0, by=None)
        except NotInDoubt:
            continue
    return len(rows)


def _check(campaign_id: UUID, count: int, hits: Mapping[str, int]) -> None:
    """Nothing twice, nothing lost, counters are the count of the rows, our money is the vendor's."""
    if twice := {to: n for to, n in hits.items() if n > 1}:
        raise Broken(f"{len(twice)} recipients got it more than once: {sorted(twice.values())[-5:]}")
    rows = persist(lambda: Counter(Delivery.objects.filter(campaign=campaign_id).values_list("state", flat=True)))
    if rows.total() != count:
        raise Broken(f"{rows.total()} messages for {count} people: {dict(rows)}")
    taken = rows[State.ACCEPTED] + rows[State.DELIVERED]
    if taken != len(hits):
        raise Broken(f"{taken} messages are said to be sent, the vendor took {len(hits)}: {dict(rows)}")
    if lost := unexplained(campaign_id):
        raise Broken(f"nobody says why these were not sent: {lost}")
    check_counters(campaign_id, rows)
    contacted = persist(lambda: Lead.objects.filter(status="contacted", activity_count=1).count())
    if contacted != taken:
        raise Broken(f"{contacted} leads are contacted once, {taken} messages were sent")


def unexplained(campaign_id: UUID) -> Counter[tuple[str, str, str]]:
    """Messages that were not sent, by state, error and words, but those of which the operator has said so: a worker
    died before it sent them.
    """
    rows = Delivery.objects.filter(campaign=campaign_id).exclude(state__in=(State.ACCEPTED, State.DELIVERED))
    of = rows.exclude(state=State.FAILED, error="not_sent", resolved_by_id__isnull=False)
    return persist(lambda: Counter(of.values_list("state", "error", "error_words")))


def check_counters(campaign_id: UUID, rows: Counter[str]) -> None:
    campaign = persist(lambda: Campaign.objects.get(pk=campaign_id))
    for name in sorted({one for names in states.COUNTED.values() for one in names}):
        counted = sum(n for state, n in rows.items() if name in states.COUNTED[state])
        if getattr(campaign, name) != counted:
            raise Broken(f"{name} is {getattr(campaign, name)}, and {counted} by its rows")
    if campaign.due != rows.total():
        raise Broken(f"{campaign.due} messages are said to be made, {rows.total()} were")
    reserved = persist(lambda: Balance.objects.filter(scope=f"campaign:{campaign_id}").aggregate(all=Sum("reserved")))
    if reserved["all"]:
        raise Broken(f"${reserved['all']} are still held")


# --- STOP against send ------------------------------------------------------------------------------------------------


def stop_races(place: Place) -> Sequence[str]:
    """An opt-out and the message to the same person begin at the same moment, 300 times: a message whose sending is not
    committed when the opt-out is, never leaves.
    """
    races = place.size(300, 30)
    with company(place) as (ann, seller, sender), alone(place):
        bucket, leads = world.make_people(ann, seller, races, first=3_000)
        campaign = world.make_campaign(ann, seller, sender, bucket, leads)
        steps.make_due()
        persist(lambda: Operation.objects.filter(name="sms").update(answered_at=None))
        ends: Counter[str] = Counter()
        took = [0.05]
        with ThreadPoolExecutor(2) as pool:
            for lead in leads:
                Delivery.objects.filter(lead_id=lead.pk).update(not_before=None)
                Delivery.objects.exclude(lead_id=lead.pk).filter(state=State.DUE).update(not_before="2030-01-01T00:00Z")
                ends[_race(place, lead, pool, took)] += 1
        rows = Counter(Delivery.objects.filter(campaign=campaign).values_list("state", flat=True))
        hits = hits_of(place, [lead.phone for lead in leads])
        if max(hits.values(), default=0) > 1 or len(hits) != rows[State.ACCEPTED] + rows[State.DELIVERED]:
            raise Broken(f"the vendor took {len(hits)}, we say {dict(rows)}")
        check_counters(campaign.pk, rows)
        return [f"{races} races: {ends['sent']} sent before, {ends['stopped']} stopped, 0 after"]


def _race(place: Place, lead: Lead, pool: ThreadPoolExecutor, took: list[float]) -> str:
    """took: seconds of the steps before; the opt-out comes at some moment of the step."""
    wait = place.dice.uniform(0, 1.2 * sorted(took)[len(took) // 2])
    seen: list[str] = []

    def stop() -> None:
        time.sleep(wait)
        with transaction.atomic():
            suppress([(1, lead.phone or "")], reason="stop", source=f"inbound:{lead.pk.hex}", spread=True)
        seen.append(Delivery.objects.get(lead_id=lead.pk).state)  # right after the commit

    def send() -> None:
        began = time.monotonic()
        pump.step(pool)
        took.append(time.monotonic() - began)

    failed = [one for one in together(stop, send) if isinstance(one, Exception)]
    if failed:
        raise Broken(f"a race broke: {failed}")
    pump.step(pool)
    state = Delivery.objects.get(lead_id=lead.pk).state
    if seen[0] not in Delivery.LEFT and state in Delivery.LEFT:
        raise Broken(f"a message left after a committed STOP: it was {seen[0]}, and is {state}")
    return "sent" if state in Delivery.LEFT else "stopped"


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Without the stack's worker and beat: this process sends."""
    for name in ("beat", "worker"):
        process = place.running.processes[name]
        process.terminate()
        process.wait(60)
    try:
        yield
    finally:
        place.revive()


# --- Limits -----------------------------------------------------------------------------------------------------------


def caps(place: Place) -> Sequence[str]:
    """A worker's four children, and this process's pumps beside them, send five campaigns that share people, money and
    a number: no limit is passed by one message.
    """
    people = place.size(120, 24)
    fifth = people // 5
    price = Decimal("0.0083")
    with company(place) as (ann, seller, sender):
        made: dict[str, Any] = {}
        first = 5_000
        limits: Sequence[tuple[str, Mapping[str, Any]]] = (
            ("money", {"max_cost": price * fifth}), ("day", {"daily_limit": fifth}),
        )  # fmt: skip
        for name, limit in limits:
            bucket, leads = world.make_people(ann, seller, people, first=first, name=name)
            made[name] = world.make_campaign(ann, seller, sender, bucket, leads, name=name, **limit)
            first += people
        bucket, leads = world.make_people(ann, seller, people, first=first, name="shared")
        for name in ("one", "two", "three"):  # the same people: a text a day each
            made[name] = world.make_campaign(ann, seller, sender, bucket, leads, name=name)
        place.until(lambda: rests(made.values()), "all that may leave has left")
        place.until(place.is_calm, "no request is under way", 60)
        hits = hits_of(place, [lead.phone for lead in leads])
        shared = [hits.get(lead.phone or "", 0) for lead in leads]
        if set(shared) != {1}:
            raise Broken(f"three campaigns over the same people: {Counter(shared)}")
        for name in ("money", "day"):
            rows = Counter(Delivery.objects.filter(campaign=made[name]).values_list("state", flat=True))
            taken = rows[State.ACCEPTED] + rows[State.DELIVERED]
            if taken != fifth:
                raise Broken(f"{taken} messages left under a limit of {fifth} by {name}: {dict(rows)}")
            check_counters(made[name].pk, rows)
        spent = Balance.objects.get(scope=f"campaign:{made['money'].pk}").spent
        if spent != price * fifth:
            raise Broken(f"${spent} were spent under a limit of ${price * fifth}")
        return [f"{fifth} of {people} by money and by day, {people} people in three campaigns got one text each"]


def rests(campaigns: Any) -> bool:
    """Whether nothing of these is to leave now: paused, over, or waiting for another day."""
    ids = [campaign.pk for campaign in campaigns]
    now = world.NOON + timedelta(hours=4)
    running = Campaign.objects.filter(pk__in=ids, status=Campaign.Status.RUNNING)
    due = Delivery.objects.filter(Q(not_before=None) | Q(not_before__lte=now), campaign__in=running)
    moving = Delivery.objects.filter(campaign__in=ids, state__in=(State.TAKEN, State.INTENDED))
    planned = Member.objects.filter(campaign__in=running, status=Member.Status.ACTIVE, next_at__lte=now)
    return not (due.filter(state=State.DUE).exists() or moving.exists() or planned.exists())
