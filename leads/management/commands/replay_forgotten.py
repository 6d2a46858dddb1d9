"""`manage.py replay_forgotten --file FILE`: after a restore, forgets again whom the list has and the backup had not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from common.commands.base import ProductCommand
from leads.models import Forgetting
from leads.privacy.forgetting import continue_job, replay
from leads.privacy.listing import read


class Command(ProductCommand):
    help = "After a restore: forgets again everybody on the forgotten list whom the backup still knew."
    example = "python manage.py replay_forgotten --file kept/forgotten.jsonl"
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", default="", metavar="FILE", help="The list; without it FORGOTTEN_FILE")

    def handle(self, *_: object, **options: Any) -> None:
        path = Path(options["file"] or settings.FORGOTTEN_FILE)
        try:
            listed = read(path)
            job = replay(listed.lines)
        except FileNotFoundError:
            if options["file"]:
                raise CommandError(f"There is no file {options['file'][:200]}.") from None
            self.report(options, {"replayed": False}, ["Nobody was ever forgotten: there is no list."])
            return
        except OSError as error:
            raise CommandError(
                f"The list cannot be read, or FORGOTTEN_FILE not be written: {type(error).__name__}."
            ) from error
        self._forget(job, options)
        if listed.broken:
            raise CommandError(f"{_in_words(listed.broken)} in {path.name[:100]}: look for whom it forgot.")

    def _forget(self, job: Forgetting | None, options: dict[str, Any]) -> None:
        if job is None:
            self.report(options, {"replayed": False}, ["Everybody on the list is forgotten here."])
            return
        while continue_job(job.pk):
            pass
        job.refresh_from_db()
        facts = {"replayed": True, "status": job.status, "looked_at": job.looked_at, "changed": job.changed}
        self.report(options, facts, [f"Replayed. {sum(job.changed.values()):,} rows changed."])
        if job.status != "completed":
            raise CommandError(f"It is under way; workers go on with it. {job.error}")


def _in_words(broken: list[int]) -> str:
    """Of lines that are none: the first few by number."""
    numbers = ", ".join(f"{number:,}" for number in broken[:5])
    more = f" and {len(broken) - 5:,} more" if len(broken) > 5 else ""
    return f"Line {numbers}{more} cannot be read" if len(broken) == 1 else f"Lines {numbers}{more} cannot be read"
