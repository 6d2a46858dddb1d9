"""What the commands that start runs share: the quote first, then following the run, and how it is told."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from buckets.models import Bucket
from common.commands.base import ProductCommand
from common.commands.base import dollars as dollars  # for the commands that start runs
from common.commands.progress import LocalWorkers, Tick, follow
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import Quote, finishes_in_words, limits_in_words, quote
from enrichment.quoting.reach_estimate import reachable_in_words
from enrichment.selectors import billing_check, eta_seconds, remaining, why_waiting, workers_alive
from enrichment.services import RunError, check_options, start_run
from enrichment.worker import pump, pump_lease, purchase, stages, sweeps

NOBODY_AFTER = 25.0  # seconds without a sign of life: beat wakes pumps every 10, and a worker may be starting
HERE_THREADS = 5  # three stages with so many each, and their pumps, fit the 40 connections of DATABASE_POOL's default
REAP_EVERY = 10.0  # seconds, as beat does


class StartingCommand(ProductCommand):
    """A command that starts a run: it shows the price, asks a person at a terminal, starts, and follows if asked to."""

    writes_leads = True
    refusals = (RunError,)

    def add_starting(self, parser: CommandParser) -> None:
        """The flags of every command that spends money."""
        parser.add_argument("--quote-only", action="store_true", help="Show the price and buy nothing")
        parser.add_argument("--yes", action="store_true", help="Do not ask at a terminal")
        add_following(parser)

    def begin(self, bucket: Bucket, by: User, asked: RunOptions, options: dict[str, Any]) -> None:
        """Quotes, asks, starts, follows and tells."""
        check_options(bucket=bucket, options=asked)
        price = quote(bucket=bucket, by=by, options=asked)
        if options["quote_only"]:
            self.report(options, {"quote": quote_facts(price)}, quote_lines(price))
            return
        if not options["json"]:
            for line in quote_lines(price):
                self.stdout.write(line)
        if price.leads and not options["yes"] and sys.stdin.isatty():
            self._ask(price)
            if quote(bucket=bucket, by=by, options=asked) != price:  # a search may still be filling the bucket
                raise CommandError("The price has changed meanwhile: nothing was bought. Ask again.")
        run, _ = start_run(bucket=bucket, by=by, options=asked)
        runs = [run]
        if options["wait"] or options["here"]:
            runs = follow_runs(self, runs, here=options["here"])
        self.tell(options, runs[0], price)

    def _ask(self, price: Quote) -> None:
        self.stderr.write(f"Buy for at most ${price.at_most:,.2f}? [y/N] ", str, ending="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was bought.")

    def tell(self, options: dict[str, Any], run: Run, price: Quote | None) -> None:
        """Prints how the run stands. Raises CommandError where it was followed and stands still."""
        run = Run.objects.with_money().select_related("bucket").get(pk=run.pk)
        facts = {"run": run_facts(run)} | ({"quote": quote_facts(price)} if price else {})
        self.report(options, facts, run_lines(run))
        if (options["wait"] or options["here"]) and run.status == Run.Status.PAUSED:
            raise CommandError(f"Enrichment job {run.pk} is paused: {run.reason}.".replace("..", "."))
        if (options["wait"] or options["here"]) and run.is_open and run.only_waits_for_billing_check:
            raise CommandError(
                f"{run.in_doubt:,} leads of enrichment job {run.pk} need a billing check: see `in_doubt`."
            )


def add_following(parser: CommandParser) -> None:
    """`--wait` and `--here`."""
    parser.add_argument("--wait", action="store_true", help="Follow until it is done")
    parser.add_argument(
        "--here",
        action="store_true",
        help="Work the queue in this process until it is done: needs no worker. Other jobs that wait are served too",
    )


# --- Following --------------------------------------------------------------------------------------------------------


def follow_runs(command: ProductCommand, runs: Sequence[Run], *, here: bool) -> list[Run]:
    """Follows these runs until none of them moves by itself any more; returns them as they are then."""
    with LocalWorkers(*_jobs(runs) if here else []) as local_workers:
        watch = _Watch([run.pk for run in runs], local_workers, here=here)
        try:
            follow(watch.read, out=command.stderr, label="Leads")
        except KeyboardInterrupt:
            command.note("Finishing what is in flight …" if here else "No longer following.")
            words = (
                "The job continues with the next worker, or with bucket_status --here; the admin pauses and cancels it."
            )
            raise CommandError(words, returncode=130) from None
    return watch.runs


def _jobs(runs: Sequence[Run]) -> Iterator[Callable[[threading.Event], None]]:
    yield _reap
    for stage in sorted({row.stage for run in runs for row in stages.stages_of(run.kind)}):
        yield _pumping(stage)


def _pumping(stage: int) -> Callable[[threading.Event], None]:
    def job(stop: threading.Event) -> None:
        if pump_lease.has_work(stage):
            pump.work(stage, threads=HERE_THREADS, stop=stop)

    return job


def _reap(stop: threading.Event) -> None:
    purchase.reap()
    sweeps.sweep()
    stop.wait(REAP_EVERY)


class _Watch:
    """Looks at runs, and says so when nobody works on them."""

    def __init__(self, run_ids: Sequence[Any], local_workers: LocalWorkers, *, here: bool) -> None:
        self.run_ids, self._local_workers, self._here = run_ids, local_workers, here
        self.runs: list[Any] = []  # runs `with_money`
        self._seen: list[Any] = []
        self._moved = time.monotonic()

    def read(self) -> Tick:
        self._local_workers.check()
        self.runs = list(Run.objects.with_money().filter(pk__in=self.run_ids).order_by("pk"))
        seen = [(run.status, run.done, run.beat_at) for run in self.runs]
        if seen != self._seen:
            self._seen, self._moved = seen, time.monotonic()
        still = time.monotonic() - self._moved
        active = [run for run in self.runs if run.status in Run.ACTIVE and not run.only_waits_for_billing_check]
        if active and not self._here and still > NOBODY_AFTER and not workers_alive():
            raise CommandError(
                "No worker is running: the job is stored and waits. Start a worker, or use bucket_status --here."
            )
        spent: Decimal = sum((run.spent for run in self.runs), Decimal(0))
        words = [f"${spent:.2f} spent", *self._waiting(active, still)]
        return Tick(
            sum(run.done for run in self.runs), sum(run.total for run in self.runs), ", ".join(words), over=not active
        )

    def _waiting(self, active: Sequence[Run], still: float) -> list[str]:
        """What a person wants to know while nothing moves: the reason; else how long it will take."""
        if not active:
            return []
        if still > 5 and (why := why_waiting(active[0])):
            return [] if self._here and why.startswith("No worker") else [why]
        seconds = eta_seconds(active[0])
        return [f"about {duration(seconds)} left"] if seconds else []


def duration(seconds: int) -> str:
    """45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


