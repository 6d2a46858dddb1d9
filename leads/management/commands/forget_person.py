"""`manage.py forget_person --user USERNAME --phone NUMBER`: what forgetting a person would change, and doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands.base import ProductCommand, add_user, user_named
from leads.management.persons import add_person, asked_of
from leads.privacy.forgetting import MayNotForget, Preview, continue_job, forget_person, preview


class Command(ProductCommand):
    help = (
        "Shows what forgetting a person would change; with --yes and --name it is done: their contacts are blanked "
        "everywhere, and never stored again. Houses, co-owners and the bill stay."
    )
    example = 'python manage.py forget_person --user ann --phone "(206) 555-0143" --yes --name "(206) 555-0143"'
    refusals = (MayNotForget,)
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_user(parser, required=True, help="Who forgets: an operator or a superuser")
        add_person(parser)
        parser.add_argument("--yes", action="store_true", help="Forget them now")
        parser.add_argument("--name", default="", help="With --yes: the name again (else the phone, the e-mail)")

    def handle(self, *_: object, **options: Any) -> None:
        user, asked = user_named(options["user"]), asked_of(options)
        seen = preview(by=user, asked=asked)
        if not options["yes"]:
            self.report(options, {"preview": asdict(seen)}, [*in_words(seen), "Nothing was changed: add --yes."])
            return
        if not options["name"]:
            raise CommandError("With --yes, type the name again: --name.")
        job = forget_person(by=user, asked=asked, typed=options["name"])
        while continue_job(job.pk):
            pass
        job.refresh_from_db()
        facts = {"id": job.pk, "status": job.status, "looked_at": job.looked_at, "changed": job.changed}
        changed = sum(job.changed.values())
        end = f"Forgotten. {changed:,} rows changed." if job.status == "completed" else f"Under way. {job.error}"
        self.report(options, facts, [end])


def in_words(seen: Preview) -> list[str]:
    """The preview, a line each."""
    lines = [f"{team}: {leads:,} {'lead' if leads == 1 else 'leads'}" for team, leads in seen.teams]
    lines.append(f"Purchased data: {seen.lookups:,}. Notes of activities: {seen.activities:,}.")
    if seen.several_names:
        lines.append("Several names stand beside it: names stay. Give a name as well to forget one person wholly.")
    if seen.shared:
        lines.append(f"Phones and e-mails that other owners have too, which stay with these: {seen.shared:,}.")
    return lines
