"""`manage.py import_leads FILE`: a CSV of one's own into a bucket. Free."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access
from accounts.management.base import access_named, add_person
from buckets.imports import columns, services
from buckets.imports.preview import Preview
from buckets.imports.reading import Layout, NoSuchHeader, Unreadable, layout_of
from buckets.imports.selectors import failed_lines
from buckets.models import Bucket, Import
from common.commands.base import ProductCommand
from common.commands.progress import LocalWorkers, Tick, follow
from leads.fields.definitions import fields_of
from leads.models import CustomField, StatusLabel
from leads.pipeline.labels import labels_of

NAME_MAX = 200


class Command(ProductCommand):
    writes_leads = True
    help = "Saves the rows of a CSV (addresses or APNs, any column names) as leads of a bucket. Costs nothing."
    example = (
        'python manage.py import_leads list.csv --user ann --bucket "My list" --dry-run\n'
        '  python manage.py import_leads list.csv --user ann --bucket "My list" --map address=Situs --set fips=53033'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="The CSV; its first row names the columns")
        parser.add_argument("--bucket", required=True, metavar="NAME_OR_ID", help="An unknown name makes a new bucket")
        add_person(parser, required=True, help="Who imports, into a bucket of their team")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"Which column, by name or by number from 0, holds a field: {', '.join(columns.FIELDS)}. What is not "
            "said is guessed; FIELD= says that no column holds it",
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE", help="A field that is the same for every row"
        )
        parser.add_argument(
            "--keep-other-columns",
            action="store_true",
            help=f"Leads keep what no field holds, of at most {columns.OTHERS_MOST} columns",
        )
        parser.add_argument(
            "--header-row",
            type=int,
            metavar="N",
            help="The row with the columns' names, from 1 as a spreadsheet counts rows, blank ones too; guessed if not "
            "said. The rows above it are not read",
        )
        parser.add_argument(
            "--update",
            action="store_true",
            help="Rows change the leads that are there already; typed values and do-not-call marks stay",
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what would become of every row; save nothing")
        parser.add_argument("--failed", metavar="FILE", help="Write the rows that cannot be used here, as CSV")

    def handle(self, *_: object, **options: Any) -> None:
        access, path = access_named(options), Path(options["file"])
        bucket = _bucket_of(access, options["bucket"])
        try:
            with path.open("rb") as file:
                layout = layout_of(file, header=options["header_row"])
                own = fields_of(access.team_id)
                guessed, labels = services.guess_columns(file, layout, own), labels_of(access.team_id)
                chosen = _chosen(guessed, layout, options, own, labels)
                if options["dry_run"]:
                    self._tell_preview(options, layout, chosen, self._preview(file, layout, chosen, bucket, options))
                    return
                job = self._upload(access, bucket, options, file, path.name, chosen)
                warnings = services.preview_of(job).warnings
                services.start_import(job=job, by=access.user)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except NoSuchHeader as error:
            raise CommandError(f"--header-row: {error}") from None
        except Unreadable as error:
            raise CommandError(f"{path}: {error}") from None
        self._work(job)
        if options["failed"]:
            _write_failed(job, Path(options["failed"]))
        self._tell(options, job, warnings)

    def _preview(
        self, file: IO[bytes], layout: Layout, chosen: columns.Chosen, bucket: Bucket | None, options: Mapping[str, Any]
    ) -> Preview:
        return services.preview_file(file, layout, chosen, bucket=bucket, update=options["update"])

    def _upload(
        self,
        access: Access,
        bucket: Bucket | None,
        options: Mapping[str, Any],
        file: IO[bytes],
        file_name: str,
        chosen: columns.Chosen,
    ) -> Import:
        how = {"header_row": options["header_row"], "update": options["update"]}
        if bucket is None:
            name = options["bucket"].strip()
            team: dict[str, Any] = {"by": access.user, "team_id": access.team_id}
            job = services.upload_into_new(name=name, file=file, file_name=file_name, **team, **how)
        else:
            job = services.upload(bucket=bucket, file=file, name=file_name, **how)
        return services.choose_columns(
            job=job, mapping=chosen.columns, constants=chosen.constants, keep_others=bool(chosen.others)
        )

    def _work(self, job: Import) -> None:
        def work(stop: threading.Event) -> None:  # killed here, a worker goes on with it
            while services.continue_import(job.pk) and not stop.is_set():
                pass

        with LocalWorkers(work) as local_workers:

            def read() -> Tick:
                local_workers.check()
                job.refresh_from_db()
                over = job.status in (Import.Status.COMPLETED, Import.Status.FAILED, Import.Status.UNDONE)
                return Tick(job.read, job.total, f"{job.new:,} new, {job.failed:,} failed", over)

            follow(read, out=self.stderr, label="Saving rows")
        if job.status != Import.Status.COMPLETED:
            raise CommandError(f"Import {job.pk} has stopped after {job.read:,} rows: {job.error or job.status}")

    def _tell(self, options: Mapping[str, Any], job: Import, warnings: list[str]) -> None:
        bucket = Bucket.objects.get(pk=job.bucket_id)
        totals = {
            "read": job.read,
            "new": job.new,
            "alreadyThere": job.already_there,
            "updated": job.updated,
            "skipped": job.skipped,
            "failed": job.failed,
        }
        facts = {
            "bucket": {"id": bucket.pk, "name": bucket.name, "totalLeads": bucket.total_leads},
            "import": {"id": job.pk, "status": job.status, **totals},
            "warnings": warnings,
        }
        lines = [
            f"Bucket {bucket.pk}: {bucket.total_leads:,} leads",
            f"Import {job.pk}: {job.read:,} rows read = {job.new:,} new + {job.already_there:,} already there"
            f"{f' ({job.updated:,} of them updated)' if job.update else ''} + {job.skipped:,} skipped + "
            f"{job.failed:,} failed",
            *warnings,
        ]
        self.report(options, facts, lines)

    def _tell_preview(self, options: Mapping[str, Any], layout: Layout, chosen: columns.Chosen, seen: Preview) -> None:
        names = {field: layout.columns[index] for field, index in chosen.mapping.items()}
        facts = {
            "dryRun": True,
            "headerRow": layout.header_row,
            "columns": names,
            "rows": seen.rows,
            "usable": seen.usable,
            "skipped": seen.skipped,
            "failed": seen.failed,
            "reasons": dict(seen.reasons),
            "warnings": seen.warnings,
        }
        read = ", ".join(f"{field} from {name or '(no name)'!r}" for field, name in names.items())
        counts = f"{seen.rows:,} rows: {seen.usable:,} usable, {seen.skipped:,} skipped, {seen.failed:,} failed"
        self.report(
            options, facts, [f"Columns (row {layout.header_row}): {read}", counts, *seen.warnings, "Nothing was saved."]
        )


def _bucket_of(access: Access, text: str) -> Bucket | None:
    """The team's bucket of this id, or of this name; None: of this name there is none yet. Raises CommandError."""
    mine, user = Bucket.objects.worked_by(access), access.user
    try:
        by_id = mine.filter(pk=UUID(text)).first()
    except ValueError:
        named = list(mine.filter(name=text.strip())[:2])
        if len(named) > 1:
            raise CommandError(f"{user.username} has two buckets called {text!r}: give the id.") from None
        if not named and not 1 <= len(text.strip()) <= NAME_MAX:
            raise CommandError(f"A bucket's name has 1 to {NAME_MAX} characters.") from None
        return named[0] if named else None
    if by_id is None:
        raise CommandError(f"{user.username} has no bucket {text}.")
    return by_id


def _chosen(
    guessed: Mapping[str, int],
    layout: Layout,
    options: Mapping[str, Any],
    own: Sequence[CustomField],
    labels: Sequence[StatusLabel],
) -> columns.Chosen:
    """What is said on top of what is guessed. Raises BadMapping, which is a ValueError, or CommandError."""
    mapping: dict[str, Any] = dict(guessed)
    constants = dict(_pairs(options["set"], "--set"))
    for field, column in _pairs(options["map"], "--map"):
        by_number = column.isdigit() and column not in layout.columns
        mapping[field] = int(column) if by_number else column or None
    said = {field: column for field, column in mapping.items() if field not in constants}
    others = options["keep_other_columns"]
    return columns.decide(layout.columns, said, constants, keep_others=others, fields=own, labels=labels)


def _pairs(texts: list[str], flag: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        field, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not field:
            raise CommandError(f"{flag} {text[:80]!r}: write it as field=value.")
        pairs.append((field, value))
    return pairs


def _write_failed(job: Import, path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(failed_lines(job))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
