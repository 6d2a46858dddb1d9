"""What the commands share that bring a list of numbers: upload, preview, start, follow, tell."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from common.commands.progress import LocalWorkers, Tick, follow
from common.files.table import Unreadable
from leads.models import Upload
from leads.permission import importing
from leads.permission.importing import BadUpload, MayNot, NotAtThisStage
from leads.permission.refusals import refused_lines
from leads.permission.selling import active_seller


class ListCommand(ProductCommand):
    """Of one kind of list. `options_of` gives what is said of it, as `importing.upload` takes it."""

    kind = ""
    refusals = (MayNot, NotAtThisStage)
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="A CSV or a list of numbers, of any delimiter and encoding")
        add_person(parser, required=True, help="Who brings it, for their team")
        parser.add_argument(
            "--column", metavar="NAME", help="Which column holds the phones or e-mails; found if not said"
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what it concerns; write nothing")
        parser.add_argument("--refused", metavar="FILE", help="Write the rows that are not used here: line and reason")
        self.add_more(parser)

    def add_more(self, parser: CommandParser) -> None:
        """Arguments of this kind of list."""

    def options_of(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of this kind of list, by the names of the API."""
        raise NotImplementedError

    def handle(self, *_: object, **options: Any) -> None:
        access, path = access_named(options), Path(options["file"])
        if access.team_id is None or not importing.may_upload(access, self.kind):
            raise CommandError(f"{access.user} is no manager of the team: only one may bring such a file.")
        said = {name: value for name, value in self.options_of(options).items() if value is not None}
        if self.kind != Upload.Kind.SUPPRESSIONS and (seller := active_seller(access.team_id)):
            said["seller"] = seller.pk
        try:
            with path.open("rb") as file:
                job = importing.upload(
                    kind=self.kind, team_id=access.team_id, by=access.user, file=file, name=path.name,
                    options={**said, "contacts": options["column"]},
                )  # fmt: skip
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except Unreadable as error:
            raise CommandError(f"{path}: {error}") from None
        except BadUpload as error:
            raise CommandError(f"{error.field}: {error}") from None
        self._work(job, until=Upload.Status.PREVIEWED, label="Reading rows")
        if options["dry_run"]:
            self.report(options, self._facts(job), [*self._preview(job), "Nothing was written."])
            return
        self.stderr.write("\n".join(self._preview(job)))
        importing.start_upload(upload=job, by=access.user)
        self._work(job, until=Upload.Status.COMPLETED, label="Writing rows")
        if options["refused"]:
            _write(job, Path(options["refused"]))
        line = (
            f"{job.file_name}: {job.rows:,} rows = {job.added:,} added + {job.known:,} known + {job.refused:,} refused"
        )
        self.report(options, self._facts(job), [line])

    def _work(self, job: Upload, *, until: str, label: str) -> None:
        def work(stop: threading.Event) -> None:  # killed here, a worker goes on with it
            while importing.continue_upload(job.pk) and not stop.is_set():
                pass

        if job.status != until:
            with LocalWorkers(work) as local_workers:

                def read() -> Tick:
                    local_workers.check()
                    job.refresh_from_db()
                    over = job.status in (until, Upload.Status.FAILED)
                    return Tick(job.after, job.rows, f"{job.added:,} added, {job.refused:,} refused", over)

                follow(read, out=self.stderr, label=label)
        if job.status != until:
            raise CommandError(f"{job.file_name} has stopped after {job.after:,} rows: {job.error or job.status}")

    def _preview(self, job: Upload) -> list[str]:
        examples = ", ".join(job.options.get("examples", ())) or "none"
        lines = [f"{job.rows:,} rows, {job.refused:,} of them cannot be read. Examples: {examples}."]
        if self.kind == Upload.Kind.SUPPRESSIONS:
            lines.append(f"It concerns {job.hits:,} of {job.leads:,} leads.")
        return lines

    def _facts(self, job: Upload) -> dict[str, Any]:
        names = ("rows", "added", "known", "refused", "hits", "leads", "status")
        return {"id": job.pk, **{name: getattr(job, name) for name in names}}


def _write(job: Upload, path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(refused_lines(job))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
