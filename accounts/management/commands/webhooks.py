"""`manage.py webhooks list|add|test|replay`: a team's webhooks, from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access, NoSuchTeam, Scope, access_of, own_access
from accounts.models import User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks import services
from accounts.webhooks.selectors import webhooks_of
from common.commands.base import ProductCommand, add_user, id_of, row_of, span_of, user_named


class Command(ProductCommand):
    help = "Lists a team's webhooks, adds one, sends it a test event, or sends again what failed."
    example = (
        "python manage.py webhooks list --user ann\n"
        "  python manage.py webhooks add https://example.com/hooks --event run.completed --user ann    # prints the "
        "secret\n"
        "  python manage.py webhooks test WEBHOOK --user ann\n"
        "  python manage.py webhooks replay WEBHOOK --since 2026-11-29 --user ann    # or --delivery ID"
    )
    refusals = (services.WebhookRefused,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=("list", "add", "test", "replay"))
        parser.add_argument("which", nargs="?", metavar="WEBHOOK", help="Its id; add: its URL")
        parser.add_argument("--event", action="append", default=[], metavar="EVENT", help="add: repeatable")
        parser.add_argument("--since", metavar="TIME", help="replay: only what happened since")
        parser.add_argument("--delivery", metavar="ID", help="replay: this one alone")
        parser.add_argument("--team", type=int, metavar="ID", help="In which team; else in the only one, or their own")
        add_user(parser, required=True, help="Who does it: a manager of the team")

    def handle(self, *_args: object, **options: Any) -> None:
        access = _manager(options)
        if options["act"] == "list":
            self._list(options, access)
            return
        if options["which"] is None:
            raise CommandError(f"webhooks {options['act']} needs {'a URL' if options['act'] == 'add' else 'its id'}.")
        if options["act"] == "add":
            team_id: Any = access.team_id
            made, secret = services.create_endpoint(
                by=access.user, team_id=team_id, url=options["which"], events=options["event"]
            )
            self.report(options, {**_facts(made), "secret": secret}, [f"Added {made.pk}.", f"Secret: {secret}"])
            return
        webhook = row_of(webhooks_of(access), options["which"])
        if options["act"] == "test":
            sent = services.send_test(endpoint=webhook)
            self.report(options, {"delivery": sent.pk}, [f"A test event is on its way: {sent.pk}."])
            return
        delivery = id_of(options["delivery"], "delivery") if options["delivery"] else None
        since = span_of(options["since"])[0] if options["since"] else None
        count = services.replay(endpoint=webhook, delivery_id=delivery, since=since)
        self.report(options, {"queued": count}, [f"{count:,} to be sent again."])

    def _list(self, options: dict[str, Any], access: Access) -> None:
        rows = list(webhooks_of(access))
        lines = [f"{row.pk}  {'on ' if row.is_on else 'off'}  {row.url}  {' '.join(row.events)}" for row in rows]
        self.report(options, {"webhooks": [_facts(row) for row in rows]}, lines or ["No webhooks."])


def _manager(options: dict[str, Any]) -> Access:
    user: User = user_named(options["user"])
    try:
        access = access_of(user, options["team"]) if options["team"] is not None else own_access(user)
    except NoSuchTeam:
        raise CommandError(f"{user} is not in the team {options['team']}.") from None
    if not access.can(Scope.MANAGE):
        raise CommandError(f"{user} does not manage this team.")
    return access


def _facts(webhook: WebhookEndpoint) -> dict[str, Any]:
    waiting = WebhookDelivery.objects.filter(endpoint=webhook, status=WebhookDelivery.Status.QUEUED)
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "isOn": webhook.is_on,
        "reason": webhook.reason,
        "waiting": waiting[:1000].count(),
    }
