"""`manage.py audit_log --since TIME`: the audit's events, for a person or as lines of JSON for a log collector."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import AuditEvent
from common.commands.base import ProductCommand, span_of
from common.dates import moment
from operations.audit.reading import Chosen, events, in_pieces, lines_of, words


class Command(ProductCommand):
    help = (
        "Prints the events of the audit log since a time. With --json-lines one JSON object a line, the oldest first: "
        "a log collector goes on with the time of the last line."
    )
    example = "python manage.py audit_log --json-lines --since 2026-11-29T14:30"
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", required=True, metavar="TIME", help="A day or a time, UTC unless it says")
        parser.add_argument("--json-lines", action="store_true", help="One JSON object a line, the oldest first")
        parser.add_argument("--user", default="", metavar="USERNAME", help="What this person did")

    def handle(self, *_args: object, **options: Any) -> None:
        since, _ = span_of(options["since"])
        rows = events(AuditEvent.objects.all(), Chosen(user=options["user"]))
        if options["json_lines"]:
            for line in lines_of(rows, since):
                self.stdout.write(line)
            return
        for found in in_pieces(events(rows, Chosen(since=since))):
            for event in found:
                what = " ".join(filter(None, (event.kind, event.object_name or event.object_id)))
                who = event.user_name or "the system"
                self.stdout.write(f"{moment(event.at)}  {words(event.action)}  {what}  {who}".rstrip())
