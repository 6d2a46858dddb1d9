"""`manage.py events --user USERNAME`: what stands in a person's calendar."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from common.dates import moment, use_zone_of
from leads.calendar import clock
from leads.models import Event

DAYS = 7
MOST = 1_000  # rows


class Command(ProductCommand):
    help = "Lists what is planned in a user's calendar, soonest first. Names no owner and no guest."
    example = "python manage.py events --user ann --days 14"

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Whose calendar")
        parser.add_argument("--days", type=int, default=DAYS, help=f"How many days ahead ({DAYS})")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        use_zone_of(access.user)
        until = clock.now() + timedelta(days=max(0, min(options["days"], 731)))
        rows = Event.objects.seen_by(access).filter(owner=access.user, status__in=Event.OPEN, starts_at__lt=until)
        events = list(rows.order_by("starts_at", "pk")[:MOST])
        lines = [f"{moment(one.starts_at)}  {one.pk}  {one.get_kind_display()}" for one in events]
        self.report(options, {"events": [_facts(one) for one in events]}, lines)


def _facts(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "status": event.status,
        "startsAt": event.starts_at,
        "endsAt": event.ends_at,
        "leadId": event.lead_id,
    }
