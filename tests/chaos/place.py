"""Where a scenario happens: a stack of its own, users and leads in it, and the ways to do it harm."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psutil
import requests
from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from accounts.models import User
from devtools.servers import Servers
from devtools.stack import Options, Stack
from devtools.valkey import free_port
from enrichment.models import Run
from integrations.ledger.persistence import persist
from integrations.models import VendorCall
from sandbox.generator import DEFAULT_PARCELS, GeneratedParcels
from tests.chaos.operators import Broken, Operator
from tests.chaos.people import Person

__all__ = ["Broken", "Place", "Setting"]
TABLES = (
    "accounts_user, accounts_team, integrations_vendor, integrations_budget, integrations_budgetchange, "
    "integrations_propertyname, "
    "enrichment_pumplease, campaigns_clocksetting, campaigns_emergency, leads_contactkey, leads_suppression"
)
PATIENCE = 240.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a scenario's stack is started with: paces in requests a minute (0: none), further variables.

    webhook: Apollo pushes phones to this stack.
    """

    details: int = 0
    traces: int = 0
    webhook: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class Place:
    """One stack on private servers. Scenarios with the same setting share it, one after the other, emptied between."""

    def __init__(self, servers: Servers, *, quick: bool, seed: int = 7) -> None:
        self.servers, self.quick, self.dice = servers, quick, random.Random(seed)
        self.stack: Stack | None = None
        self.setting: Setting | None = None
        self.parcels = GeneratedParcels(DEFAULT_PARCELS)
        self.given = 0
        self.orphans: list[psutil.Process] = []
        self.people: list[Person] = []
        self.operator = Operator(self)
        self.rebought = 0  # inputs that the scenario had bought again on purpose

    @property
    def running(self) -> Stack:
        assert self.stack is not None
        return self.stack

    def size(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole

    def open(self, setting: Setting) -> None:
        """An empty place with this setting: nobody, nothing bought, no faults."""
        if self.setting != setting:
            self.close()
            paces = {"property_detail": Decimal(setting.details), "skip_trace": Decimal(setting.traces)}
            port = free_port()
            address = f"http://127.0.0.1:{port}/api/apollo/webhook"
            options = Options(
                home=self.servers.home,
                port=port,
                servers=self.servers,
                paces={**paces, "property_search": Decimal(0)},
                environment={**setting.environment, **({"APOLLO_WEBHOOK_URL": address} if setting.webhook else {})},
            )
            self.stack = Stack(options).start()
            self.setting = setting
            self.hurry()
        else:
            self.revive()
            self.faults()
            self.until(self.is_calm, "what the scenario before left")
        persist(_empty)
        self.people, self.operator, self.rebought = [], Operator(self), 0
        requests.post(f"{self.running.sandbox_url}/sandbox/ledger/reset", timeout=10).raise_for_status()

    def close(self) -> None:
        """Everything this place started is gone."""
        for process in self.orphans:  # psutil knows a recycled id from the process that had it
            if process.is_running():
                process.kill()
        self.orphans.clear()
        if self.stack is not None:
            self.stack.stop()
        self.stack = self.setting = None

    def is_calm(self) -> bool:
        """No purchase is under way."""
        return not VendorCall.objects.filter(state__in=VendorCall.OPEN).exists()

    def hurry(self) -> None:
        """Beat's ten seconds become one, as an operator could set it in the admin."""
        persist(PeriodicTask.objects.all().delete)
        self.running.restart("beat")  # which writes them anew
        self.until(lambda: PeriodicTask.objects.filter(name="continue-fills").exists(), "beat's schedule")
        persist(_hurry)

    # --- Who is there -------------------------------------------------------------------------------------------------

    def person(self, name: str = "ann", **limits: Any) -> Person:
        generous: Any = {"daily_lead_limit": 1_000_000, "monthly_budget": Decimal(100_000)} | limits
        user = persist(lambda: User.objects.create_user(name, password="chaos", **generous))
        self.people.append(Person.of(user, self.running.web_url))
        return self.people[-1]

    def some_ids(self, count: int) -> list[str]:
        """Property ids that the sandbox knows and nobody has had before."""
        start, self.given = self.given, self.given + count
        return [str(self.parcels.parcel(index).id) for index in range(start, start + count)]

    # --- Harm ---------------------------------------------------------------------------------------------------------

    def faults(self, *orders: Mapping[str, Any]) -> None:
        """The sandbox fails like this from now on; with none it is well again."""
        answer = requests.post(f"{self.running.sandbox_url}/sandbox/faults", json=list(orders), timeout=10)
        answer.raise_for_status()

    def family(self) -> list[psutil.Process]:
        """The worker's parent process and its children."""
        parent = psutil.Process(self.running.processes["worker"].pid)
        return [parent, *parent.children(recursive=True)]

    def kill_somebody(self) -> str:
        """SIGKILL to one process of the worker by lot; a lost parent is started again. Returns which it was."""
        parent, *children = self.family()
        victim = self.dice.choice([parent, *children])
        victim.kill()
        if victim != parent:
            return "child"
        self.running.processes["worker"].wait()
        self.orphans += children
        self.running.begin("worker")
        return "parent"

    def revive(self) -> None:
        """Starts again what has ended."""
        for name in ("sandbox", "web", "worker", "beat"):
            process = self.running.processes.get(name)
            if process is None or process.poll() is not None:
                self.running.begin(name)

    @contextmanager
    def armed(self, point: str, nth: int) -> Iterator[Callable[[], bool]]:
        """The worker dies at this place, once, and is harmless afterwards. Yields whether it has happened."""
        marker = self.servers.home / f"{point}.once"
        marker.unlink(missing_ok=True)
        self.restart_worker({"FAULT_POINT": f"{point}:{nth}", "FAULT_POINT_ONCE": str(marker)})
        yield marker.exists
        marker.touch()

    def restart_worker(self, environment: Mapping[str, str]) -> None:
        worker = self.running.processes["worker"]
        if worker.poll() is None:
            worker.terminate()
            worker.wait(60)
        self.running.begin("worker", environment)

    # --- Waiting ------------------------------------------------------------------------------------------------------

    def until(self, ready: Callable[[], Any], what: str, seconds: float = PATIENCE) -> float:
        """Waits until it is so; returns the seconds. Raises Broken. PostgreSQL may be away meanwhile."""
        began = time.monotonic()
        while not persist(ready):
            if time.monotonic() - began > seconds:
                raise Broken(f"{what}: not after {seconds:.0f} s")
            time.sleep(0.1)
        return time.monotonic() - began

    def settled(self, run_ids: Sequence[Any], seconds: float = PATIENCE) -> float:
        """Waits until the runs are over and no purchase is under way; the operator decides what they wait for."""

        def over() -> bool:
            return self.is_calm() and not Run.objects.filter(pk__in=run_ids, status__in=Run.OPEN).exists()

        return self.attended(over, "the runs are settled", run_ids, seconds)

    def attended(self, ready: Callable[[], Any], what: str, run_ids: Sequence[Any], seconds: float = PATIENCE) -> float:
        """As `until`, with an operator who decides what these runs wait for."""

        def attending() -> bool:
            self.operator.attend(run_ids)
            return bool(ready())

        return self.until(attending, what, seconds)

    def ledger(self, query: str = "") -> Mapping[str, Any]:
        """The sandbox's books."""
        answer = requests.get(f"{self.running.sandbox_url}/sandbox/ledger{query}", timeout=30)
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        return found

    def done(self, run_id: Any) -> int:
        return int(persist(lambda: Run.objects.get(pk=run_id).done))

    def sent(self) -> int:
        """Purchases that have been sent so far, whatever came of them."""
        return int(persist(lambda: VendorCall.objects.filter(sent_at__isnull=False).count()))


def _empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # receipts refuse to be emptied
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")


HURRIED = (
    "ring-pumps", "reap-expired-leases", "continue-fills", "deliver-webhooks", "send-messages", "reap-messages",
    "reconcile-messages", "fill-call-lists",
)  # fmt: skip


def _hurry() -> None:
    tasks = PeriodicTask.objects.filter(name__in=HURRIED)
    for task in tasks.select_related("interval"):
        every, _ = type(task.interval).objects.get_or_create(every=1, period="seconds")
        task.interval = every
        task.save()
    PeriodicTasks.update_changed()
