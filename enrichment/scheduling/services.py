"""What a person can do with schedules, and what may be asked of one. `tick` does what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.audit import record
from accounts.models import User, check_time_zone
from buckets.models import Bucket
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from enrichment.locks import lock_schedule
from enrichment.models import Schedule
from enrichment.options import RunOptions
from enrichment.scheduling.cadence import BadCadence, next_tick
from enrichment.services import RunError, check_may_buy, check_options
from integrations.vendors.queries import filters

Kind = Schedule.Kind
OLDER_MAX = 3650  # days
_OPTIONS = {
    Kind.ENRICH: {"limit", "skipTrace", "guard"},
    Kind.REFRESH: {"search"},
    Kind.REBUY: {"limit", "skipTrace", "olderThanDays"},
}


def create_schedule(
    *,
    by: User,
    bucket: Bucket,
    kind: str,
    cadence: str,
    time_zone: str | None = None,
    options: Mapping[str, Any] | None = None,
    max_cost: Decimal | None = None,
    schedule_id: UUID | None = None,
) -> Schedule:
    """Has something done with a bucket on a cadence (`cadence.next_tick`), by default in its owner's zone.

    options, by kind: enrich: limit, skipTrace, guard. refresh: search, by default the bucket's. rebuy: olderThanDays,
    limit, skipTrace. max_cost: US dollars a tick, needed where money is spent. schedule_id: the id it gets, so that a
    form sent twice makes one. Raises RunError naming the field, ALREADY_MADE for an id there is, or BadFilter for the
    guard.
    """
    check_may_buy(by, bucket.team_id)
    schedule = Schedule(owner=by, team_id=bucket.team_id, bucket=bucket, bucket_name=bucket.name, kind=kind)
    schedule.max_cost, schedule.cadence = max_cost, cadence
    schedule.time_zone = time_zone or by.time_zone
    schedule.options = _with_defaults(bucket, kind, options or {})
    check_schedule(schedule)
    schedule.next_at = _next(schedule, database_now())
    schedule.pk = schedule_id or schedule.pk
    try:
        with transaction.atomic():
            schedule.save(force_insert=True)
            _record("schedule.created", schedule, by, after=_told(schedule))
    except IntegrityError:
        if schedule_id is None or not Schedule.objects.filter(pk=schedule_id).exists():
            raise
        raise RunError("ALREADY_MADE", "This schedule is made already.") from None
    return schedule


def change_schedule(*, schedule: Schedule, changes: Mapping[str, Any], by: User | None = None) -> Schedule:
    """Changes cadence, time_zone, max_cost, enabled, or single options. Raises as `create_schedule`.

    Switched on again it forgets its failures. Another cadence or zone counts from now; else a time that is due stays.
    """
    with transaction.atomic():
        locked = _lock(schedule)
        before, old = _told(locked), locked.options
        for name in ("cadence", "time_zone", "max_cost", "enabled"):
            setattr(locked, name, changes.get(name, getattr(locked, name)))
        locked.options = locked.options | dict(changes.get("options", {}))
        check_schedule(locked)
        if not locked.enabled:
            locked.next_at = None
        elif locked.next_at is None or {"cadence", "time_zone"} & set(changes):
            locked.next_at = _next(locked, database_now())
        if changes.get("enabled"):
            locked.failures = 0
        locked.lease_until = None  # a worker that asks the vendor for it will find it changed, and stop
        locked.save()
        after = _told(locked)
        changed = [name for name in after if after[name] != before[name]]
        if changed or old != locked.options:
            said = [{name: told[name] for name in (*changed, "options")} for told in (before, after)]
            _record("schedule.changed", locked, by, before=said[0], after=said[1])
    return locked


def delete_schedule(*, schedule: Schedule, by: User | None = None) -> None:
    """Nothing more is started. What it has started goes on."""
    pk = schedule.pk
    with transaction.atomic():
        if schedule.delete()[0]:  # by two at once: once
            schedule.pk = pk
            _record("schedule.deleted", schedule, by, before=_told(schedule))


def _told(schedule: Schedule) -> dict[str, Any]:
    """What the audit keeps of it. Of options that are filters only the names: a filter's value may be somebody's."""
    fields = ("kind", "cadence", "time_zone", "max_cost", "enabled")
    return {name: getattr(schedule, name) for name in fields} | {"options": sorted(schedule.options)}


def _record(action: str, schedule: Schedule, by: User | None, **values: Any) -> None:
    record(action, by=by, team_id=schedule.team_id, about=schedule, name=schedule.bucket_name, **values)


def run_now(*, schedule: Schedule) -> Schedule:
    """Makes it due at once; its next time after that is the cadence's. Raises RunError if it is switched off."""
    with transaction.atomic():
        locked = _lock(schedule)
        if not locked.enabled:
            raise RunError("SWITCHED_OFF", "The schedule is turned off.")
        locked.next_at, locked.lease_until = database_now(), None
        locked.save()
        enqueue_on_commit("enrichment.tick")
    return locked


def options_of(kind: str) -> set[str]:
    """The options that a kind of schedule has."""
    return _OPTIONS[Kind(kind)]


def _lock(schedule: Schedule) -> Schedule:
    locked = lock_schedule(schedule.pk)
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
    latest = bucket.fills.filter(sets__isnull=True).order_by("-pk").first()
    return {**options, "search": bucket.filters or (latest.criteria if latest else {})}


def check_schedule(schedule: Schedule) -> None:
    """Refuses what cannot be meant. Raises RunError naming the field, or BadFilter for the guard."""
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
            raise RunError("INVALID", "Adding new matches is free: it has no spending limit.", "maxCost")
        search_of(options)
        return
    if schedule.max_cost is None:
        raise RunError("INVALID", "Enter a spending limit: this schedule spends money by itself.", "maxCost")
    older = options.get("olderThanDays")
    if kind == Kind.REBUY and (type(older) is not int or not 1 <= older <= OLDER_MAX):
        raise RunError("INVALID", f"Enter how old data must be, from 1 to {OLDER_MAX} days.", "olderThanDays")
    check_options(bucket=schedule.bucket or Bucket(), options=run_options(schedule))


def search_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The search that a refresh repeats. Raises RunError."""
    try:
        return filters(options.get("search") or {})
    except ValueError as error:
        raise RunError("INVALID", f"{error} The bucket has no search of its own to repeat.", "search") from None


def run_options(schedule: Schedule) -> RunOptions:
    """What each of its runs is asked for."""
    return RunOptions.from_json(schedule.options, max_cost=schedule.max_cost)
