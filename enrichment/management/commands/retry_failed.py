"""`manage.py retry_failed RUN`: a new run over the leads that failed in one, the price first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands.base import add_user, row_of
from enrichment.management.helpers.runs import StartingCommand
from enrichment.models import Run
from enrichment.services import retry_options


class Command(StartingCommand):
    help = "Retries the failed leads of an enrichment job, with its options and spending limit. Shows the price first."
    example = "python manage.py retry_failed RUN --wait"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="The id of the enrichment job")
        add_user(parser, required=False, help="Who asks and pays; the job must be theirs (its owner)")
        self.add_starting(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        run = row_of(Run.objects.select_related("owner", "bucket"), options["run"], username=options["user"])
        if run.bucket is None:
            raise CommandError("The bucket of this enrichment job was deleted.")
        asked = retry_options(run)
        self.begin(run.bucket, run.owner, asked, options)
