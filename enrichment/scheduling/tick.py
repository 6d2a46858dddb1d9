"""The tick: a worker does for every schedule that is due what it asks for.

Two workers may tick at once, and either may die at any point: one transaction writes both the run or search and the
schedule's next time. It locks the schedule's row, and gives up where its time is no longer the one that was due. So a
time starts one run at most, and a time that was missed, however long ago, is made up for once.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from buckets.filling.fills import start_fill
from buckets.models import Bucket, Fill
from common.db.clock import database_now
from common.logs import safe_traceback
from enrichment.locks import claim_schedule, lock_run
from enrichment.models import Run, Schedule
from enrichment.options import RunOptions
from enrichment.scheduling.cadence import next_tick
from enrichment.scheduling.changed_leads import Changes, changed_leads
from enrichment.scheduling.services import check_schedule, run_options, search_of
from enrichment.selectors import select_leads
from enrichment.services import RunError, cancel_run, check_may_buy, go_on, start_run, wake_pumps_of
from integrations.ledger import catalogue
from integrations.services import NotNow
from integrations.vendors import available
from integrations.vendors.errors import Category
from leads.locks import hold_bucket

log = logging.getLogger(__name__)
Kind = Schedule.Kind
MAX_FAILURES = 5  # of its own in a row; then it switches itself off
WAITS = "Waits for its vendor: "  # so begins the result of a tick that a closed vendor refused
NO_ANSWER = (Category.AUTH_ERROR, Category.NETWORK_ERROR, Category.RATE_LIMITED)  # whatever had been asked
TICK_SECONDS = 60  # no further schedule is begun after that: the next tick does the others
LEASE = timedelta(minutes=10)  # longer than asking the vendor takes: `changed_leads.SECONDS`


class VendorClosed(RunError):
    """A vendor sells nothing now. That is no fault of the schedule, which comes again until the vendor is open."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one tick of a schedule came to."""

    words: str
    run: Run | None = None
    fill: Fill | None = None


def run_due_schedules(*, now: datetime | None = None) -> int:
    """Does the schedules that are due, longest due first. Returns how many. Safe to call from many workers."""
    now = now or database_now()
    seen = 0
    for schedule_id in Schedule.objects.due(now).order_by("next_at").values_list("pk", flat=True):
        seen += tick_one(schedule_id, now=now)
        if database_now() > now + timedelta(seconds=TICK_SECONDS):
            break
    return seen


def tick_one(schedule_id: UUID, *, now: datetime) -> bool:
    """Does one schedule if it is due; its row says what failed. Returns whether this worker did it.

    1. Another worker may have done it meanwhile: then it is not due any more.
    2. A closed vendor, an option that no longer holds or an unforeseen error ends the tick as a failure, with why.
    3. Only an outage of PostgreSQL is raised: the schedule is still due.
    """
    due = Schedule.objects.due(now).select_related("bucket", "owner", "last_run", "last_fill")
    schedule = due.filter(pk=schedule_id).first()
    if schedule is None:
        return False
    try:
        return _do(schedule, now)
    except (OperationalError, InterfaceError):
        raise
    except VendorClosed as refusal:
        return _conclude(schedule, now, Done(f"{WAITS}{refusal}"), failed=True, closed=True)
    except NotNow as refusal:
        closed = refusal.category in NO_ANSWER
        words = f"{WAITS}{refusal}" if closed else str(refusal)
        return _conclude(schedule, now, Done(words), failed=True, closed=closed)
    except (RunError, ValueError) as refusal:  # ValueError: also leads.filters.BadFilter
        return _conclude(schedule, now, Done(str(refusal)), failed=True)
    except Exception as error:  # without a next time it would come again with every tick, before the others
        log.error("Schedule %s broke: %s", schedule.pk, safe_traceback(error))
        done = Done(f"System error: {type(error).__name__}. The log has more.")
        return _conclude(schedule, now, done, failed=True)


