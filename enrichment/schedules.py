"""What a person can do with schedules, and the tick that does what they say.

A tick may come twice, at once, and be killed anywhere: what it starts and the schedule's next time are written in one
transaction, which holds the schedule's row and looks first whether its time is still the one that was due. So a time
makes one run at most, and one that was missed, however long ago, is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from accounts.models import check_time_zone
from buckets.filling import start_fill
from buckets.models import Bucket, Fill
from config.common.bell import ring
from config.common.logs import told
from enrichment.changes import Changes, changed_leads
from enrichment.models import Run, Schedule
from enrichment.rules import BadCadence, next_tick
from enrichment.services import RunError, RunOptions, cancel_run, check_options, select_leads, start_run
from integrations import catalogue
from integrations.pace import database_now
from integrations.realestateapi.queries import filters
from integrations.services import NotNow
from leads.counters import hold_bucket

log = logging.getLogger(__name__)
Kind = Schedule.Kind
MAX_FAILURES = 5  # in a row; then it switches itself off
OLDER_MAX = 3650  # days
TICK_SECONDS = 60  # no further schedule is begun after that: beat rings for the rest
LEASE = timedelta(minutes=10)  # longer than asking the vendor takes: SECONDS of `enrichment.changes`
_OPTIONS = {
    Kind.ENRICH: {"limit", "skipTrace", "guard"},
    Kind.REFRESH: {"search"},
    Kind.REBUY: {"limit", "skipTrace", "olderThanDays"},
}


# --- What a person can do ---------------------------------------------------------------------------------------------


def create_schedule(
    *,
    by: Any,
    bucket: Bucket,
    kind: str,
    cadence: str,
    time_zone: str | None = None,
    options: Mapping[str, Any] | None = None,
    max_cost: Decimal | None = None,
    schedule_id: UUID | None = None,
) -> Schedule:
    """Has something done with a bucket on a cadence (`rules.next_tick`), by default in its owner's zone.

    options, by kind: enrich: limit, skipTrace, guard. refresh: search, by default the bucket's. rebuy: olderThanDays,
    limit, skipTrace. max_cost: US dollars a tick, needed where money is spent. schedule_id: the id it gets, so that a
    form sent twice makes one. Raises RunError naming the field, ALREADY_MADE for an id there is, or BadFilter for the
    guard.
    """
    schedule = Schedule(owner=by, bucket=bucket, bucket_name=bucket.name, kind=kind, max_cost=max_cost, cadence=cadence)
    schedule.time_zone = time_zone or by.time_zone
    schedule.options = _with_defaults(bucket, kind, options or {})
    _check(schedule)
    schedule.next_at = _next(schedule, database_now())
    if schedule_id is None:
        schedule.save()
        return schedule
    schedule.pk = schedule_id
    try:
        with transaction.atomic():
            schedule.save(force_insert=True)
    except IntegrityError:
        if not Schedule.objects.filter(pk=schedule_id).exists():
            raise
        raise RunError("ALREADY_MADE", "This schedule is made already.") from None
    return schedule


def change_schedule(*, schedule: Schedule, changes: Mapping[str, Any]) -> Schedule:
    """Changes cadence, time_zone, max_cost, enabled, or single options. Raises as `create_schedule`.

    Switched on again it forgets its failures. Another cadence or zone counts from now; else a time that is due stays.
    """
    with transaction.atomic():
        locked = _lock(schedule)
        for name in ("cadence", "time_zone", "max_cost", "enabled"):
            setattr(locked, name, changes.get(name, getattr(locked, name)))
        locked.options = locked.options | dict(changes.get("options", {}))
        _check(locked)
        if not locked.enabled:
            locked.next_at = None
        elif locked.next_at is None or {"cadence", "time_zone"} & set(changes):
            locked.next_at = _next(locked, database_now())
        if changes.get("enabled"):
            locked.failures = 0
        locked.lease_until = None  # whoever asks the vendor for it finds that it has changed, and gives it up
        locked.save()
    return locked


def delete_schedule(*, schedule: Schedule) -> None:
    """Nothing more is started. What it has started goes on."""
    schedule.delete()


def run_now(*, schedule: Schedule) -> Schedule:
    """Makes it due at once; its next time after that is the cadence's. Raises RunError if it is switched off."""
    with transaction.atomic():
        locked = _lock(schedule)
        if not locked.enabled:
            raise RunError("SWITCHED_OFF", "The schedule is switched off.")
        locked.next_at, locked.lease_until = database_now(), None
        locked.save()
        ring("enrichment.tick")
    return locked


def options_of(kind: str) -> set[str]:
    """The options that a kind of schedule has."""
    return _OPTIONS[Kind(kind)]


def _lock(schedule: Schedule) -> Schedule:
    locked = Schedule.objects.select_for_update(no_key=True).filter(pk=schedule.pk).first()
    if locked is None:
        raise RunError("NOT_FOUND", "The schedule is gone.")
    return locked


