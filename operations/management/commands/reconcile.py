"""`manage.py reconcile`: whether ledger, runs, buckets and leads agree, and what the vendors themselves say."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common import dates
from common.commands.base import ProductCommand
from common.db.clock import database_now
from integrations.operating import books, doubts, vendors
from integrations.operating.books import CreditsCompared, DayOfBooks
from operations.reconcile import find_drift


class Command(ProductCommand):
    help = (
        "Compares the ledger with runs, buckets and leads, and shows it beside what vendors say: their claims above "
        "the price list, uploaded bills by day, Apollo's own count of credits (asked for free). Changes nothing; exit "
        "status 1 where ledger, runs, buckets and leads differ."
    )
    example = "python manage.py reconcile --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=books.DAYS_SHOWN, metavar="N", help="Bills and claims of the last N days"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        if not 1 <= options["days"] <= 3660:
            raise CommandError("--days takes 1 to 3660.")
        drift = find_drift()
        since = database_now().date() - timedelta(days=options["days"])
        days = [day for name in sorted(vendors.names()) for day in books.days_of(name, since=since)]
        credits = books.apollo_credits()
        facts = {
            "agrees": not drift,
            "drift": [asdict(d) for d in drift],
            "needBillingCheck": [
                {"vendor": one.vendor, "phones": one.phones, **asdict(one.tally)} for one in doubts.waiting()
            ],
            "days": [_day_facts(day) for day in days],
            "apolloCredits": _credit_facts(credits),
        }
        lines = [str(d) for d in drift] or ["Ledger, runs, buckets and leads agree."]
        self.report(options, facts, [*lines, *_doubt_lines(), *_day_lines(days), credits.in_words])
        if drift:
            raise CommandError(f"{len(drift)} {'difference' if len(drift) == 1 else 'differences'}.")


def _doubt_lines() -> list[str]:
    lines = []
    for one in doubts.waiting():
        single, many = ("phone delivery", "phone deliveries") if one.phones else ("request", "requests")
        count = one.tally.requests
        needs = f"1 {single} needs" if count == 1 else f"{count:,} {many} need"
        lines.append(f"{one.vendor}: {needs} a billing check, ${one.tally.held:,.2f} held.")
    return lines


def _day_lines(days: list[DayOfBooks]) -> list[str]:
    """Days with a bill or a claim above the list; what only we know of agrees with itself."""
    lines = []
    for day in days:
        which = f"{day.vendor}, {dates.day(day.day)}"
        if day.excess:
            lines.append(f"{which}: its own count is ${day.excess:,.2f} above the price list.")
        if day.billed is not None:
            held = f" and ${day.held:,.2f} held" if day.held else ""
            lines.append(f"{which}: billed ${day.billed:,.2f}, our books ${day.spent:,.2f}{held}: {day.in_words}.")
    return lines


def _day_facts(day: DayOfBooks) -> dict[str, Any]:
    return {
        "vendor": day.vendor,
        "day": day.day,
        "spent": day.spent,
        "units": day.units,
        "held": day.held,
        "excess": day.excess,
        "billed": day.billed,
        "billedUnits": day.billed_units,
        "difference": day.difference if day.billed is not None else None,
    }


def _credit_facts(credits: CreditsCompared) -> dict[str, Any]:
    if credits.reason:
        return {"reason": credits.reason}
    return {
        "begins": credits.begins,
        "ends": credits.ends,
        "theirs": credits.theirs,
        "ours": credits.ours,
        "held": credits.held,
        "difference": credits.difference,
        "counters": dict(credits.counters),
    }
