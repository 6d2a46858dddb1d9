"""`manage.py recount_buckets`: proves the counters of buckets, or mends them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from buckets.models import Bucket
from buckets.services import recount
from common.commands.base import ProductCommand, row_of


class Command(ProductCommand):
    help = "Counts the leads of buckets anew and mends the counters that differ."
    example = "python manage.py recount_buckets --check    # changes nothing; status 1 where a counter is wrong"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("buckets", nargs="*", metavar="BUCKET", help="Only these; else all")
        parser.add_argument("--check", action="store_true", help="Mend nothing; exit status 1 where a counter is wrong")

    def handle(self, *_: object, **options: Any) -> None:
        ids = [row_of(Bucket.objects.all(), text).pk for text in options["buckets"]] or None
        wrong = recount(bucket_ids=ids, mend=not options["check"])
        facts = {
            str(bucket): {name: {"stored": stored, "real": real} for name, (stored, real) in counters.items()}
            for bucket, counters in wrong.items()
        }
        lines = [
            f"{bucket}: {name} was {stored:,}, is {real:,}"
            for bucket, counters in wrong.items()
            for name, (stored, real) in counters.items()
        ]
        self.report(
            options, {"wrong": facts, "mended": bool(wrong) and not options["check"]}, lines or ["All correct."]
        )
        if wrong and options["check"]:
            raise CommandError(f"The counters of {len(wrong)} {'bucket' if len(wrong) == 1 else 'buckets'} are wrong.")
