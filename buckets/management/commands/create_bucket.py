"""`manage.py create_bucket NAME`: a bucket of the ids in a file, or of everything a search finds. Free."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from buckets.management.ids import read_ids
from buckets.models import Bucket, Fill
from buckets.services import continue_fill, create_bucket, start_fill
from config.common.commands import ProductCommand, add_criteria, add_user, criteria_of, user_named
from config.common.progress import Hands, Tick, follow
from integrations.pace import database_now
from integrations.realestateapi.queries import filters

NAME_MAX = 200
NOBODY_AFTER = 20.0  # seconds: beat rings for a fill every 10


class Command(ProductCommand):
    help = "Makes a bucket of property ids, from a file or from a search. Costs nothing."
    example = (
        'python manage.py create_bucket "King County" --user ann --where state=WA --where county=King --wait\n'
        '  python manage.py create_bucket "My list" --user ann --ids list.csv --column property_id'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The bucket's name")
        add_user(parser, required=True, help="Who owns it")
        add_criteria(parser, required=False)
        parser.add_argument("--ids", metavar="FILE", help="Property ids, one a line; - reads stdin")
        parser.add_argument("--column", metavar="NAME", help="The file is a CSV, and the ids are in this column")
        parser.add_argument("--limit", type=int, metavar="N", help="Stop the search's ids after N")
        parser.add_argument("--description", default="", help="Notes")
        parser.add_argument("--wait", action="store_true", help="Follow the search until its ids are saved")
        parser.add_argument("--here", action="store_true", help="Save the ids in this process; needs no worker")

    def handle(self, *args: Any, **options: Any) -> None:
        name, criteria = options["name"].strip(), criteria_of(options)
        _check(name, criteria, options)
        user = user_named(options["user"])
        ids = read_ids(options["ids"], column=options["column"]) if options["ids"] else []
        if criteria is not None:
            criteria = filters(criteria)
        bucket, inserted = create_bucket(
            by=user, name=name, description=options["description"], property_ids=ids, filters=criteria
        )
        fill = None
        if criteria is not None:
            fill = start_fill(bucket=bucket, criteria=criteria, limit=options["limit"])
            if options["wait"] or options["here"]:
                self._follow(fill, here=options["here"])
        self._tell(options, bucket, len(ids), inserted, fill)

    def _follow(self, fill: Fill, *, here: bool) -> None:
        def work(stop: threading.Event) -> None:
            while continue_fill(fill.pk) and not stop.is_set():
                pass

        with Hands(*[work] if here else []) as hands:
            watch = _Watch(fill, hands)
            follow(watch.read, out=self.stderr, label="Saving ids")
        if fill.status == Fill.Status.FAILED:
            raise CommandError(f"The search stopped after {fill.saved:,} ids: {fill.error} Bucket {fill.bucket_id}.")

    def _tell(self, options: Any, bucket: Bucket, given: int, inserted: int, fill: Fill | None) -> None:
        bucket.refresh_from_db()
        facts: dict[str, Any] = {
            "bucket": {"id": bucket.pk, "name": bucket.name, "totalLeads": bucket.total_leads},
            "stats": {"inserted": fill.saved if fill else inserted, "total": bucket.total_leads},
        }
        lines = [f"Bucket {bucket.pk}: {bucket.total_leads:,} leads"]
        if fill is not None:
            facts["fill"] = {"id": fill.pk, "status": fill.status, "found": fill.found, "saved": fill.saved}
            if fill.status != Fill.Status.COMPLETED:
                lines.append("A worker saves the search's ids; bucket_status shows how far it is.")
        elif given > inserted:
            lines.append(f"{given - inserted:,} of {given:,} ids were there twice.")
        self.report(options, facts, lines)


def _check(name: str, criteria: dict[str, Any] | None, options: Any) -> None:
    if not 1 <= len(name) <= NAME_MAX:
        raise CommandError(f"A bucket's name has 1 to {NAME_MAX} characters.")
    if (criteria is None) == (options["ids"] is None):
        raise CommandError("Say which leads: --where or --json-criteria for a search, or --ids FILE.")
    if options["column"] and not options["ids"]:
        raise CommandError("--column goes with --ids FILE.")
    if options["limit"] is not None and (criteria is None or options["limit"] < 1):
        raise CommandError("--limit goes with a search and is at least 1.")


class _Watch:
    """Looks at a fill, and says so when nobody works on it."""

    def __init__(self, fill: Fill, hands: Hands) -> None:
        self._fill, self._hands = fill, hands
        self._moved = time.monotonic()

    def read(self) -> Tick:
        fill = self._fill
        before = (fill.lease_until, fill.fetched, fill.attempts)
        fill.refresh_from_db()
        self._hands.check()
        now = database_now()
        waits = fill.not_before is not None and fill.not_before > now
        taken = fill.lease_until is not None and fill.lease_until > now
        if waits or taken or before != (fill.lease_until, fill.fetched, fill.attempts):
            self._moved = time.monotonic()
        over = fill.status in (Fill.Status.COMPLETED, Fill.Status.FAILED)
        if not over and time.monotonic() - self._moved > NOBODY_AFTER:
            raise CommandError(
                f"No worker is alive: bucket {fill.bucket_id} is made, its search waits. Start a worker, or use --here."
            )
        total = fill.found if fill.limit is None or fill.found is None else min(fill.limit, fill.found)
        return Tick(fill.fetched, total, fill.error, over)
