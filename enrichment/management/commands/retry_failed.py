"""`manage.py retry_failed RUN`: a new run over the leads that failed in one, the price first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands.base import add_user, row_of
from enrichment.management.helpers.runs import StartingCommand
from enrichment.models import Run
from enrichment.services import retry_options


class Command(StartingCommand):
    help = "Tries the leads again that failed in a run, with its options and its cap. Shows the price first."
    example = "python manage.py retry_failed RUN --wait"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="The run's id")
        add_user(parser, required=False, help="Who asks and pays; the run must be theirs (its owner)")
        self.add_starting(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        run = row_of(Run.objects.select_related("owner", "bucket"), options["run"], username=options["user"])
        if run.bucket is None:
            raise CommandError("The bucket of this run is gone.")
        asked = retry_options(run)
        self.begin(run.bucket, run.owner, asked, options)
