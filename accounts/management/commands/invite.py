"""`manage.py invite EMAIL --by USERNAME`: an invitation's link, printed or mailed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import NotAllowed, own_access
from accounts.invitations import InvitationRefused, MailNotSent, invite, invite_into_new_team
from accounts.models import Role
from common.commands.base import ProductCommand, user_named


class Command(ProductCommand):
    help = "Invites somebody into the team of a manager, or into a new team. The link works once, for 7 days."
    example = "python manage.py invite bea@example.com --by ann --role caller --base-url https://buckets.example.com"
    refusals = (InvitationRefused, NotAllowed, MailNotSent)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="Whom")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="The manager who invites into her own team")
        parser.add_argument("--new-team", metavar="NAME", help="Into a new team of this name (superusers)")
        parser.add_argument("--role", choices=Role.values, default=str(Role.CALLER), help="What they will be (caller)")
        parser.add_argument("--masked", action="store_true", help="Phones and e-mails stay hidden")
        parser.add_argument("--base-url", required=True, metavar="URL", help="Where people open this installation")
        parser.add_argument("--print", action="store_true", help="Print the link instead of mailing it")

    def handle(self, *_args: object, **options: Any) -> None:
        if not options["base_url"].startswith(("https://", "http://")):
            raise CommandError(
                f"--base-url {options['base_url'][:80]!r} is no address, such as https://buckets.example.com."
            )
        by = user_named(options["by"])
        mail, base = not options["print"], options["base_url"].rstrip("/")
        given: dict[str, Any] = {
            "email": options["email"],
            "role": options["role"],
            "is_masked": options["masked"],
            "base_url": base,
            "mail": mail,
        }
        if options["new_team"]:
            made, secret = invite_into_new_team(by=by, name=options["new_team"], **given)
        else:
            made, secret = invite(access=own_access(by), **given)
        link = f"{base}/join/{secret}/"
        facts = {"email": made.email, "team": made.team.name, "role": made.role, "expires_at": made.expires_at}
        line = f"Invitation into {made.team.name} mailed to {made.email}." if mail else link
        self.report(options, facts if mail else facts | {"link": link}, [line])
