"""Servers that go away: Valkey emptied, restarted and gone; PostgreSQL cut off in the middle; everything off and on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis

from devtools.process import kill_session
from integrations.ledger.persistence import persist
from integrations.models import VendorCall
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting

BUSY = Setting(details=300, traces=300)
SLOW = Setting()
State = VendorCall.State
CLOCK = Path(__file__).with_name("clock")
ANSWER_SECONDS = 3.0  # a start may take this long while the broker is away


def flushall(place: Place) -> Sequence[str]:
    """FLUSHALL every second, and a restart of Valkey, while a run is on its way."""
    ann = place.person()
    run = ann.start(ann.bucket(place.some_ids(place.size(600, 200))))
    times = 0
    while ann.run(run)["status"] in ("queued", "running"):
        with redis.Redis.from_url(place.servers.redis_url) as valkey:
            valkey.flushall()
        times += 1
        if times == 3:
            place.servers.valkey.restart()
        time.sleep(1)
    place.settled([run])
    return [f"emptied {times} times, restarted once"]


def broker_away(place: Place) -> Sequence[str]:
    """Users start runs while there is no broker: taken, stored, answered soon; the work is done when it is back."""
    people = [place.person(f"user{number}") for number in range(4)]
    buckets = [person.bucket(place.some_ids(20)) for person in people]
    busy = people[0].start(people[0].bucket(place.some_ids(400), name="busy"))
    place.until(lambda: place.sent() >= 5, "pumps are at work")
    place.servers.valkey.stop()
    try:
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            started = list(pool.map(_start, people * 2, [*buckets, *buckets]))
        slowest = max(seconds for _, seconds in started)
        if slowest > ANSWER_SECONDS:
            raise Broken(f"a start was answered after {slowest:.1f} s while the broker was away")
        time.sleep(max(0.0, place.size(30, 10) - (time.monotonic() - began)))
    finally:
        place.servers.valkey.start()
    place.settled([busy, *(run for run, _ in started)])
    return [f"{len(started)} starts while it was away, the slowest answered in {slowest:.1f} s"]


def _start(person: Person, bucket: str) -> tuple[str, float]:
    said = person.done("POST", "/property/bucket/process", {"bucketId": bucket, "limit": 10})
    return str(said.body["run"]["id"]), said.seconds


def postgres(place: Place) -> Sequence[str]:
    """PostgreSQL is cut off and started again, three times in one run."""
    ann = place.person()
    run = ann.start(ann.bucket(place.some_ids(place.size(800, 200))))
    times = place.size(3, 2)
    for _ in range(times):
        before = place.sent()
        place.until(lambda before=before: place.sent() > before + 2, "the run goes on")  # type: ignore[misc]
        place.servers.postgres.restart(immediate=True)
    seconds = place.settled([run])
    return [f"{times} immediate restarts; settled {seconds:.0f} s after the last"]


def between_answer_and_settlement(place: Place) -> Sequence[str]:
    """PostgreSQL is away when paid answers come: they are kept and written when it is back. None is in doubt."""
    ann = place.person()
    place.faults({"operation": "property_detail", "kind": "slow", "seconds": 1.5})
    run = ann.start(ann.bucket(place.some_ids(120)))
    place.until(lambda: VendorCall.objects.filter(state=State.SENT).count() >= 2, "requests are on their way")
    asked = persist(lambda: list(VendorCall.objects.filter(state=State.SENT).values_list("pk", flat=True)))
    place.servers.postgres.stop(immediate=True)
    time.sleep(2.5)  # the answers come meanwhile
    place.servers.postgres.start()
    place.faults()
    place.settled([run])
    states = persist(lambda: set(VendorCall.objects.filter(pk__in=asked).values_list("state", flat=True)))
    if states != {State.SETTLED}:
        raise Broken(f"answers that came while PostgreSQL was away ended {', '.join(states)}")
    return [f"{len(asked)} answers came while it was away"]


def clocks(place: Place) -> Sequence[str]:
    """Workers whose clocks are a minute fast and a minute slow; only beat's rings reach them."""
    ann = place.person()
    for shift in ("60", "-60"):
        kill_session(place.running.processes["worker"])
        run = ann.start(ann.bucket(place.some_ids(60)))
        with redis.Redis.from_url(place.servers.redis_url) as valkey:
            valkey.flushall()
        place.restart_worker({"PYTHONPATH": str(CLOCK), "CLOCK_SHIFT": shift})
        place.settled([run], 60)
    place.restart_worker({})
    return ["a minute fast, a minute slow"]


def everything_off(place: Place) -> Sequence[str]:
    """The power goes: web, worker, beat, PostgreSQL and Valkey at once. Later everything is started again."""
    ann = place.person()
    run = ann.start(ann.bucket(place.some_ids(place.size(600, 200))))
    place.until(lambda: place.sent() >= 5, "the run is on its way")
    ours = ("web", "worker", "beat")  # the vendor's power is not ours
    for name in ours:
        kill_session(place.running.processes[name])
    place.servers.postgres.stop(immediate=True)
    place.servers.valkey.stop()
    time.sleep(12)  # longer than every lease
    place.servers.valkey.start()
    place.servers.postgres.start()
    for name in ours:
        place.running.begin(name)
    place.hurry()
    seconds = place.settled([run])
    return [f"settled {seconds:.0f} s after the start"]
