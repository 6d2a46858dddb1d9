"""`manage.py enrich_apollo BUCKET`: buys business facts from Apollo for a bucket's leads, the price first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import add_person, row_in_team
from buckets.models import Bucket
from common.commands.base import id_of
from enrichment.management.helpers.runs import StartingCommand, dollars
from enrichment.models import Run
from enrichment.options import RunOptions


class Command(StartingCommand):
    help = "Asks Apollo about the leads of a bucket it has not been asked about. Shows the price first."
    example = "python manage.py enrich_apollo BUCKET --type people --limit 200 --max-cost 5 --wait"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=False, help="Who asks and pays; the bucket must be of their team (its owner)")
        parser.add_argument("--type", choices=["people", "organizations"], default="people", help="Whom to ask about")
        parser.add_argument(
            "--lead", action="append", metavar="LEAD", help="This lead, repeatable; else all not asked yet"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="At most N leads (RUN_LIMIT)")
        parser.add_argument("--max-cost", metavar="USD", help="spending limit of this enrichment job, US dollars")
        parser.add_argument("--no-emails", action="store_true", help="Do not buy personal e-mails")
        parser.add_argument(
            "--reveal-phones",
            action="store_true",
            help="Buy mobiles of people who have no phone: up to 9 credits each; they come minutes later",
        )
        self.add_starting(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        bucket, asker = row_in_team(Bucket.objects.select_related("owner"), options["bucket"], options)
        asked = RunOptions(
            kind=Run.Kind.APOLLO,
            limit=options["limit"],
            lead_ids=[id_of(text, "lead") for text in options["lead"]] if options["lead"] else None,
            max_cost=dollars(options["max_cost"]) if options["max_cost"] is not None else None,
            type=options["type"],
            reveal_emails=not options["no_emails"],
            reveal_phones=options["reveal_phones"],
        )
        self.begin(bucket, asker, asked, options)
