"""`manage.py refresh_names`: brings what properties are called up to date, after the rules for it changed."""

from __future__ import annotations

from typing import Any

from common.commands.base import ProductCommand
from leads.facts.refreshing import refresh_names


class Command(ProductCommand):
    writes_leads = True
    help = "Brings the names that properties and leads are found by up to date. `migrate` does it too; safe to repeat."
    example = "python manage.py refresh_names"

    def handle(self, *_: object, **options: Any) -> None:
        batches = refresh_names()
        lines = [f"{of}: {count:,} batches" for of, count in batches.items() if count]
        self.report(options, {"batches": batches}, lines or ["All names are up to date."])
