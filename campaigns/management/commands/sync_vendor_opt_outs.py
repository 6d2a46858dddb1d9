from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.base import CommandParser

from campaigns.inbound import polling
from common.commands.base import ProductCommand
from integrations.naming.vendors import title
from integrations.vendors.errors import VendorFailure


class Command(ProductCommand):
    help = "Suppresses who has opted out at the vendor of text messages, and fetches posts that did not arrive here."
    example = "manage.py sync_vendor_opt_outs --days 30"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="How far back to ask; 30")

    def handle(self, *_: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days: Give 1 to 3650.")
        vendors = polling.vendors()
        if not vendors:
            raise CommandError("Nobody carries text messages here: set SMS_VENDOR, its key and its address.")
        for vendor in vendors:
            try:
                added = polling.fetch_opt_outs(vendor, options["days"])
            except VendorFailure as error:
                raise CommandError(f"{title(vendor)}: {error}") from None
            self.stdout.write(f"{title(vendor)}: new opt-outs {added:,}, new posts {polling.fetch(vendor):,}")
