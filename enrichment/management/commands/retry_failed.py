"""`manage.py retry_failed RUN`: a new run over the leads that failed in one, the price first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import add_person, row_in_team
from enrichment.management.helpers.runs import StartingCommand
from enrichment.models import Run
from enrichment.services import retry_options


class Command(StartingCommand):
    help = "Retries the failed leads of an enrichment job, with its options and spending limit. Shows the price first."
    example = "python manage.py retry_failed RUN --wait"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="The id of the enrichment job")
        add_person(parser, required=False, help="Who asks and pays; the job must be of their team (its owner)")
        self.add_starting(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        run, asker = row_in_team(Run.objects.select_related("owner", "bucket"), options["run"], options)
        if run.bucket is None:
            raise CommandError("The bucket of this enrichment job was deleted.")
        asked = retry_options(run)
        self.begin(run.bucket, asker, asked, options)
