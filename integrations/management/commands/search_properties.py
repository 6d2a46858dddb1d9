"""`manage.py search_properties`: how many properties a search finds, and the first of their ids. Free."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands.base import ProductCommand, add_criteria, add_user, criteria_of, user_named
from integrations.services import NotNow, count_properties, property_ids
from integrations.vendors.queries import filters

IDS_PER_REQUEST = 10_000  # RealEstateAPI, "ids_only Searches for Credit Optimization"


class Command(ProductCommand):
    writes_leads = True
    help = "Counts the properties a search finds, and lists the first ids. Costs nothing."
    example = "python manage.py search_properties --user ann --where state=WA --where county=King --ids 20"
    refusals = (NotNow,)

    def add_arguments(self, parser: CommandParser) -> None:
        add_user(parser, required=True, help="Who asks, for the audit")
        add_criteria(parser, required=True)
        parser.add_argument(
            "--ids",
            type=int,
            default=0,
            metavar="N",
            help="Print the first N ids, one a line, and nothing else on stdout",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        criteria, wanted = filters(criteria_of(options) or {}), options["ids"]
        if not 0 <= wanted <= IDS_PER_REQUEST:
            raise CommandError(f"--ids takes 0 to {IDS_PER_REQUEST}, not {wanted}: one request brings no more.")
        user = user_named(options["user"])
        count = count_properties(criteria, user_id=user.pk)
        ids = property_ids(criteria, user_id=user.pk).ids[:wanted] if wanted and count else ()
        words = f"{count:,} {'property' if count == 1 else 'properties'}"
        if wanted:
            self.note(words)
        self.report(options, {"criteria": criteria, "count": count, "ids": list(ids)}, ids if wanted else [words])
