"""A receiver of webhooks that fails and hangs while workers die: every event arrives, and the numbers are whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import requests
from django.utils import timezone

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhooks.registries import events
from accounts.webhooks.services import create_endpoint
from integrations.ledger.persistence import persist
from leads.models import Lead
from tests.chaos.place import Broken, Place, Setting

UNPACED = Setting()
FAULTS: list[dict[str, Any]] = [
    {"operation": "webhook", "kind": "500", "rate": 0.2},
    {"operation": "webhook", "kind": "cut", "rate": 0.1},
    {"operation": "webhook", "kind": "timeout", "seconds": 15, "count": 2},
    {"operation": "webhook", "kind": "slow", "seconds": 0.3},
]
Status = WebhookDelivery.Status


def receiver(place: Place) -> Sequence[str]:
    """A run and status changes, told to a receiver that fails, with workers killed in the middle of deliveries.

    1. Two webhooks of one team, one for all events and one for statuses alone.
    2. The run buys, leads move on, and processes of the worker die.
    3. The receiver is well again. Every row is delivered, was verified, and each object's numbers have no gap.
    """
    ann = place.person()
    secrets = [_listen(place, ann.user, name, wanted) for name, wanted in _WANTED.items()]
    url = f"{place.running.sandbox_url}/sandbox/webhooks"
    requests.post(url, json={"secrets": secrets}, timeout=10).raise_for_status()
    place.faults(*FAULTS)
    leads = place.size(300, 60)
    bucket = ann.bucket(place.some_ids(leads))
    run = ann.start(bucket)
    moved = persist(
        lambda: list(Lead.objects.filter(bucket=UUID(bucket)).order_by("pk").values_list("pk", flat=True)[:20])
    )
    killed = []
    for number, lead in enumerate(moved):
        for status in ("contacted", "qualified"):
            ann.done("PATCH", f"/leads/{lead}", {"status": status})
        if number % 7 == 6:
            place.until(_under_way, "a delivery is on its way", 60)
            killed.append(place.kill_somebody())
    place.settled([run])
    place.faults()
    persist(lambda: WebhookDelivery.objects.filter(status=Status.QUEUED).update(not_before=timezone.now()))
    seconds = place.until(lambda: not WebhookDelivery.objects.filter(status=Status.QUEUED).exists(), "all is delivered")
    came = requests.get(url, timeout=10).json()["received"]
    twice = _check(came, run, leads, len(moved))
    return [f"{len(came)} requests, {twice} events came twice, {len(killed)} killed, done {seconds:.0f} s after"]


_WANTED = {"all": None, "statuses": ["lead.status_changed"]}


def _listen(place: Place, user: Any, name: str, wanted: list[str] | None) -> str:
    url = f"{place.running.sandbox_url}/webhooks/{name}"
    team_id = user.memberships.get().team_id
    _, secret = persist(
        lambda: create_endpoint(by=user, team_id=team_id, url=url, events=wanted if wanted is not None else [*events()])
    )
    return secret


def _under_way() -> bool:
    return WebhookEndpoint.objects.taken().exists()


def _check(came: list[dict[str, Any]], run: str, leads: int, moved: int) -> int:
    """Holds what the receiver has against the rows. Returns how many events came more than once. Raises Broken."""
    rows = persist(lambda: list(WebhookDelivery.objects.order_by("pk")))
    if wrong := [row for row in rows if row.status != Status.DELIVERED]:
        raise Broken(f"{len(wrong)} events were not delivered: {wrong[0].error}")
    taken = [one for one in came if one["status"] == 204]
    if lost := {str(row.pk) for row in rows} - {one["id"] for one in taken}:
        raise Broken(f"{len(lost)} of {len(rows)} events never arrived")
    if not all(one["verified"] for one in came):
        raise Broken("a signature did not hold")
    numbers: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        numbers[row.endpoint_id, row.object_id].append(row.sequence)
    if gaps := [key for key, found in numbers.items() if sorted(found) != list(range(1, len(found) + 1))]:
        raise Broken(f"the numbers of {gaps[0]} have a gap")
    kinds = [row.event for row in rows]
    if kinds.count("lead.status_changed") != 2 * 2 * moved or kinds.count("run.completed") != 1:
        raise Broken(f"{kinds.count('lead.status_changed')} moves, {kinds.count('run.completed')} ends of the run")
    told = [lead for row in rows if row.event == "leads.enriched" for lead in row.data["withPhone"]]
    told += [lead for row in rows if row.event == "leads.enriched" for lead in row.data["withoutPhone"]]
    if len(told) != len(set(told)) or len(told) > leads:
        raise Broken(f"run {run}: {len(told)} leads were told, {len(set(told))} of them different")
    ids = [one["id"] for one in came]
    return len(ids) - len(set(ids))
