"""`manage.py process_bucket BUCKET`: buys property details and contacts for a bucket's leads, the price first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import add_person, row_in_team
from buckets.models import Bucket
from common.commands.base import id_of, texts_of
from enrichment.management.helpers.runs import StartingCommand, dollars
from enrichment.options import HIT_RATE, SAMPLE, Canary, RunOptions
from leads.selection.filters import understood


class Command(StartingCommand):
    help = "Enriches the leads of a bucket, oldest first, within its spending limits. Shows the price first."
    example = (
        "python manage.py process_bucket BUCKET --limit 500 --max-cost 25 --guard absenteeOwner=true --wait\n"
        "  python manage.py process_bucket BUCKET --quote-only"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=False, help="Who asks and pays; the bucket must be of their team (its owner)")
        parser.add_argument("--limit", type=int, metavar="N", help="At most N leads (RUN_LIMIT)")
        parser.add_argument("--max-cost", metavar="USD", help="spending limit of this enrichment job, US dollars")
        parser.add_argument("--start-from", metavar="LEAD", help="Only leads after this one: the last job's resumeFrom")
        parser.add_argument("--only-failed", action="store_true", help="The leads that failed, instead of new ones")
        parser.add_argument("--one-lead-per-owner", action="store_true", help="Of each owner the oldest lead alone")
        parser.add_argument("--no-skip-trace", action="store_true", help="Property details only, no contacts")
        parser.add_argument(
            "--guard",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Skip trace only leads whose detail passes this filter: absenteeOwner=true, repeatable",
        )
        parser.add_argument(
            "--canary",
            nargs="?",
            type=int,
            const=SAMPLE,
            metavar="N",
            help=f"Buy a sample of N leads ({SAMPLE}) first, and pause where it disappoints",
        )
        parser.add_argument(
            "--min-hit-rate", type=float, metavar="SHARE", help=f"Of the sample with a phone, 0 to 1 ({HIT_RATE})"
        )
        parser.add_argument(
            "--max-cost-per-lead", metavar="USD", help="Of the sample, on average (the vendors' prices)"
        )
        self.add_starting(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        bucket, asker = row_in_team(Bucket.objects.select_related("owner"), options["bucket"], options)
        asked = RunOptions(
            limit=options["limit"],
            skip_trace=not options["no_skip_trace"],
            start_from=id_of(options["start_from"], "lead") if options["start_from"] is not None else None,
            only_failed=options["only_failed"],
            one_per_owner=options["one_lead_per_owner"],
            guard=understood(texts_of(options["guard"], "--guard")),
            max_cost=dollars(options["max_cost"]) if options["max_cost"] is not None else None,
            canary=_canary(options),
        )
        self.begin(bucket, asker, asked, options)


def _canary(options: dict[str, Any]) -> Canary | None:
    rate, most = options["min_hit_rate"], options["max_cost_per_lead"]
    if options["canary"] is None:
        if rate is not None or most is not None:
            raise CommandError("--min-hit-rate and --max-cost-per-lead are about a sample: give --canary too.")
        return None
    return Canary(
        options["canary"],
        HIT_RATE if rate is None else Decimal(str(rate)),
        None if most is None else dollars(most),
    )
