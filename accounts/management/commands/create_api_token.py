"""`manage.py create_api_token USERNAME`: a token for the HTTP API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.access import NoSuchTeam, Scope
from accounts.services import create_api_token
from accounts.tokens import TokenRefused, TooManyTokens
from common.commands.base import ProductCommand


class Command(ProductCommand):
    help = "Prints a new API token alone on stdout, and makes the user if there is none. It is shown this once."
    example = 'TOKEN=$(python manage.py create_api_token ann)  # then: curl -H "Authorization: Token $TOKEN" …'
    reports = False
    refusals = (TokenRefused, TooManyTokens, NoSuchTeam)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="Whose token")
        parser.add_argument("--days", type=int, help="Days until it expires (TOKEN_DAYS)")
        parser.add_argument("--name", default="Made by a command", help="What it is for")
        parser.add_argument("--team", type=int, metavar="ID", help="In which of the user's teams (her own)")
        parser.add_argument(
            "--scope", action="append", choices=list(Scope), help="What it may do, repeatable (all that the user may)"
        )
        parser.add_argument(
            "--address", action="append", default=[], metavar="IP", help="Where it works from, repeatable (anywhere)"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        user, token, made = create_api_token(
            username=options["username"],
            days=options["days"],
            name=options["name"],
            team_id=options["team"],
            scopes=options["scope"],
            addresses=options["address"],
        )
        if made:
            self.note(f"Made the user {user.get_username()}.")
        self.stdout.write(token)
