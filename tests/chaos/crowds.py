"""Many people at once under one cap and one pace: no cent over it, equal shares, and nobody waits behind a giant."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from enrichment.models import Run
from integrations.ledger.persistence import persist
from integrations.models import Vendor, VendorCall
from tests.chaos.books import billed_by, spent
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting

CAP = Decimal(30)
CROWDED = Setting(
    details=240,
    traces=240,
    environment={"BATCH_PROPERTY_DETAIL": "5", "BATCH_SKIP_TRACE": "5", "DAILY_CAP_REALESTATEAPI": str(CAP)},
)
# docs/requirements.md 3
LONE = Setting(details=100, traces=50, environment={"BATCH_PROPERTY_DETAIL": "250", "BATCH_SKIP_TRACE": "100"})
# Half of the slots is twice the time, and a slot of each stage more: the one that was promised when it came.
SLOTS = 60 * 1.01 / 100 + 60 * 1.01 / 50
SHARE = 0.05  # of an equal part
RUNS = {"ann": (1, 200), "bob": (3, 67), "cis": (6, 34)}  # runs and leads of each: three users, ten runs


def ten_runs(place: Place) -> Sequence[str]:
    """Ten runs of three users under a daily cap that is too small for them."""
    people = {name: place.person(name) for name in RUNS}
    buckets = [
        (people[name], people[name].bucket(place.some_ids(leads), name=f"{name} {number}"))
        for name, (runs, leads) in RUNS.items()
        for number in range(runs)
    ]
    runs = [person.start(bucket) for person, bucket in buckets]
    place.until(
        lambda: not Run.objects.filter(status__in=Run.ACTIVE).exists() and place.is_calm(), "the cap is used up"
    )
    billed, paid = billed_by(place.ledger()), spent()
    if billed > CAP or paid != billed:
        raise Broken(f"under a cap of ${CAP} ${billed} was billed and ${paid} paid")
    share = _shares({person.user.pk for person, _ in buckets})
    persist(lambda: Vendor.objects.update(daily_cap=1000))
    for (person, _), run in zip(buckets, runs, strict=True):
        if person.run(run)["status"] == "paused":
            person.done("POST", f"/runs/{run}/resume", {})
    place.settled(runs)
    return [f"${billed} under a cap of ${CAP}", f"shares of the details' slots {share}"]


def _shares(users: set[int]) -> str:
    """Requests of each user for details, up to the moment the first of them had nothing left to ask for."""
    calls = VendorCall.objects.filter(operation__name="property_detail", sent_at__isnull=False).order_by("slot_at")
    order = persist(lambda: list(calls.values_list("user_id", flat=True)))
    last = {user: len(order) - 1 - order[::-1].index(user) for user in users}
    counts = Counter(order[: min(last.values()) + 1])
    equal = counts.total() / len(users)
    if any(abs(count - equal) > max(1, SHARE * equal) for count in counts.values()):
        raise Broken(f"shares of {counts.total()} slots: {dict(counts)}")
    return ":".join(str(counts[user]) for user in sorted(users))


def behind_a_giant(place: Place) -> Sequence[str]:
    """A run of 50 leads alone, and behind a giant of another user: at most twice the time, and a slot."""
    ann, bob = place.person("ann"), place.person("bob")
    alone = sorted(_timed(place, ann) for _ in range(3))[1]
    giant = bob.start(bob.bucket(place.some_ids(place.size(20_000, 2000))))
    place.until(lambda: place.done(giant) > 5, "the giant is on its way")
    times = [_timed(place, ann) for _ in range(3)]
    behind = sorted(times)[1]
    if behind > 2 * alone + SLOTS:
        raise Broken(f"{behind:.1f} s behind a giant, {alone:.1f} s alone ({times})")
    bob.done("POST", f"/runs/{giant}/cancel", {})
    place.settled([giant])
    return [f"50 leads in {alone:.1f} s alone, {behind:.1f} s behind a giant: {behind / alone:.2f} times"]


def _timed(place: Place, who: Person) -> float:
    bucket = who.bucket(place.some_ids(50))
    began = time.monotonic()
    run = who.start(bucket)
    place.until(lambda: not Run.objects.get(pk=run).is_open, "fifty leads are done")
    return time.monotonic() - began
