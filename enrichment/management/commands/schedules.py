"""`manage.py schedules list|add|remove|run-now`: a worker's jobs on a bucket, on a cadence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import access_named, add_person, row_in_team
from accounts.models import User
from buckets.models import Bucket
from common.commands.base import ProductCommand, add_criteria, criteria_of, texts_of
from common.dates import moment
from common.db.clock import database_now
from enrichment.management.helpers.runs import dollars
from enrichment.models import Schedule
from enrichment.scheduling import services as schedules
from enrichment.scheduling import tick
from enrichment.selectors import schedule_result
from enrichment.services import RunError
from leads.selection.filters import understood


class Command(ProductCommand):
    help = "Lists, adds and removes schedules, or does one now. An added one shows when it comes first."
    example = (
        'python manage.py schedules add BUCKET --kind enrich --cadence "30 2 * * *" --limit 200 --max-cost 20\n'
        '  python manage.py schedules add BUCKET --kind refresh --cadence "0 6 * * 1,4" --time-zone America/New_York\n'
        '  python manage.py schedules add BUCKET --kind rebuy --cadence "0 3 1 * *" --older-than-days 90 --max-cost 9\n'
        "  python manage.py schedules list --user ann\n"
        "  python manage.py schedules run-now SCHEDULE"
    )
    refusals = (RunError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "add", "remove", "run-now"], help="What to do")
        parser.add_argument("id", nargs="?", metavar="ID", help="add: the bucket; remove, run-now: the schedule")
        add_person(parser, required=False, help="Whose; the bucket or schedule must be of their team")
        parser.add_argument("--kind", choices=Schedule.Kind.values, help="What is done")
        parser.add_argument("--cadence", metavar="CRON", help='Five cron fields: "0 6 * * 1,4" is Mon and Thu')
        parser.add_argument("--time-zone", metavar="ZONE", help="Whose clock: America/New_York; the user's by default")
        parser.add_argument("--max-cost", metavar="USD", help="enrich, rebuy: US dollars a tick may spend")
        parser.add_argument("--limit", type=int, metavar="N", help="enrich, rebuy: at most N leads a tick (RUN_LIMIT)")
        parser.add_argument("--no-skip-trace", action="store_true", help="enrich, rebuy: property details only")
        parser.add_argument("--older-than-days", type=int, metavar="DAYS", help="rebuy: only data older than that")
        parser.add_argument(
            "--guard",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="enrich: contacts only for leads whose detail passes this filter: absenteeOwner=true, repeatable",
        )
        add_criteria(parser, required=False)

    def handle(self, *_args: object, **options: Any) -> None:
        acts: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list,
            "add": self._add,
            "remove": self._remove,
            "run-now": self._run_now,
        }
        if (options["id"] is None) != (options["action"] == "list"):
            raise CommandError("add goes with a bucket's ID, remove and run-now with a schedule's, list with none.")
        acts[options["action"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = Schedule.objects.select_related("owner", "last_run", "last_fill").order_by("pk")
        if options["user"] is not None:
            rows = rows.seen_by(access_named(options))
        found = list(rows)
        lines = [line for schedule in found for line in schedule_lines(schedule)]
        self.report(options, {"schedules": [schedule_facts(schedule) for schedule in found]}, lines)

    def _add(self, options: dict[str, Any]) -> None:
        bucket, asker = row_in_team(Bucket.objects.select_related("owner"), options["id"], options)
        if options["kind"] is None or options["cadence"] is None:
            raise CommandError("Say what and when: --kind and --cadence.")
        schedule = schedules.create_schedule(
            by=asker,
            bucket=bucket,
            kind=options["kind"],
            cadence=options["cadence"],
            time_zone=options["time_zone"],
            options=_asked(options),
            max_cost=dollars(options["max_cost"]) if options["max_cost"] is not None else None,
        )
        self._tell(options, schedule)

    def _remove(self, options: dict[str, Any]) -> None:
        schedule, asker = self._one(options)
        facts = schedule_facts(schedule)
        schedules.delete_schedule(schedule=schedule, by=asker)
        self.report(options, {"removed": facts}, [f"Removed {facts['id']}: {schedule}."])

    def _run_now(self, options: dict[str, Any]) -> None:
        """In this process: needs no worker for the schedule itself, but for the run it starts."""
        schedule, _ = self._one(options)
        schedules.run_now(schedule=schedule)
        tick.tick_one(schedule.pk, now=database_now())
        self._tell(options, self._one(options)[0])

    def _one(self, options: dict[str, Any]) -> tuple[Schedule, User]:
        rows = Schedule.objects.select_related("owner", "last_run", "last_fill")
        return row_in_team(rows, options["id"], options)

    def _tell(self, options: dict[str, Any], schedule: Schedule) -> None:
        self.report(options, {"schedule": schedule_facts(schedule)}, schedule_lines(schedule))


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    asked = {
        "limit": options["limit"],
        "skipTrace": False if options["no_skip_trace"] else None,
        "olderThanDays": options["older_than_days"],
        "guard": understood(texts_of(options["guard"], "--guard")) or None,
        "search": criteria_of(options),
    }
    return {name: value for name, value in asked.items() if value is not None}


def schedule_facts(schedule: Schedule) -> dict[str, Any]:
    """A schedule in JSON."""
    return {
        "id": schedule.pk,
        "owner": schedule.owner.get_username(),
        "bucketId": schedule.bucket_id,
        "bucketName": schedule.bucket_name,
        "kind": schedule.kind,
        "options": schedule.options,
        "maxCost": schedule.max_cost,
        "cadence": schedule.cadence,
        "timeZone": schedule.time_zone,
        "enabled": schedule.enabled,
        "nextAt": schedule.next_at,
        "lastAt": schedule.last_at,
        "lastResult": schedule_result(schedule),
        "failures": schedule.failures,
        "lastRunId": schedule.last_run_id,
        "lastFillId": schedule.last_fill_id,
    }


def schedule_lines(schedule: Schedule) -> list[str]:
    """A schedule in words, its times in its own zone."""
    when = "off"
    if schedule.next_at is not None:
        when = f"next {moment(schedule.next_at, schedule.time_zone)}"
    cap = f", at most ${schedule.max_cost:.2f} a time" if schedule.max_cost is not None else ""
    lines = [f"{schedule.pk}  {schedule}: {schedule.cadence} ({schedule.time_zone}){cap}; {when}"]
    if result := schedule_result(schedule):
        lines.append(f"  {result}")
    return lines
