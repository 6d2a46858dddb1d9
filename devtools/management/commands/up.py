"""`manage.py up`: the whole product on this machine, and no job."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from common.commands.base import ProductCommand
from devtools.arguments import add_stack_arguments, options_of
from devtools.mode import Mode, first_line, keys_set
from devtools.process import LocalError
from devtools.stack import Stack, interruptible


class Command(ProductCommand):
    help = (
        "Starts servers, web, worker and beat, and stays until Ctrl-C. Asks the vendors whose keys are set; "
        "where none is, or with --sandbox, made-up ones."
    )
    example = "PORT=8080 python manage.py up --sandbox --parcels king_county_sales.csv"
    refusals = (LocalError,)
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_stack_arguments(parser, port=os.environ.get("PORT", "8000"))

    def handle(self, *_args: object, **options: Any) -> None:
        mode = Mode.SANDBOX if options["sandbox"] or not keys_set(os.environ) else Mode.REAL
        asked = options_of(options, mode)
        with interruptible():
            self.stdout.write(first_line(mode, settings.VENDORS))
            with Stack(asked) as stack:
                self._stay(stack)

    def _stay(self, stack: Stack) -> None:
        for line in where_to_look(stack):
            self.stdout.write(line)
        try:
            stack.watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")


def where_to_look(stack: Stack) -> list[str]:
    """What a person may open now."""
    vendors = f"{stack.sandbox_url}/sandbox/ledger (made up; what they would have billed)"
    if stack.options.mode == Mode.REAL:
        vendors = f"{stack.web_url}/admin/integrations/vendor/ (real; what they sell costs money)"
    return [
        f"Ready:   {stack.web_url}/admin/   {stack.web_url}/api/docs",
        f"Vendors: {vendors}",
        f"Logs:    {stack.logs}/*.log",
        "A token: .venv/bin/python manage.py create_api_token alice   An admin: … manage.py createsuperuser",
        "Ctrl-C stops everything.",
    ]
