"""`manage.py reconcile_messages`: text messages of which nobody knows whether they left."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.models import Delivery
from campaigns.sending.doubts import NotInDoubt, resolve
from campaigns.sending.reconciling import reconcile
from common.commands.base import ProductCommand, add_user, row_of, user_named


class Command(ProductCommand):
    help = (
        "Asks the vendors about text messages that need a check, and lists those that still do. With an id: decides "
        "one by what a person has found out. No message is ever sent again by that."
    )
    example = (
        "python manage.py reconcile_messages\n"
        "  python manage.py reconcile_messages MESSAGE --sent --user ann        # it was sent, and billed\n"
        "  python manage.py reconcile_messages MESSAGE --not-sent --user ann    # it was not: the money comes back"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("message", nargs="?", metavar="MESSAGE", help="The id of what needs a check")
        answer = parser.add_mutually_exclusive_group()
        answer.add_argument("--sent", action="store_true", help="It was sent")
        answer.add_argument("--not-sent", action="store_true", help="It was not sent")
        parser.add_argument("--reason", default="", metavar="WORDS", help="Why; kept with the decision")
        add_user(parser, required=False, help="Who decides: may change vendors; kept with the decision")

    def handle(self, *_args: object, **options: Any) -> None:
        decides = options["sent"] or options["not_sent"]
        if options["message"] is None:
            if decides:
                raise CommandError("Which message? Give its id (reconcile_messages lists them).")
            known = reconcile(piece=10_000)
            left = Delivery.objects.filter(state=Delivery.State.IN_DOUBT).order_by("pk")
            rows = [f"{row.pk}  {row.vendor}  {row.intended_at:%Y-%m-%d %H:%M}" for row in left[:100]]
            facts = {"known": known, "left": left.count()}
            self.report(options, facts, [f"{known} are known now, {left.count()} need a check.", *rows])
            return
        if not decides:
            raise CommandError("Say --sent or --not-sent.")
        by = user_named(options["user"]) if options["user"] else None
        if by is not None and not by.has_perm("integrations.change_vendor"):
            raise CommandError(f"{by} may not change vendors.")
        row = row_of(Delivery.objects.all(), options["message"])
        try:
            row = resolve(delivery_id=row.pk, was_sent=options["sent"], by=by, reason=options["reason"])
        except NotInDoubt as error:
            raise CommandError(f"Message {row.pk} needs no check: it is {row.get_state_display().lower()}.") from error
        self.report(options, {"id": row.pk, "state": row.state}, [f"Message {row.pk}: {row.get_state_display()}."])
