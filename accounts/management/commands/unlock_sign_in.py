"""`manage.py unlock_sign_in [USERNAME] [--address IP]`: lets them try again at once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_ipv46_address

from accounts.sign_in.limits import held_now, unlock
from common.commands.base import ProductCommand


class Command(ProductCommand):
    help = "Forgets failed sign-ins of a user name, an address, or both together; without either, lists what is locked."
    example = "python manage.py unlock_sign_in ann\n  python manage.py unlock_sign_in --address 203.0.113.7"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default="", metavar="USERNAME", help="Whose")
        parser.add_argument("--address", default="", metavar="IP", help="From which address")

    def handle(self, *_args: object, **options: Any) -> None:
        name, address = options["username"], options["address"]
        if not name and not address:
            held = [{"name": row.name, "address": row.address, "failures": row.failures} for row in held_now()]
            lines = [f"{row}: {row.failures} failures" for row in held_now()] or ["Nothing is locked."]
            self.report(options, {"locked": held}, lines)
            return
        if address:
            try:
                validate_ipv46_address(address)
            except ValidationError:
                raise CommandError(f"{address[:50]!r} is no address, such as 203.0.113.7.") from None
        ended = unlock(by=None, name=name, address=address)
        self.report(options, {"unlocked": ended}, [f"Unlocked: {ended} lock{'s' * (ended != 1)} ended."])