# --- Telling ----------------------------------------------------------------------------------------------------------


def quote_facts(price: Quote) -> dict[str, Any]:
    """A quote in JSON. US dollars."""
    return {
        "leads": price.leads,
        "owned": price.owned,
        "toBuy": price.to_buy,
        "price": price.price,
        "lines": [
            {
                "vendor": line.vendor,
                "operation": line.operation,
                "owned": line.owned,
                "toBuy": line.to_buy,
                "unitPrice": line.price,
                "cost": line.cost,
            }
            for line in price.lines
        ],
        **({} if price.finishes is None else {"finishes": price.finishes}),
        "reachable": price.reachable and asdict(price.reachable),
        "limits": list(price.limits),
        "notes": list(price.notes),
    }


def quote_lines(price: Quote) -> list[str]:
    """A quote in words."""
    return [
        f"{price.leads:,} leads, {price.owned:,} of them owned: at most ${price.price:.2f}",
        *(
            f"  {line.operation} ({line.vendor}): {line.owned:,} owned, {line.to_buy:,} to buy at ${line.price:.4f}: "
            f"${line.cost:.2f}"
            for line in price.lines
        ),
        *([f"  {finishes_in_words(price)}."] if price.finishes is not None else ()),
        *([f"  {reachable_in_words(price.reachable)}"] if price.reachable else ()),
        *(f"  Note: {note}." for note in (*limits_in_words(price), *price.notes)),
    ]


def run_facts(run: Run) -> dict[str, Any]:
    """A run (`with_money`) in JSON."""
    check = billing_check(run)
    return {
        "id": run.pk,
        "bucketId": run.bucket_id,
        "kind": run.kind,
        "status": run.status,
        "reason": run.reason,
        "stats": {
            "total": run.total,
            "processed": run.done,
            "successful": run.enriched + run.partial,
            "failed": run.failed,
            "skipped": run.skipped,
            "inDoubt": check.leads,
            "withPhones": run.enriched,
            "withEmails": run.with_emails,
            "twoNames": run.two_names,
            "remaining": remaining(run.bucket) if run.bucket else 0,
        },
        "spent": run.spent,
        "reserved": run.reserved,
        "heldInDoubt": check.held,
        "maxCost": run.max_cost,
        "etaSeconds": eta_seconds(run),
        "resumeFrom": run.resume_from,
    }


def run_lines(run: Run) -> list[str]:
    """A run (`with_money`) in words."""
    cap = f" of at most ${run.max_cost:.2f}" if run.max_cost is not None else ""
    lines = [
        f"Enrichment job {run.pk}: {run.get_status_display().lower()}, {run.done:,} of {run.total:,} leads, "
        f"${run.spent:.2f} spent{cap}",
        f"  {run.enriched:,} with a phone, {run.with_emails:,} with an e-mail, {run.failed:,} failed, "
        f"{run.skipped:,} skipped",
    ]
    if check := billing_check(run).words:
        lines.append(f"  {check}")
    if run.two_names:
        lines.append(f"  {run.two_names:,} bought under two names")
    if why := why_waiting(run):
        lines.append(f"  {why}")
    return lines
