"""`manage.py spend_report`: what a team spent and what came of it; what two buckets share; cost per reachable owner."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access
from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand, id_of
from operations.reports.lists import NoSuchList, overlap, reach_by_list
from operations.reports.span import Span, span_of
from operations.reports.spend import GROUPS, Line, may_see, spend
from operations.reports.told import overlap_facts, reach_facts, report_facts


class Command(ProductCommand):
    help = (
        "Reports what a team spent by vendor, request type, bucket, search, month or day (by the user's clock), with "
        "the phone hit rate and the cost per phone and per conversation. Or, with --reach, the cost per reachable "
        "owner by bucket; with --overlap A B, how many properties and owners two buckets share."
    )
    example = (
        "python manage.py spend_report --user ann --group bucket --from 2026-11-01 --to 2026-11-30\n"
        "  python manage.py spend_report --user ann --reach --json\n"
        "  python manage.py spend_report --user ann --overlap BUCKET BUCKET"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Who asks: the report is of their team, by their clock")
        parser.add_argument("--group", choices=list(GROUPS), default="vendor", help="What a line is of")
        parser.add_argument("--from", dest="first", metavar="DAY", help="The first day; else 90 days up to the last")
        parser.add_argument("--to", dest="last", metavar="DAY", help="The last day; else today")
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--reach", action="store_true", help="Instead: cost per reachable owner by bucket")
        other.add_argument("--overlap", nargs=2, metavar="BUCKET", help="Instead: what these two buckets share")

    def handle(self, *_args: object, **options: Any) -> None:
        person = access_named(options)
        if not may_see(person):
            raise CommandError(f"{person.user} may not look at what the team spends.")
        if options["reach"]:
            self._reach(person, options)
        elif options["overlap"]:
            self._overlap(person, options)
        else:
            self._spend(person, options)

    def _spend(self, person: Access, options: dict[str, Any]) -> None:
        report = spend(person, group=options["group"], span=_span(options))
        lines = [_line(line) for line in (*report.lines, report.total)]
        if report.dropped:
            lines.append(f"${report.dropped:,.2f} more was spent on requests that are no longer kept, in these months.")
        self.report(options, report_facts(report), lines)

    def _reach(self, person: Access, options: dict[str, Any]) -> None:
        rows = reach_by_list(person)
        lines = [
            f"{one.name}: {_money(one.per_owner)} per reachable owner ({one.reachable:,} of {one.leads:,} leads, "
            f"${one.spent:,.2f} spent)"
            for one in rows
        ]
        self.report(options, {"lists": [reach_facts(one) for one in rows]}, lines or ["No bucket has a phone yet."])

    def _overlap(self, person: Access, options: dict[str, Any]) -> None:
        ids = [id_of(text, "bucket") for text in options["overlap"]]
        try:
            found = overlap(person, *ids)
        except NoSuchList as refusal:
            raise CommandError(str(refusal)) from None
        words = f"{found.a.name} and {found.b.name} share {found.properties:,} properties and {found.owners:,} owners."
        self.report(options, overlap_facts(found), [words])


def _span(options: dict[str, Any]) -> Span:
    try:
        first, last = (date.fromisoformat(options[one]) if options[one] else None for one in ("first", "last"))
        return span_of(first, last)
    except ValueError as error:
        raise CommandError(f"Days are such as 2026-11-30: {error}") from None


def _line(line: Line) -> str:
    rate = "" if line.hit_rate is None else f", {100 * line.hit_rate:.0f}% with a phone"
    return (
        f"{line.name}: ${line.spent:,.2f} spent{f', ${line.held:,.2f} held' if line.held else ''}{rate}; "
        f"{line.phones:,} phones, {_money(line.per_phone)} each; {line.conversations:,} conversations, "
        f"{_money(line.per_conversation)} each"
    )


def _money(amount: Any) -> str:
    return "–" if amount is None else f"${amount:,.2f}"
