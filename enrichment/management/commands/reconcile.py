"""`manage.py reconcile`: whether ledger, runs, buckets and leads agree."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from config.common.commands import ProductCommand
from enrichment.reconcile import find_drift


class Command(ProductCommand):
    help = "Compares the ledger with runs, buckets and leads. Changes nothing; exit status 1 where they differ."
    example = "python manage.py reconcile --json"

    def handle(self, *args: Any, **options: Any) -> None:
        drift = find_drift()
        self.report(
            options,
            {"agrees": not drift, "drift": [asdict(d) for d in drift]},
            [str(d) for d in drift] or ["Ledger, runs, buckets and leads agree."],
        )
        if drift:
            raise CommandError(f"{len(drift)} {'difference' if len(drift) == 1 else 'differences'}.")