def _do(schedule: Schedule, now: datetime) -> bool:
    """Does one schedule. Returns whether this worker did it. Raises RunError, NotNow.

    1. Refuses a schedule without a bucket, with bad options, whose vendors are closed, or whose user is turned off or
       may not buy in its team any more.
    2. Its last run ends where its cap stopped it, and goes on where a vendor did.
    3. A rebuy asks the vendor which leads have changed, under a lease: no other worker asks the same.
    4. One transaction locks the bucket and the schedule, starts the run or search unless the last one is still open,
       and writes the schedule's next time.
    5. A new run replaces older ones that are still paused.
    """
    bucket = schedule.bucket
    if bucket is None:
        return _conclude(schedule, now, Done("Its bucket was deleted."), failed=True, for_good=True)
    check_may_buy(schedule.owner, schedule.team_id)
    check_schedule(schedule)
    _refuse_closed_vendors(schedule)
    _end_what_a_cap_stopped(schedule.last_run)
    if _go_on_after_its_vendor(schedule.last_run):
        words = "Its last enrichment job resumed: the vendor that had paused it is available again."
        return _conclude(schedule, now, Done(words), failed=False)
    busy, found = _busy(schedule), None
    if schedule.kind == Kind.REBUY and not busy:
        if not _lease(schedule, now):
            return False
        found = changed_leads(bucket, _older_than(schedule, now), limit=_limit(schedule))
    with transaction.atomic():
        hold_bucket(bucket.pk)
        locked = _fenced(schedule)
        if locked is None:
            return False
        busy = busy or _busy(locked)
        done = Done(busy) if busy else _start(locked, bucket, now, found)
        failed = _waits_in_vain(locked.last_run) if busy else _last_fill_failed(schedule)
        _write(locked, now, done, failed=failed)
    if done.run is not None:
        _replace_older(schedule, done.run)
    return True


def _fenced(schedule: Schedule) -> Schedule | None:
    """The row, locked, if its time is still due. None: another worker has or had it, or a person has changed it."""
    return claim_schedule(schedule.pk, enabled=True, next_at=schedule.next_at, bucket=schedule.bucket)


def _conclude(
    schedule: Schedule, now: datetime, done: Done, *, failed: bool, for_good: bool = False, closed: bool = False
) -> bool:
    with transaction.atomic():
        locked = _fenced(schedule)
        if locked is None:
            return False
        _write(locked, now, done, failed=failed, for_good=for_good, closed=closed)
    return True


def _write(
    schedule: Schedule, now: datetime, done: Done, *, failed: bool, for_good: bool = False, closed: bool = False
) -> None:
    """Writes the result of a tick and the next time. Failures in a row, or one for good, switch the schedule off.

    closed: a vendor was. That is shown as a failure and never switches it off; the schedule's own failures are counted
    anew after it.
    """
    schedule.last_at, schedule.lease_until = now, None
    schedule.last_run, schedule.last_fill = done.run or schedule.last_run, done.fill or schedule.last_fill
    before = 0 if schedule.last_result.startswith(WAITS) and not closed else schedule.failures
    schedule.failures = before + 1 if failed else 0
    schedule.next_at = None
    if closed or (not for_good and schedule.failures < MAX_FAILURES):
        try:
            schedule.next_at = next_tick(schedule.cadence, schedule.time_zone, now)
        except (KeyError, ValueError):  # BadCadence, or a zone that is not known any more
            log.warning("Schedule %s can have no next time", schedule.pk)
    schedule.enabled = schedule.next_at is not None
    off = "" if schedule.enabled else " It has switched itself off."
    schedule.last_result = done.words[: 300 - len(off)] + off
    schedule.save()


def _refuse_closed_vendors(schedule: Schedule) -> None:
    names = ["property_search"] if schedule.kind != Kind.ENRICH else []
    if schedule.kind != Kind.REFRESH:
        names.append("property_detail")
        names += ["skip_trace"] if run_options(schedule).skip_trace else []
    for name in names:
        vendor = catalogue.operation(name).vendor
        if not vendor.enabled or vendor.paused_reason:
            raise VendorClosed("VENDOR", vendor.paused_reason or f"{vendor} is turned off.")
        if lacking := available.lack(vendor.pk):
            raise VendorClosed("VENDOR", f"{lacking}.")


def _end_what_a_cap_stopped(run: Run | None) -> None:
    """A run that its cap has stopped is over for a schedule: the next tick has money of its own.

    In a transaction of its own, since a run is locked before its bucket's counters. Killed after it, nothing is lost.
    """
    if run is None or run.status != Run.Status.PAUSED or run.paused_by != Run.Pause.CAP:
        return
    with suppress(RunError):  # it is over: another worker or a person was first
        cancel_run(run=run)
    run.refresh_from_db()


