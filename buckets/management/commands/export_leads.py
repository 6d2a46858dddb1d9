"""`manage.py export_leads BUCKET`: a bucket's leads as CSV or as an Excel workbook, as the API's export has them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import add_person, row_in_team
from buckets.models import Bucket
from common.commands.base import ProductCommand, texts_of
from leads.models import Lead
from leads.selection.disclosures import Via, export_counted
from leads.selection.export import Format, Layout
from leads.selection.export_columns import CUSTOM, PRESETS, UnknownColumn, check_fields, named
from leads.selection.filters import matching


class Command(ProductCommand):
    help = "Writes the leads of a bucket as CSV or as an Excel workbook, to stdout or to a file."
    example = (
        "python manage.py export_leads BUCKET --where enrichedOnly=true --where propertyState=WA --output leads.csv\n"
        "  python manage.py export_leads BUCKET --where bought=true --columns dialer --output exports/ --format xlsx"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=False, help="Who exports; the bucket must be of their team (its owner)")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Only leads that pass this filter, by the API's names: enrichedOnly=true, estimatedValueMin=300000; "
            "the same choice or text twice: any of them",
        )
        parser.add_argument(
            "--columns",
            default="",
            metavar="NAMES",
            help=f"Which columns, in which order, with commas between: apn,address,phone; {', '.join(PRESETS)} stand "
            f"for the usual ones, {CUSTOM} for the columns of your own files, "
            f"custom.KEY for one of your team's custom fields. All where left out; a wrong name lists "
            "them",
        )
        parser.add_argument(
            "--format",
            choices=[one.value for one in Format],
            help="By the output's name where left out: .xlsx is a workbook, all else CSV",
        )
        parser.add_argument("--no-bom", action="store_true", help="A CSV without the byte order mark that Excel needs")
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="The file to write; it replaces an older one when complete. A directory: the file in it is called "
            "by the bucket's name",
        )

    def handle(self, *_: object, **options: Any) -> None:
        bucket, asker = row_in_team(Bucket.objects.select_related("owner"), options["bucket"], options)
        wanted = texts_of(options["where"], "--where")
        leads = matching(
            Lead.objects.filter(bucket=bucket),
            wanted,
            time_zone=asker.time_zone,
            contacts=True,
            me=asker.pk,
            team_id=bucket.team_id,
        )
        if options["json"] and not options["output"]:
            raise CommandError("--json goes with --output: stdout is the file's.")
        layout = _layout(options, bucket)
        pieces = export_counted(leads, by=asker, via=Via.COMMAND, bucket_id=bucket.pk, layout=layout, filters=wanted)
        with closing(pieces):  # also where its reader goes away
            if not options["output"]:
                self._print(pieces)
                return
            file = _file(options["output"], layout, bucket)
            count = _write(pieces, file)
        facts = {"bucketId": bucket.pk, "leads": count, "file": str(file)}
        self.report(options, facts, [f"{count:,} {'lead' if count == 1 else 'leads'} in {file}"])

    def _print(self, pieces: Iterable[tuple[bytes, int]]) -> None:
        buffer = getattr(self.stdout, "buffer", None)  # bytes; a stdout that is not the shell's takes text only
        for piece, _ in pieces:
            if buffer is None:
                self.stdout.write(piece.decode(), ending="")
            else:
                buffer.write(piece)


def _layout(options: Mapping[str, Any], bucket: Bucket) -> Layout:
    try:
        columns = named(name.strip() for name in options["columns"].split(",") if name.strip())
        check_fields(columns, bucket.team_id)
    except UnknownColumn as error:
        raise CommandError(f"--columns: {error}") from None
    by_name = "xlsx" if (options["output"] or "").lower().endswith(".xlsx") else "csv"
    layout = Layout(columns, Format(options["format"] or by_name), not options["no_bom"], bucket.owner.time_zone)
    if layout.format is Format.XLSX and not options["output"]:
        raise CommandError("--format xlsx goes with --output: a workbook is no text for stdout.")
    return layout


def _file(output: str, layout: Layout, bucket: Bucket) -> Path:
    """The file to write: of the bucket's name where a directory is named."""
    path = Path(output)
    return path / layout.file_name(bucket.name) if path.is_dir() or output.endswith(os.sep) else path


def _write(pieces: Iterable[tuple[bytes, int]], path: Path) -> int:
    """Writes the file beside its place, for its owner's eyes only, and puts it there when it is complete.

    Returns how many leads are in it.
    """
    count = 0
    part = path.with_name(f"{path.name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece, brought in pieces:
                file.write(piece)
                count += brought
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError(f"{path}: {error.strerror}") from None
    return count
