"""`manage.py export_leads BUCKET`: a bucket's leads as CSV, with the columns of the API's export."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from buckets.models import Bucket
from common.commands.base import ProductCommand, add_user, row_of, texts_of
from leads.models import Disclosure, Lead
from leads.selection.disclosures import export_counted
from leads.selection.filters import matching


class Command(ProductCommand):
    help = "Writes the leads of a bucket as CSV, to stdout or to a file."
    example = (
        "python manage.py export_leads BUCKET --where enrichedOnly=true --where propertyState=WA --output leads.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_user(parser, required=False, help="The bucket must be theirs")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Only leads that pass this filter, by the API's names: enrichedOnly=true, estimatedValueMin=300000; "
            "the same choice or text twice: any of them",
        )
        parser.add_argument(
            "--output", metavar="FILE", help="The file to write; it replaces an older one when complete"
        )

    def handle(self, *_: object, **options: Any) -> None:
        bucket = row_of(Bucket.objects.select_related("owner"), options["bucket"], username=options["user"])
        wanted = texts_of(options["where"], "--where")
        leads = matching(Lead.objects.filter(bucket=bucket), wanted, time_zone=bucket.owner.time_zone)
        if options["json"] and not options["output"]:
            raise CommandError("--json goes with --output: stdout is the CSV's.")
        pieces = export_counted(leads, by=bucket.owner, via=Disclosure.Via.COMMAND, bucket_id=bucket.pk)
        with closing(pieces):  # also where its reader goes away
            if not options["output"]:
                self._print(pieces)
                return
            count = _write(pieces, Path(options["output"]))
        facts = {"bucketId": bucket.pk, "leads": count, "file": options["output"]}
        self.report(options, facts, [f"{count:,} {'lead' if count == 1 else 'leads'} in {options['output']}"])

    def _print(self, pieces: Iterable[tuple[bytes, int]]) -> None:
        buffer = getattr(self.stdout, "buffer", None)  # bytes; a stdout that is not the shell's takes text only
        for piece, _ in pieces:
            if buffer is None:
                self.stdout.write(piece.decode(), ending="")
            else:
                buffer.write(piece)


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
