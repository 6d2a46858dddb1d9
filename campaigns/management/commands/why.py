"""`manage.py why LEAD CHANNEL`: may this lead's owner be contacted, and what does each rule say?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import add_person, row_in_team
from campaigns import clock
from campaigns.gate.contact import may_contact
from campaigns.gate.lead import ALL, moment_asked
from campaigns.gate.words import CHANNELS, headline, sentence
from common.commands.base import ProductCommand
from common.dates import moment, use_zone_of
from leads.models import Lead
from leads.rules import moment_of

PURPOSES = ("manual", "campaign", "reply", "confirm")


class Command(ProductCommand):
    help = (
        "Says whether a lead's owner may be contacted at its best phone or its e-mail, and what each rule says. "
        "Nothing is sent and nothing is recorded."
    )
    example = "python manage.py why LEAD call --at 2026-12-01T18:30 --user ann"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lead", metavar="LEAD", help="The id of the lead")
        parser.add_argument("channel", choices=ALL, help="By which channel")
        parser.add_argument("--at", metavar="TIME", help="For which moment, by the user's clock; without it: now")
        parser.add_argument("--purpose", choices=PURPOSES, default="manual", help="What for (manual)")
        add_person(parser, required=False, help="Who asks; the lead must be of their team (its owner)")

    def handle(self, *_: object, **options: Any) -> None:
        lead, asker = row_in_team(Lead.objects.select_related("owner"), options["lead"], options)
        use_zone_of(asker)
        at = _moment(options["at"], asker.time_zone) if options["at"] else clock.now()
        asked = may_contact(lead.pk, options["channel"], by=asker, purpose=options["purpose"], at=at, record=False)
        decision, channel = asked.decision, options["channel"]
        said = headline(decision.verdict, decision.first, decision.again_at)
        lines = [
            f"{CHANNELS[channel]} {lead} at {moment(at)}? {said}",
            *(
                f"  {answer.verdict:5}  {answer.code}"
                + ("" if answer.verdict == "yes" else f": {sentence(answer, channel)}")
                for answer in decision.answers
            ),
        ]
        facts = {
            "leadId": lead.pk, "channel": channel, "purpose": options["purpose"], "at": at,
            "verdict": decision.verdict, "first": decision.first, "againAt": decision.again_at, "headline": said,
            "rules": [
                {"code": answer.code, "version": answer.version, "verdict": answer.verdict,
                 "reason": "" if answer.verdict == "yes" else sentence(answer, channel)}
                for answer in decision.answers
            ],
        }  # fmt: skip
        self.report(options, facts, lines)


def _moment(text: str, time_zone: str) -> datetime:
    try:
        return moment_asked(moment_of(datetime.fromisoformat(text.strip()), time_zone))
    except ValueError as error:
        words = f"{text[:40]!r} is not a time, such as 2026-12-01T18:30."
        raise CommandError(words if "isoformat" in str(error) else str(error)) from None
