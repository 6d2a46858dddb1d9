"""`manage.py apply_retention --dry-run`: what was kept long enough, and dropping it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from common.commands.base import ProductCommand
from operations import retention


class Command(ProductCommand):
    help = (
        "Drops what was kept longer than KEEP_LOOKUP_DAYS, KEEP_RAW_DAYS, KEEP_INBOUND_DAYS, KEEP_TOUCHES_DAYS, "
        "KEEP_GUESTS_DAYS, KEEP_NOTIFICATIONS_DAYS, KEEP_FAILED_ROWS_DAYS, KEEP_UPLOADS_DAYS and "
        "KEEP_CALLS_DAYS say; empty or 0 keeps. Done every night. Purchased data that is dropped is bought again."
    )
    example = "python manage.py apply_retention --dry-run"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say how many rows are due")

    def handle(self, *_: object, **options: Any) -> None:
        kept = [rule.kind for rule in retention.RULES if not rule.days]
        rows = Counter(retention.due() if options["dry_run"] else {})
        if not options["dry_run"]:
            while retention.apply(after_piece=lambda kind, dropped: rows.update({kind: dropped})):
                pass
        word = "due" if options["dry_run"] else "dropped"
        lines = [f"{kind}: {count:,} {word}" for kind, count in rows.items()]
        lines += [f"{kind}: kept" for kind in kept]
        self.report(options, {"dryRun": options["dry_run"], "rows": dict(rows), "kept": kept}, lines)
