"""Many processes at one pace: how much of the limit is used, and whether the worst minute stays within it.

Eight processes take slots of one operation exactly as a purchase does, `admission.admit` and `pace.take_slot` in one
transaction, wait for the slot by the database's clock and note when they would send. Nothing is sent, so that nothing
but the pace is measured. The baseline is the limit itself. The pace does not touch Valkey: the second round restarts it
half-way, emptied, to show that this changes nothing.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

from benchmarks.harness import Report
from benchmarks.place import Place

PROCESSES = 8
PER_MINUTE = 600
OPERATION = "property_detail"
USED_AIM = 0.98
WARM_UP = 2.0  # seconds after the last process is ready; not counted


def measure(place: Place, *, seconds: int, window: int, quick: bool = False) -> Report:
    """`window`: seconds of the sliding window; 60 is the vendor's. `quick`: only the round with the restart."""
    rounds = [("undisturbed", False), ("Valkey restarted half-way", True)][quick:]
    limit = PER_MINUTE * window / 60
    results = []
    for name, restart in rounds:
        sent = _race(place, seconds=seconds, restart=restart)
        begin = min(sent) + WARM_UP
        counted = sorted(at for at in sent if begin <= at < begin + seconds)
        worst = worst_window(sorted(sent), window)
        results.append(
            {
                "name": name,
                "requests": len(counted),
                "of_limit": round(len(counted) * 60 / seconds / PER_MINUTE, 3),
                f"worst_{window}_s": worst,
                "limit": round(limit),
                "met": len(counted) * 60 / seconds / PER_MINUTE >= USED_AIM and worst <= limit + 1,
            }
        )
    return {
        "benchmark": "pace",
        "what": f"{PROCESSES} processes at {PER_MINUTE} a minute for {seconds} s",
        "baseline": "the limit",
        "aim": f"{USED_AIM} of the limit used, the worst {window} s at most the limit + 1",
        "results": results,
    }


def worst_window(times: Sequence[float], seconds: float) -> int:
    """The most events in any half-open window of that length. `times` must be sorted."""
    worst = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def _race(place: Place, *, seconds: int, restart: bool) -> list[float]:
    context = multiprocessing.get_context("spawn")  # with the environment of Place, and no connection of ours
    found: Queue[list[float]] = context.Queue()
    ready = context.Barrier(PROCESSES + 1)
    lasting = WARM_UP + seconds + 2.0
    workers = [context.Process(target=_take_slots, args=(ready, lasting, found)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    ready.wait(timeout=120)
    if restart:
        time.sleep(WARM_UP + seconds / 2)
        place.servers.valkey.restart()  # in this thread: a server ends with the thread that started it
    sent = [at for _ in workers for at in found.get(timeout=seconds + 60)]
    for worker in workers:
        worker.join()
    return sent


def _take_slots(ready: Barrier, lasting: float, found: Queue[list[float]]) -> None:
    import os

    import django

    os.environ[f"PACE_{OPERATION.upper()}"] = str(PER_MINUTE)
    django.setup()
    from django.db import connection, transaction

    from integrations.ledger import admission, catalogue, pace

    operation = catalogue.operation(OPERATION)
    sent: list[float] = []
    ready.wait(timeout=120)
    until = time.time() + lasting
    while time.time() < until:
        try:
            with transaction.atomic():
                locked: Any = admission.admit(operation.pk)
                slot = pace.take_slot(locked.pk, locked.setting("pace"))
        except admission.Closed as closed:
            time.sleep(min(closed.retry_in or 1.0, 1.0))  # as a pump's thread does
            continue
        while (ahead := (slot - pace.database_now()).total_seconds()) > 0:
            time.sleep(ahead)
        sent.append(time.time())
    connection.close()
    found.put(sent)
