"""`manage.py up`: the whole product on this machine, against made-up vendors, and no job."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandParser

from config.common.commands import ProductCommand
from config.local.arguments import add_stack_arguments, options_of
from config.local.process import LocalError
from config.local.stack import Stack, interruptible


class Command(ProductCommand):
    help = "Starts servers, made-up vendors, web, worker and beat, and stays until Ctrl-C."
    example = "PORT=8080 python manage.py up --parcels king_county_sales.csv"
    refusals = (LocalError,)
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_stack_arguments(parser, port=os.environ.get("PORT", "8000"))

    def handle(self, *args: Any, **options: Any) -> None:
        with interruptible(), Stack(options_of(options)) as stack:
            for line in where_to_look(stack):
                self.stdout.write(line)
            try:
                stack.watch()
            except KeyboardInterrupt:
                self.stdout.write("\nStopping.")


def where_to_look(stack: Stack) -> list[str]:
    """What a person may open now."""
    return [
        f"Ready:   {stack.web_url}/admin/   {stack.web_url}/api/docs",
        f"Vendors: {stack.sandbox_url}/sandbox/ledger (made up; what they would have billed)",
        f"Logs:    {stack.logs}/*.log",
        "A token: .venv/bin/python manage.py create_api_token alice   An admin: … manage.py createsuperuser",
        "Ctrl-C stops everything.",
    ]
