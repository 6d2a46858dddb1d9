"""`manage.py person_report --user USERNAME --phone NUMBER`: everything known of one person."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.access import own_access
from accounts.management.base import access_named, team_named
from accounts.management.base import add_person as add_asker
from accounts.models import User
from common.commands.base import ProductCommand, user_named
from leads.management.persons import add_person, asked_of
from leads.privacy.finding import EVERYWHERE
from leads.privacy.reporting import MayNotReport, in_lines, person_report


class Command(ProductCommand):
    help = (
        "Shows everything known of one person: leads, activities, purchased data, files, and who was shown them. It "
        "looks through every place to its end, which may take minutes. The audit log keeps the asking."
    )
    example = "python manage.py person_report --user ann --email ann@example.com --json"
    refusals = (MayNotReport,)

    def add_arguments(self, parser: CommandParser) -> None:
        add_asker(parser, required=True, help="Who asks: a superuser, or a manager for her own team")
        add_person(parser)

    def handle(self, *_: object, **options: Any) -> None:
        """A superuser without --team asks for all teams."""
        user: User = user_named(options["user"])
        asked = asked_of(options)
        if user.is_superuser:
            within = EVERYWHERE if options["team"] is None else team_named(options["team"]).pk
            report = person_report(access=own_access(user), asked=asked, within=within, seconds=None)
        else:
            access = access_named(options)
            report = person_report(access=access, asked=asked, within=access.team_id, seconds=None)
        self.report(options, report, in_lines(report))