def _next(schedule: Schedule, now: datetime) -> datetime:
    try:
        return next_tick(schedule.cadence, schedule.time_zone, now)
    except BadCadence as error:
        raise RunError("INVALID", str(error), "cadence") from None


def _with_defaults(bucket: Bucket, kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if kind != Kind.REFRESH or "search" in options:
        return dict(options)
    latest = bucket.fills.filter(sets=None).order_by("-pk").first()
    return {**options, "search": bucket.filters or (latest.criteria if latest else {})}


def _check(schedule: Schedule) -> None:
    """Refuses what cannot be meant."""
    options, kind = schedule.options, Kind(schedule.kind)
    if unknown := sorted(set(options) - _OPTIONS[kind]):
        raise RunError("INVALID", f"A schedule of the kind {kind} has no {unknown[0]}.", unknown[0])
    try:
        check_time_zone(schedule.time_zone)
    except ValidationError as error:
        raise RunError("INVALID", error.messages[0], "timeZone") from None
    _next(schedule, schedule.created_at or database_now())
    if kind == Kind.REFRESH:
        if schedule.max_cost is not None:
            raise RunError("INVALID", "Repeating a search costs nothing: it has no cap.", "maxCost")
        _search_of(options)
        return
    if schedule.max_cost is None:
        raise RunError("INVALID", "What spends money by itself needs a cap: US dollars a tick.", "maxCost")
    older = options.get("olderThanDays")
    if kind == Kind.REBUY and (type(older) is not int or not 1 <= older <= OLDER_MAX):
        raise RunError("INVALID", f"Say how old facts must be, from 1 to {OLDER_MAX} days.", "olderThanDays")
    check_options(bucket=schedule.bucket or Bucket(), options=_run_options(schedule))


def _search_of(options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return filters(options.get("search") or {})
    except ValueError as error:
        raise RunError("INVALID", f"{error} The bucket has no search of its own to repeat.", "search") from None


def _run_options(schedule: Schedule) -> RunOptions:
    options = schedule.options
    return RunOptions(
        limit=options.get("limit"),
        skip_trace=options.get("skipTrace", True),
        guard=options.get("guard") or {},
        max_cost=schedule.max_cost,
    )


# --- The tick ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """What one tick of a schedule came to."""

    words: str
    run: Run | None = None
    fill: Fill | None = None


def tick(*, now: datetime | None = None) -> int:
    """Does what is due, longest due first. Returns how many schedules it saw to. Safe to call from many workers."""
    now = now or database_now()
    seen = 0
    for schedule_id in Schedule.objects.due(now).order_by("next_at").values_list("pk", flat=True):
        seen += tick_one(schedule_id, now=now)
        if database_now() > now + timedelta(seconds=TICK_SECONDS):
            break
    return seen


def tick_one(schedule_id: UUID, *, now: datetime) -> bool:
    """Does one schedule if it is due; whatever goes wrong is told on its row. Returns whether it was ours to do."""
    due = Schedule.objects.due(now).select_related("bucket", "owner", "last_run", "last_fill")
    schedule = due.filter(pk=schedule_id).first()
    if schedule is None:
        return False
    try:
        return _do(schedule, now)
    except (OperationalError, InterfaceError):
        raise
    except (RunError, NotNow, ValueError) as refusal:  # ValueError: also leads.filters.BadFilter
        return _conclude(schedule, now, Done(str(refusal)), failed=True)
    except Exception as error:  # it must not keep the others from their turn, nor come again every half minute
        log.error("Schedule %s broke: %s", schedule.pk, told(error))
        done = Done(f"Our own fault: {type(error).__name__}. The log has more.")
        return _conclude(schedule, now, done, failed=True)


def _do(schedule: Schedule, now: datetime) -> bool:
    bucket = schedule.bucket
    if bucket is None:
        return _conclude(schedule, now, Done("Its bucket was deleted."), failed=True, for_good=True)
    if not schedule.owner.is_active:
        raise RunError("INACTIVE", f"{schedule.owner.get_username()} is switched off.")
    _check(schedule)
    _refuse_closed_vendors(schedule)
    _end_what_a_cap_stopped(schedule.last_run)
    busy, found = _busy(schedule), None
    if schedule.kind == Kind.REBUY and not busy:
        if not _lease(schedule, now):
            return False
        found = changed_leads(bucket, _older_than(schedule, now), limit=_limit(schedule))
    with transaction.atomic():
        hold_bucket(bucket.pk)  # the first of all locks
        locked = _fenced(schedule)
        if locked is None:
            return False
        busy = busy or _busy(locked)
        done = Done(busy) if busy else _start(locked, bucket, now, found)
        _write(locked, now, done, failed=_last_fill_failed(schedule) and not busy)
    return True


def _fenced(schedule: Schedule) -> Schedule | None:
    """The row, locked, if what is due is still due. None: somebody else has it, has done it, or has changed it."""
    rows = Schedule.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    rows = rows.select_related("last_run", "last_fill", "owner")
    return rows.filter(pk=schedule.pk, enabled=True, next_at=schedule.next_at, bucket=schedule.bucket).first()


def _conclude(schedule: Schedule, now: datetime, done: Done, *, failed: bool, for_good: bool = False) -> bool:
    with transaction.atomic():
        locked = _fenced(schedule)
        if locked is None:
            return False
        _write(locked, now, done, failed=failed, for_good=for_good)
    return True


def _write(schedule: Schedule, now: datetime, done: Done, *, failed: bool, for_good: bool = False) -> None:
    """Tells how it went and says when it comes next. Enough failures in a row, or one that stays, switch it off."""
    schedule.last_at, schedule.lease_until = now, None
    schedule.last_run, schedule.last_fill = done.run or schedule.last_run, done.fill or schedule.last_fill
    schedule.failures = schedule.failures + 1 if failed else 0
    schedule.next_at = None
    if not for_good and schedule.failures < MAX_FAILURES:
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
        names += ["skip_trace"] if schedule.options.get("skipTrace", True) else []
    for name in names:
        vendor = catalogue.operation(name).vendor
        if not vendor.enabled or vendor.paused_reason:
            raise RunError("VENDOR", vendor.paused_reason or f"{vendor} is switched off.")


def _end_what_a_cap_stopped(run: Run | None) -> None:
    """A run that its cap has stopped is over for a schedule: the next tick has money of its own.

    In a transaction of its own, since a run is locked before its bucket's counters. Killed after it, nothing is lost.
    """
    if run is None or run.status != Run.Status.PAUSED or run.paused_by != Run.Pause.CAP:
        return
    with suppress(RunError):  # it is over: another worker or a person was first
        cancel_run(run=run)
    run.refresh_from_db()


def _busy(schedule: Schedule) -> str:
    """Why this tick is left out, in words; empty where it is not."""
    run, fill = schedule.last_run, schedule.last_fill
    if run is not None and run.is_open:
        words = f"Left out: its last run is still {run.get_status_display().lower()}"
        return f"{words} ({run.reason.rstrip('.')})." if run.reason else f"{words}."
    if fill is not None and fill.status in (Fill.Status.QUEUED, Fill.Status.RUNNING):
        return f"Left out: its last search is still {fill.get_status_display().lower()}."
    return ""


def _last_fill_failed(schedule: Schedule) -> bool:
    return schedule.last_fill is not None and schedule.last_fill.status == Fill.Status.FAILED


# --- What it starts ---------------------------------------------------------------------------------------------------


def _start(schedule: Schedule, bucket: Bucket, now: datetime, found: Changes | None) -> Done:
    if schedule.kind == Kind.REFRESH:
        fill = start_fill(bucket=bucket, criteria=_search_of(schedule.options))
        return Done("Its search is repeated.", fill=fill)
    if schedule.kind == Kind.ENRICH:
        options = _next_leads(schedule, bucket)
        if not select_leads(bucket.pk, options).exists():
            return Done("Nothing to do: no lead is pending.")
        run = _start_run(schedule, bucket, options)
        return Done(f"{run.total:,} leads taken.", run=run)
    assert found is not None
    words = found.words(schedule.options["olderThanDays"])
    if not found.lead_ids:
        return Done(words)
    options = replace(
        _run_options(schedule), limit=None, lead_ids=found.lead_ids, fresh_after=_older_than(schedule, now)
    )
    return Done(words, run=_start_run(schedule, bucket, options))


def _start_run(schedule: Schedule, bucket: Bucket, options: RunOptions) -> Run:
    assert schedule.next_at is not None
    key = f"schedule:{schedule.pk}:{schedule.next_at.isoformat()}"
    run, _ = start_run(bucket=bucket, by=schedule.owner, options=options, idempotency_key=key)
    return run


def _next_leads(schedule: Schedule, bucket: Bucket) -> RunOptions:
    """The next pending leads. Those a guard left out stay pending: on from the last run's end, and round again."""
    options, last = _run_options(schedule), schedule.last_run
    if not options.guard or last is None:
        return options
    begun = last.options.get("startFrom")
    # of a run that was cut short not every lead had its turn
    after = last.resume_from if last.status == Run.Status.COMPLETED else begun and UUID(begun)
    onward = replace(options, start_from=after)
    return onward if select_leads(bucket.pk, onward).exists() else options


def _older_than(schedule: Schedule, now: datetime) -> datetime:
    return now - timedelta(days=schedule.options["olderThanDays"])


def _limit(schedule: Schedule) -> int:
    return int(schedule.options.get("limit") or settings.RUN_LIMIT)


def _lease(schedule: Schedule, now: datetime) -> bool:
    """Keeps the others from asking the vendor the same; it is the fence that keeps them from buying the same."""
    free = Schedule.objects.due(now).filter(pk=schedule.pk, next_at=schedule.next_at)
    return bool(free.update(lease_until=now + LEASE))
