"""A vendor in every bad mood there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from enrichment.models import Run, RunItem
from integrations.ledger.persistence import persist
from integrations.models import Operation
from tests.chaos.operators import PAID
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting

WELL = Setting(details=600, traces=600)


def on_both(*kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"operation": name, **kind} for kind in kinds for name in PAID]


def mixed(place: Place) -> Sequence[str]:
    """10 % 5xx, 5 % timeouts after sending, 5 % cut connections, 5 % garbage."""
    place.faults(
        *on_both(
            {"kind": "500", "rate": 0.04},
            {"kind": "502", "rate": 0.03},
            {"kind": "503", "rate": 0.03},
            {"kind": "timeout", "rate": 0.05, "seconds": 5},
            {"kind": "cut", "rate": 0.05},
            {"kind": "garbage", "rate": 0.05},
        )
    )
    run_of(place, place.size(1500, 400))
    return []


def bursts(place: Place) -> Sequence[str]:
    """Bursts of 429, without and with Retry-After."""
    place.faults(
        *on_both(
            {"kind": "429", "after": 2, "count": 4}, {"kind": "429_retry_after", "after": 6, "count": 4, "seconds": 2}
        )
    )
    ann, run = run_of(place, 400)
    if ann.run(run)["counts"]["failed"]:
        raise Broken("a burst of 429 cost leads")
    return [f"{place.ledger()['rejected_429']} times 429"]


def daily_limit(place: Place) -> Sequence[str]:
    """The vendor's own daily limit: everybody waits for midnight UTC, which here comes soon."""
    place.faults({"operation": "property_detail", "kind": "429_daily", "after": 2})
    ann, run = start_of(place, 200)
    place.until(lambda: place.ledger()["rejected_429"], "the vendor says it is enough for today")
    time.sleep(5)
    refused = place.ledger()["rejected_429"]
    time.sleep(4)
    if (now := place.ledger()["rejected_429"]) != refused or refused > 10:
        raise Broken(f"the vendor was asked {now} times after it had said: enough for today")
    words = ann.run(run)["waiting"]
    place.faults()
    persist(lambda: Operation.objects.update(next_slot_at=timezone.now()))
    persist(lambda: RunItem.objects.update(not_before=None))
    place.settled([run])
    if ann.run(run)["counts"]["failed"]:
        raise Broken("the daily limit cost leads")
    return [f"asked {refused} times, then waited: {words!r}"]


def refused(kind: str) -> Callable[[Place], Sequence[str]]:
    """The key or the account is refused: runs pause with a reason, nothing is burnt, and go on when it is mended."""

    def act(place: Place) -> Sequence[str]:
        place.faults({"operation": "property_detail", "kind": kind, "after": 2})
        ann, run = start_of(place, 200)
        place.until(lambda: Run.objects.get(pk=run).status == Run.Status.PAUSED, "the run pauses")
        time.sleep(2)
        asked = place.ledger()["operations"]["property_detail"]["requests"]
        said = ann.run(run)
        if kind not in said["reason"] or asked > 12:
            raise Broken(f"paused with {said['reason']!r} after {asked} requests")
        place.faults()
        place.operator.resume()
        place.settled([run])
        if ann.run(run)["counts"]["failed"]:
            raise Broken(f"{kind} cost leads")
        return [f"{asked - 2} requests refused; {said['reason']!r}"]

    return act


def batch_refused(place: Place) -> Sequence[str]:
    """403 at the batch endpoints only: the single endpoints are used."""
    place.faults(*on_both({"kind": "403_batch"}))
    ann, run = run_of(place, 30)
    if ann.run(run)["counts"]["failed"]:
        raise Broken("403 at the batch endpoints cost leads")
    return [f"{sum(place.ledger()['operations'][name]['requests'] for name in PAID)} requests"]


def long_refusal(place: Place) -> Sequence[str]:
    """Ten minutes of 503 by a shortened clock: the breaker opens, runs wait and lose nothing."""
    place.faults(*on_both({"kind": "503"}))
    ann, run = start_of(place, 300)
    place.until(lambda: Operation.objects.filter(breaker_open_until__isnull=False).exists(), "the breaker opens")
    for _ in range(4):  # 30, 60, 120 and 240 s are over at once; each time one probe finds the vendor still away
        time.sleep(2.5)
        persist(lambda: Operation.objects.exclude(breaker_open_until=None).update(breaker_open_until=timezone.now()))
        persist(lambda: RunItem.objects.update(not_before=None))
    openings = persist(lambda: Operation.objects.get(name="property_detail").breaker_openings)
    asked = place.ledger()["operations"]["property_detail"]["requests"]
    place.faults()
    persist(lambda: Operation.objects.exclude(breaker_open_until=None).update(breaker_open_until=timezone.now()))
    place.settled([run])
    counts = ann.run(run)["counts"]
    if counts["failed"]:
        raise Broken(f"a vendor that was away cost {counts['failed']} leads")
    return [f"the breaker opened {openings} times, {asked} requests meanwhile"]


def odd_batches(place: Place) -> Sequence[str]:
    """Answers with missing, extra, duplicated and reordered items."""
    kinds = ("missing", "extra", "duplicate", "reorder")
    place.faults(*on_both(*({"kind": kind, "after": 2 * n, "count": 2} for n, kind in enumerate(kinds))))
    ann, run = run_of(place, 400)
    counts = ann.run(run)["counts"]
    if counts["failed"] != 14:  # every third of twice 20 details is missing, and only those fail
        raise Broken(f"{counts['failed']} leads failed instead of the 14 whose details are missing")
    return []


def start_of(place: Place, leads: int) -> tuple[Person, str]:
    ann = place.person()
    return ann, ann.start(ann.bucket(place.some_ids(leads)))


def run_of(place: Place, leads: int) -> tuple[Person, str]:
    ann, run = start_of(place, leads)
    place.settled([run])
    return ann, run
