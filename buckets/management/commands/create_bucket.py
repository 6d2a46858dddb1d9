"""`manage.py create_bucket NAME`: a bucket of the ids in a file, or of everything a search finds. Free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import access_named, add_person
from buckets.filling.algebra import NAME_MAX
from buckets.filling.fills import start_fill
from buckets.management.base import LATER, add_following, follow_fill
from buckets.management.helpers.property_ids import read_ids
from buckets.models import Bucket, Fill
from buckets.services import create_bucket
from common.commands.base import ProductCommand, add_criteria, criteria_of
from integrations.vendors.queries import filters


class Command(ProductCommand):
    writes_leads = True
    help = "Makes a bucket of property ids, from a file or from a search. Costs nothing."
    example = (
        'python manage.py create_bucket "King County" --user ann --where state=WA --where county=King --wait\n'
        '  python manage.py create_bucket "My list" --user ann --ids list.csv --column property_id'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The bucket's name")
        add_person(parser, required=True, help="Who makes it")
        add_criteria(parser, required=False)
        parser.add_argument("--ids", metavar="FILE", help="Property ids, one a line; - reads stdin")
        parser.add_argument("--column", metavar="NAME", help="The file is a CSV, and the ids are in this column")
        parser.add_argument("--limit", type=int, metavar="N", help="Stop the search's ids after N")
        parser.add_argument("--description", default="", help="Notes")
        add_following(parser)

    def handle(self, *_: object, **options: Any) -> None:
        name, criteria = options["name"].strip(), criteria_of(options)
        _check(name, criteria, options)
        access = access_named(options)
        ids = read_ids(options["ids"], column=options["column"]) if options["ids"] else []
        if criteria is not None:
            criteria = filters(criteria)
        bucket, inserted = create_bucket(
            by=access.user,
            team_id=access.team_id,
            name=name,
            description=options["description"],
            property_ids=ids,
            filters=criteria,
        )
        fill = None
        if criteria is not None:
            fill = start_fill(bucket=bucket, criteria=criteria, limit=options["limit"])
            if options["wait"] or options["here"]:
                follow_fill(fill, here=options["here"], out=self.stderr)
        self._tell(options, bucket, len(ids), inserted, fill)

    def _tell(self, options: Mapping[str, Any], bucket: Bucket, given: int, inserted: int, fill: Fill | None) -> None:
        bucket.refresh_from_db()
        facts: dict[str, Any] = {
            "bucket": {"id": bucket.pk, "name": bucket.name, "totalLeads": bucket.total_leads},
            "stats": {"inserted": fill.saved if fill else inserted, "total": bucket.total_leads},
        }
        lines = [f"Bucket {bucket.pk}: {bucket.total_leads:,} leads"]
        if fill is not None:
            facts["fill"] = {"id": fill.pk, "status": fill.status, "found": fill.found, "saved": fill.saved}
            if fill.status != Fill.Status.COMPLETED:
                lines.append(LATER)
        elif given > inserted:
            lines.append(f"{given - inserted:,} of {given:,} ids were there twice.")
        self.report(options, facts, lines)


def _check(name: str, criteria: dict[str, Any] | None, options: Mapping[str, Any]) -> None:
    if not 1 <= len(name) <= NAME_MAX:
        raise CommandError(f"A bucket's name has 1 to {NAME_MAX} characters.")
    if (criteria is None) == (options["ids"] is None):
        raise CommandError("Say which leads: --where or --json-criteria for a search, or --ids FILE.")
    if options["column"] and not options["ids"]:
        raise CommandError("--column goes with --ids FILE.")
    if options["limit"] is not None and (criteria is None or options["limit"] < 1):
        raise CommandError("--limit goes with a search and is at least 1.")
