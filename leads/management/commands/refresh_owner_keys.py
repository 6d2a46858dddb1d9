"""`manage.py refresh_owner_keys`: rewrites the keys of owners, phones and e-mails of all leads."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from common.commands.base import ProductCommand
from leads.keys.key_refresh import refresh_piece, start_refresh
from leads.models import KeyRefresh


class Command(ProductCommand):
    writes_leads = True
    help = "Rewrites the keys by which owners, phones and e-mails are known. Stopped, the same command goes on. Free."
    example = "python manage.py refresh_owner_keys"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="Begin with the oldest lead, also where it goes on")

    def handle(self, *_: object, **options: Any) -> None:
        if options["again"] or not KeyRefresh.objects.exists():
            start_refresh()
        leads = 0
        while KeyRefresh.objects.exists():  # a sweep may do a part of it
            leads += refresh_piece() or 0
        self.report(options, {"leads": leads}, [f"{leads:,} leads have their keys."])