def _go_on_after_its_vendor(run: Run | None) -> bool:
    """Goes on with a run that a vendor had paused: `_refuse_closed_vendors` has found that its vendors sell again."""
    if run is None or run.status != Run.Status.PAUSED or run.paused_by != Run.Pause.VENDOR:
        return False
    with transaction.atomic():
        locked = lock_run(run.pk)
        if locked is not None and locked.status == Run.Status.PAUSED and locked.paused_by == Run.Pause.VENDOR:
            go_on(locked)
            wake_pumps_of(locked)
    return locked is not None and locked.status in Run.ACTIVE  # another worker may have been first


def _replace_older(schedule: Schedule, run: Run) -> None:
    """Its newest run replaces those that are still paused. Killed before it, the next run's start does it."""
    mine = Run.objects.filter(owner=schedule.owner_id, idempotency_key__startswith=_key(schedule, ""))
    for older in mine.filter(status=Run.Status.PAUSED, pk__lt=run.pk).order_by("pk"):
        with suppress(RunError):  # it is over: another worker or a person was first
            cancel_run(run=older)


def _waits_in_vain(run: Run | None) -> bool:
    """Whether the run that a tick was left out for stands still, and no person has paused it."""
    return run is not None and run.status == Run.Status.PAUSED and run.paused_by != Run.Pause.PERSON


def _busy(schedule: Schedule) -> str:
    """Why this tick is left out, in words; empty where it is not."""
    run, fill = schedule.last_run, schedule.last_fill
    if run is not None and run.is_open:
        words = f"Skipped: its last enrichment job is still {run.get_status_display().lower()}"
        return f"{words} ({run.reason.rstrip('.')})." if run.reason else f"{words}."
    if fill is not None and fill.status in (Fill.Status.QUEUED, Fill.Status.RUNNING):
        return f"Left out: its last search is still {fill.get_status_display().lower()}."
    return ""


def _last_fill_failed(schedule: Schedule) -> bool:
    return schedule.last_fill is not None and schedule.last_fill.status == Fill.Status.FAILED


# --- What it starts ---------------------------------------------------------------------------------------------------


def _start(schedule: Schedule, bucket: Bucket, now: datetime, found: Changes | None) -> Done:
    if schedule.kind == Kind.REFRESH:
        fill = start_fill(bucket=bucket, criteria=search_of(schedule.options))
        return Done("Its search is repeated.", fill=fill)
    if schedule.kind == Kind.ENRICH:
        options = _next_leads(schedule, bucket)
        if not select_leads(bucket.pk, options, by=schedule.owner).exists():
            return Done("Nothing to do: no lead is pending.")
        run = _start_run(schedule, bucket, options)
        return Done(f"{run.total:,} leads taken.", run=run)
    assert found is not None
    words = found.words(schedule.options["olderThanDays"])
    if not found.lead_ids:
        return Done(words)
    options = replace(
        run_options(schedule), limit=None, lead_ids=found.lead_ids, fresh_after=_older_than(schedule, now)
    )
    return Done(words, run=_start_run(schedule, bucket, options))


def _start_run(schedule: Schedule, bucket: Bucket, options: RunOptions) -> Run:
    assert schedule.next_at is not None
    key = _key(schedule, schedule.next_at.isoformat())
    run, _ = start_run(bucket=bucket, by=schedule.owner, options=options, idempotency_key=key)
    return run


def _key(schedule: Schedule, due: str) -> str:
    """The Idempotency-Key of the run that a schedule starts when it is due; without `due`: how all of them begin."""
    return f"schedule:{schedule.pk}:{due}"


def _next_leads(schedule: Schedule, bucket: Bucket) -> RunOptions:
    """The next pending leads. Those a guard left out stay pending: on from the last run's end, and round again."""
    options, last = run_options(schedule), schedule.last_run
    if not options.guard or last is None:
        return options
    # of a run that was cut short not every lead had its turn
    after = last.resume_from if last.status == Run.Status.COMPLETED else last.asked.start_from
    onward = replace(options, start_from=after)
    return onward if select_leads(bucket.pk, onward, by=schedule.owner).exists() else options


def _older_than(schedule: Schedule, now: datetime) -> datetime:
    return now - timedelta(days=schedule.options["olderThanDays"])


def _limit(schedule: Schedule) -> int:
    return run_options(schedule).limit or settings.RUN_LIMIT


def _lease(schedule: Schedule, now: datetime) -> bool:
    """Takes the lease: no other worker asks the vendor the same. That none buys the same is up to `_fenced`."""
    free = Schedule.objects.due(now).filter(pk=schedule.pk, next_at=schedule.next_at)
    return bool(free.update(lease_until=now + LEASE))
