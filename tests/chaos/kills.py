"""Workers that die: by lot, at every commit of the gate by name, and one that comes back from the dead."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from buckets.models import Fill
from common.faultpoints import NAMES
from enrichment.models import Run, RunItem
from integrations.ledger.persistence import persist
from integrations.models import Balance, Lookup, Vendor, VendorCall
from leads.models import Lead
from tests.chaos.place import Broken, Place, Setting

PACED = Setting(details=300, traces=150)
UNPACED = Setting()
ELSEWHERE = (
    "bulk.",
    "sms.",
    "list.",
    "preview.",
    "campaign.",
)  # tests of bulk jobs, `messages`, `dialer`, tests of dry runs
POINTS = tuple(name for name in NAMES if not name.startswith(ELSEWHERE))
State = VendorCall.State


def kills(place: Place) -> Sequence[str]:
    """Any process of the worker, again and again, while a run is on its way."""
    leads, times = place.size(2000, 300), place.size(20, 3)
    ann = place.person()
    run = ann.start(ann.bucket(place.some_ids(leads)))
    killed: Counter[str] = Counter()
    for _ in range(times):
        before = place.sent()
        place.attended(
            lambda before=before: place.sent() > before or _over(run),  # type: ignore[misc]
            "the run goes on",
            [run],
        )
        time.sleep(place.dice.uniform(0, 1.0))
        if _over(run):
            break
        killed[place.kill_somebody()] += 1
    place.settled([run])
    doubts = place.operator.checks
    if doubts > 10 * killed.total():
        raise Broken(f"{doubts} calls in doubt after {killed.total()} deaths with 10 in flight each")
    if killed.total() < times:
        raise Broken(f"the run was over after {killed.total()} of {times} deaths")
    return [f"{killed['child']} children and {killed['parent']} parents killed"]


def _over(run_id: str) -> bool:
    return bool(persist(lambda: not Run.objects.get(pk=run_id).is_open))


def at(point: str) -> Callable[[Place], Sequence[str]]:
    """SIGKILL at one place by name; a worker that starts afterwards goes on."""

    def act(place: Place) -> Sequence[str]:
        ann = place.person()
        with place.armed(point, 1 if point.startswith("fill") else 2) as struck:
            if point.startswith("fill"):
                _fill(place, ann, struck)
            else:
                if point.startswith("gate.fail"):
                    place.faults({"operation": "property_detail", "kind": "503", "count": 3})
                place.settled([ann.start(ann.bucket(place.some_ids(60)))])
            if not struck():
                raise Broken(f"{point} was never reached")
        return []

    return act


def _fill(place: Place, ann: Any, struck: Callable[[], bool]) -> None:
    search = {"state": "WA", "county": "King"}
    made = ann.done("POST", "/property/bucket", {"name": "Found", "search": search, "limit": 500}).body["bucket"]
    place.until(struck, "the worker dies while it fills")
    place.until(
        lambda: Fill.objects.get(bucket_id=made["id"]).status == Fill.Status.COMPLETED, "the fill is complete", 120
    )
    saved = persist(lambda: Lead.objects.filter(bucket_id=made["id"]).count())
    if saved != 500:
        raise Broken(f"{saved} leads were saved instead of 500")


def zombie(place: Place) -> Sequence[str]:
    """A child is stopped past its lease while it waits for answers, and goes on when its work is long taken away."""
    ann = place.person()
    place.faults(*({"operation": name, "kind": "slow", "seconds": 1.5} for name in ("property_detail", "skip_trace")))
    run = ann.start(ann.bucket(place.some_ids(40)))
    place.until(lambda: VendorCall.objects.filter(state=State.SENT).exists(), "a request is on its way")
    victim = _who_is_asking(place)
    victim.suspend()
    try:
        held = persist(lambda: list(VendorCall.objects.filter(state=State.SENT).values_list("pk", flat=True)))
        place.faults()
        place.until(
            lambda: not VendorCall.objects.filter(pk__in=held, state=State.SENT).exists(), "the dead are buried", 60
        )
        place.settled([run])
        before = persist(_rows)
    finally:
        victim.resume()
    time.sleep(6)
    if (after := persist(_rows)) != before:
        names = [name for name in before if before[name] != after[name]]
        raise Broken(f"the zombie changed {', '.join(names)}")
    return [f"{len(held)} calls were taken from it"]


def _who_is_asking(place: Place) -> psutil.Process:
    port = int(place.running.sandbox_url.rpartition(":")[2])
    for process in place.family()[1:]:
        for socket in process.net_connections("tcp4"):
            if socket.raddr and socket.raddr.port == port and socket.status == psutil.CONN_ESTABLISHED:
                return process
    raise Broken("nobody is connected to the vendor")


def _rows() -> dict[str, list[dict[str, Any]]]:
    models: tuple[Any, ...] = (VendorCall, Lookup, Run, RunItem, Lead, Balance, Vendor)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}
