"""`manage.py drop_audit`: months of the audit that are older than KEEP_AUDIT_DAYS."""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import CommandParser

from common.commands.base import ProductCommand
from operations.audit.months import drop_months


class Command(ProductCommand):
    help = (
        "Deletes the months of the audit log that ended more than KEEP_AUDIT_DAYS ago. Needs the owner of the tables: "
        "OWNER_DATABASE_URL; the application's own database user may not."
    )
    example = "python manage.py drop_audit --dry-run"
    refusals = (psycopg.Error,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would be deleted, and delete nothing")

    def handle(self, *_args: object, **options: Any) -> None:
        days, dry_run = settings.KEEP_AUDIT_DAYS, options["dry_run"]
        months = list(drop_months(days=days, dry_run=dry_run))
        verb = "Would delete" if dry_run else "Deleted"
        lines = [f"{verb} {month}." for month in months] or [f"No month ended more than {days} days ago."]
        facts = [{"table": month.table, "ends": month.ends, "events": month.events} for month in months]
        self.report(options, {"keepDays": days, "dryRun": dry_run, "months": facts}, lines)
