"""`manage.py assign_leads BUCKET --user USERNAME --to USERNAME …`: gives leads to the people who work them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Scope
from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand, id_of, texts_of
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.assignment import Place, assign_leads, members_named
from leads.selection.filters import matching


class Command(ProductCommand):
    help = "Gives a bucket's leads to a member of the team, to several in turn, or to nobody. Stopped, run it again."
    example = "python manage.py assign_leads BUCKET --user ann --to bob --to cleo --where assignedTo=none"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=True, help="Who gives them")
        parser.add_argument(
            "--to", action="append", default=[], metavar="USERNAME", help="To whom; several in turn; left out: nobody"
        )
        parser.add_argument(
            "--where", action="append", default=[], metavar="NAME=VALUE", help="Only leads that pass this filter"
        )

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if access.only_assigned or not access.can(Scope.WRITE):
            raise CommandError(f"{access.user} may not give leads away in the team {access.team}.")
        wanted = buckets_of(access).filter(pk=id_of(options["bucket"], "bucket"), team=access.team_id)
        bucket = wanted.first()
        if bucket is None:
            raise CommandError(f"{access.user} has no bucket {options['bucket']}.")
        leads = matching(
            Lead.objects.worked_by(access).filter(bucket=bucket),
            texts_of(options["where"], "--where"),
            time_zone=access.user.time_zone,
            contacts=access.can(Scope.CONTACTS),
            me=access.user.pk,
            team_id=access.team_id,
        )
        people = members_named(access.team_id, options["to"])
        seen, changed, place = 0, Counter[int | None](), Place()
        while True:
            done = assign_leads(leads=leads, to=people, by=access, place=place)
            seen, changed = seen + done.leads, changed + done.changed
            if done.rest is None:
                break
            place = done.rest
        names = {user.pk: user.get_username() for user in people}
        facts = {names[member] if member else "none": count for member, count in changed.items()}
        lines = [f"{count:,} leads to {name}" for name, count in facts.items()] or ["No lead has changed."]
        self.report(options, {"leads": seen, "changed": facts}, lines)
