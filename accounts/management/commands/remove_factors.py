"""`manage.py remove_factors USERNAME`: for somebody who has lost their phone and their recovery codes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.sign_in.services import NothingToRemove, remove_factors
from common.commands.base import ProductCommand, user_named


class Command(ProductCommand):
    help = "Removes a user's authenticator app, passkeys, recovery codes and sign-on link, and ends their sessions."
    example = "python manage.py remove_factors ann"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="Whose. Be sure that it is they who ask")

    def handle(self, *_args: object, **options: Any) -> None:
        user = user_named(options["username"])
        try:
            removed = remove_factors(user=user, by=None)
        except NothingToRemove:
            raise CommandError(f"{user} has no second factor.") from None
        facts = {"user": user.get_username(), "removed": removed}
        self.report(options, facts, [f"Removed from {user}: {', '.join(removed)}."])
