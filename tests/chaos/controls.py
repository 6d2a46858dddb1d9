"""People who change their minds in the middle of a run, and people who press a button fifty times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from enrichment.models import Run
from integrations.ledger.persistence import persist
from integrations.models import Lookup, VendorCall
from tests.chaos.operators import PAID
from tests.chaos.people import Person, Said
from tests.chaos.place import Broken, Place

UNDER_WAY = 1.0  # seconds bytes may take from an intent that was committed before the answer to the vendor


def stop_and_go(place: Place) -> Sequence[str]:
    """Pause, resume, cancel and the bucket deleted, each in the middle of a run."""
    place.faults(*({"operation": name, "kind": "slow", "seconds": 0.3} for name in PAID))
    ann = place.person()
    notes = []
    paused = _in_the_middle(place, ann)
    notes.append(_nothing_after(place, "pause", ann.done("POST", f"/runs/{paused[0]}/pause", {})))
    ann.done("POST", f"/runs/{paused[0]}/resume", {})
    place.settled([paused[0]])
    cancelled = _in_the_middle(place, ann)
    notes.append(_nothing_after(place, "cancel", ann.done("POST", f"/runs/{cancelled[0]}/cancel", {})))
    place.settled([cancelled[0]])
    deleted = _in_the_middle(place, ann)
    notes.append(_nothing_after(place, "delete", ann.done("DELETE", f"/property/bucket/{deleted[1]}")))
    place.settled([deleted[0]])
    _kept(place, deleted[2])
    return notes


def _in_the_middle(place: Place, who: Person) -> tuple[str, str, list[str]]:
    """A run of 200 leads that has just bought some: its id, its bucket and the property ids."""
    ids, before = place.some_ids(200), place.sent()
    bucket = who.bucket(ids)
    run = who.start(bucket)
    place.until(lambda: place.sent() >= before + 4, "the run buys")
    return run, bucket, ids


def _nothing_after(place: Place, verb: str, said: Said) -> str:
    """No purchase begins after the answer, and no bytes arrive but those that were already leaving."""
    time.sleep(4)
    report = place.ledger("?arrivals=1")
    late = [at - said.at for name in PAID for at in report["arrivals"][name] if at > said.at]
    sent = persist(lambda: list(VendorCall.objects.filter(sent_at__isnull=False).values_list("sent_at", flat=True)))
    begun = sum(at is not None and at.timestamp() > said.at for at in sent)
    if begun or any(after > UNDER_WAY for after in late):
        raise Broken(f"{verb}: {begun} purchases began after the answer, {len(late)} requests came after it: {late}")
    return f"{verb} answered in {said.seconds:.2f} s, 0 purchases after it"


def _kept(place: Place, ids: Sequence[str]) -> None:
    """What was bought for a bucket that is gone is owned, and serves the next who asks for nothing."""
    bought = persist(lambda: Lookup.objects.filter(key__in=ids, state="answered").count())
    if not bought:
        raise Broken("nothing that was bought for the deleted bucket is kept")
    bob, before = place.person("bob"), place.sent()
    owned = persist(lambda: list(Lookup.objects.filter(key__in=ids, state="answered").values_list("key", flat=True)))
    run = bob.start(bob.bucket(owned), skipTrace=False)
    place.settled([run])
    if place.sent() != before or float(bob.run(run)["spent"]):
        raise Broken("what was bought for the deleted bucket was bought again")


def fifty_at_once(place: Place) -> Sequence[str]:
    """Fifty identical requests with one Idempotency-Key at once: one run. Two buckets with one key: one run, a 409."""
    ann = place.person()
    bucket = ann.bucket(place.some_ids(20))
    body = {"bucketId": bucket, "limit": 20}
    said = _at_once(50, lambda _: ann.ask("POST", "/property/bucket/process", body, {"Idempotency-Key": "fifty"}))
    ids = {answer.body.get("run", {}).get("id") for answer in said}
    made = sum("Idempotent-Replay" not in answer.headers for answer in said)
    statuses = sorted({answer.status for answer in said})
    if len(ids) != 1 or made != 1 or not set(statuses) <= {200, 202}:
        raise Broken(f"fifty requests made {made} runs, ids {ids}, statuses {statuses}")
    buckets = [ann.bucket(place.some_ids(5), name=str(number)) for number in range(10)]
    other = _at_once(
        10,
        lambda number: ann.ask(
            "POST", "/property/bucket/process", {"bucketId": buckets[number]}, {"Idempotency-Key": "two"}
        ),
    )
    counts = {status: sum(answer.status == status for answer in other) for status in {a.status for a in other}}
    if counts.get(200, 0) + counts.get(202, 0) != 1 or set(counts) - {200, 202, 409}:
        raise Broken(f"ten buckets with one key were answered {counts}")
    runs = persist(lambda: list(Run.objects.values_list("pk", flat=True)))
    place.settled(runs)
    if len(runs) != 2:
        raise Broken(f"{len(runs)} runs instead of 2")
    return ["50 requests with one key: 1 run; 10 buckets with one key: 1 run, 9 times 409"]


def _at_once(times: int, ask: Callable[[int], Said]) -> list[Said]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(ask, range(times)))


def same_leads_twice(place: Place) -> Sequence[str]:
    """Two users, one set of parcels, at the same moment: each fact is bought once."""
    ids = place.some_ids(100)
    people = [place.person("ann"), place.person("bob")]
    buckets = [person.bucket(ids) for person in people]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda pair: pair[0].start(pair[1]), zip(people, buckets, strict=True)))
    place.settled(runs)
    return ["the same 100 parcels by two users at once"]
