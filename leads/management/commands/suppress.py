"""`manage.py suppress --phone NUMBER`: nobody here contacts this phone or e-mail any more, for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from leads.models import Suppression
from leads.permission.adding import REASONS, add_suppression
from leads.permission.suppressing import BadSuppression


class Command(ProductCommand):
    help = "Suppresses a phone or an e-mail for the whole installation. Nothing takes it back."
    example = 'python manage.py suppress --user ann --phone "(617) 555-0112" --reason dnc_request'
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Who heard it")
        parser.add_argument("--phone", default="", help="The phone, in any spelling")
        parser.add_argument("--email", default="", help="Instead: the e-mail")
        parser.add_argument("--reason", choices=[*map(str, REASONS)], default="dnc_request", help="Why")
        parser.add_argument("--scope", choices=Suppression.Scope.values, default="any", help="By which channel not")
        parser.add_argument("--words", default="", help="What they said, kept as evidence")

    def handle(self, *_: object, **options: Any) -> None:
        said = {name: options[name] for name in ("phone", "email", "reason", "scope", "words")}
        try:
            done = add_suppression(access=access_named(options), **said)
        except BadSuppression as error:
            raise CommandError(f"--{error.field}: {error}") from None
        others = max(0, len(done.key_ids) - 1)
        lines = [f"Suppressed: {len(done.added)} new" + (f", {others} beside it." if others else ".")]
        self.report(options, {"added": len(done.added)}, lines)
