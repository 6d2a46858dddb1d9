"""What a run's page shows: how far it is, its money and pace, what waits for a decision, why leads failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count

from common.values.percent import percent
from enrichment.models import Run, RunItem
from enrichment.selectors import billing_check, eta_seconds, item_waits_for_check, stands_in_words
from enrichment.worker.failed_leads import FailedLeads, failed_leads
from integrations.ledger.budgets import ZERO
from integrations.models import VendorCall
from integrations.operating.evidence import Doubts, doubts
from integrations.vendors.errors import failure_in_words

REQUESTS_SHOWN = 10  # latest
LEAST_SECONDS = 10  # of work before a pace is told


@dataclass(frozen=True, slots=True)
class Part:
    """Leads in a state, and their whole percent of all. look: of the bar. outcome: of `RunItem`, for a link."""

    name: str
    count: int
    percent: int
    look: str = ""
    outcome: int | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """parts: by how leads ended. waiting: by the step they wait for. failures: (words, leads). eta: seconds; None: it
    is not moving. doubtful: leads that need a billing check. an_hour: leads done. room: US dollars under its limit;
    used_percent: of it. failed: None while open. requests: the latest.
    """

    parts: Sequence[Part]
    waiting: Sequence[Part]
    failures: Sequence[tuple[str, int]]
    stands: str
    eta: int | None
    an_hour: int | None
    used: Decimal
    room: Decimal | None
    used_percent: int
    check: str
    doubtful: int
    doubts: Doubts
    failed: FailedLeads | None
    requests: Sequence[Any]
    moments: Sequence[tuple[str, datetime]]

    @property
    def eta_words(self) -> str:
        """about 40 s, about 12 min, about 3 h."""
        if self.eta is None:
            return ""
        minutes = -(-self.eta // 60)
        if self.eta < 90:
            return f"about {self.eta} s"
        return f"about {minutes} min" if minutes < 120 else f"about {minutes // 60} h"


def overview(run: Any) -> Overview:
    """`run`: with its money (`with_money`)."""
    rows = list(run.items.values("stage", "outcome", "category").annotate(n=Count("pk")).order_by("stage"))
    stages, failures = dict(RunItem.Stage.choices), dict[str, int]()
    waiting: dict[int, int] = {}
    for row in rows:
        if row["stage"]:
            waiting[row["stage"]] = waiting.get(row["stage"], 0) + row["n"]
        elif row["outcome"] == RunItem.Outcome.FAILED:
            words = failure_in_words(row["category"]) or "No reason kept"
            failures[words] = failures.get(words, 0) + row["n"]
    doubtful = _in_doubt(run)
    for stage, many in doubtful.items():  # told as what they wait for
        waiting[stage] = max(waiting.get(stage, 0) - many, 0)
    used = run.spent + run.reserved
    room = None if run.max_cost is None else max(run.max_cost - used, ZERO)
    return Overview(
        parts=_parts(run, sum(doubtful.values())),
        waiting=[
            Part(stages[stage], many, percent(many, run.total)) for stage, many in sorted(waiting.items()) if many
        ],
        failures=sorted(failures.items(), key=lambda one: -one[1]),
        stands=stands_in_words(run),
        eta=None if run.only_waits_for_billing_check else eta_seconds(run),
        an_hour=_an_hour(run),
        used=used,
        room=room,
        used_percent=min(percent(used, run.max_cost), 100) if run.max_cost else 0,
        check=billing_check(run).words,
        doubtful=sum(doubtful.values()),
        doubts=doubts(run_id=run.pk),
        failed=None if run.is_open or not run.failed else failed_leads(run),
        requests=_requests(run),
        moments=_moments(run),
    )


def _parts(run: Run, doubtful: int) -> list[Part]:
    left = max(run.total - run.done - doubtful, 0)
    rows = (
        ("With a phone", run.enriched, "", RunItem.Outcome.ENRICHED),
        ("No phone found", run.partial, "partial", RunItem.Outcome.PARTIAL),
        ("Failed", run.failed, "failed", RunItem.Outcome.FAILED),
        ("Skipped", run.skipped, "partial", RunItem.Outcome.SKIPPED),
        ("Needs billing check", doubtful, "waits", None),
        ("Waiting", left, "waits", RunItem.Outcome.OPEN),
    )
    return [Part(name, n, percent(n, run.total), look, outcome) for name, n, look, outcome in rows if n]


def _an_hour(run: Run) -> int | None:
    """Leads done an hour since it began; None: too early to say, or it has not begun."""
    end = run.finished_at or run.beat_at
    if run.started_at is None or end is None or not run.done:
        return None
    seconds = (end - run.started_at).total_seconds()
    return round(3600 * run.done / seconds) if seconds >= LEAST_SECONDS else None


def _in_doubt(run: Run) -> dict[int, int]:
    """Items whose request needs a billing check, by the step they wait at."""
    if not run.in_doubt:
        return {}
    rows = run.items.filter(item_waits_for_check()).exclude(stage=RunItem.Stage.DONE).values_list("stage")
    return dict(rows.annotate(n=Count("pk")).order_by())


def _requests(run: Run) -> list[VendorCall]:
    """The latest, each with `asked`: RealEstateAPI: skip trace."""
    calls = VendorCall.objects.filter(run_id=run.pk).select_related("operation").defer("holds").order_by("-pk")
    found = list(calls[:REQUESTS_SHOWN])
    for call in found:
        call.asked = str(call.operation)  # type: ignore[attr-defined]
    return found


def _moments(run: Run) -> list[tuple[str, datetime]]:
    ended = "Cancelled" if run.status == Run.Status.CANCELLED else "Completed"
    rows = (
        ("Ordered", run.created_at),
        ("First lead taken", run.started_at),
        ("Last sign of life", run.beat_at if run.is_open else None),
        (ended, run.finished_at),
    )
    return [(words, at) for words, at in rows if at is not None]
