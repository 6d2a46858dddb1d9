"""`manage.py create_api_token USERNAME`: a token for the HTTP API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.services import create_api_token
from common.commands.base import ProductCommand

MAX_DAYS = 3650  # ten years: longer is a slip of the finger


class Command(ProductCommand):
    help = "Prints a new API token alone on stdout, and makes the user if there is none. It is shown this once."
    example = 'TOKEN=$(python manage.py create_api_token ann)  # then: curl -H "Authorization: Token $TOKEN" …'
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="Whose token")
        parser.add_argument("--days", type=int, help="Days until it expires (TOKEN_DAYS)")

    def handle(self, *_args: object, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= MAX_DAYS:
            raise ValueError(f"A token lives from 1 to {MAX_DAYS} days, not {options['days']}.")
        user, token, made = create_api_token(username=options["username"], days=options["days"])
        if made:
            self.note(f"Made the user {user.get_username()}.")
        self.stdout.write(token)
