"""What a lead's page, its API and the command `why` show of the gate: each channel's answer, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from accounts.access import Access
from accounts.models import User
from campaigns import clock
from campaigns.gate import predicates
from campaigns.gate.contact import Asked, contact_of, decide_many
from campaigns.gate.facts import Contact
from campaigns.gate.words import CHANNELS, PURPOSES, answers_of, headline, words_of
from campaigns.models import Receipt
from campaigns.rules.facts import Answer, Channel, Purpose
from leads.models import Lead
from leads.registries import Judge
from leads.rules import BadTime

ALL: tuple[Channel, ...] = ("call", "sms", "email")
ASKED_WITHIN = timedelta(days=3653)  # of now: for another moment no rule is known
LOOKS = {"yes": "success", "later": "warning", "no": "danger"}
LABELS = {"yes": "Yes", "later": "Not now", "no": "No"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One channel's answer in words. look: of the theme's label."""

    channel: Channel
    title: str
    verdict: str
    label: str
    look: str
    headline: str
    words: list[str]
    again_at: datetime | None
    first: str


def moment_asked(at: datetime) -> datetime:
    """The moment for which somebody asks. Raises BadTime where it lies more than ten years from now."""
    if abs(at - clock.now()) > ASKED_WITHIN:
        raise BadTime("Ask for a moment within ten years of now.")
    return at


def verdicts(
    lead: Lead,
    *,
    team_id: int,
    by: User | None,
    at: datetime | None = None,
    channels: Sequence[Channel] = ALL,
    purpose: Purpose = "manual",
) -> list[Verdict]:
    """May a person contact her by each of these channels, at her best phone and her e-mail? Nothing is recorded."""
    contacts = [contact_of(lead, channel) for channel in channels]
    asked = decide_many(contacts, team_id=team_id, by=by, purpose=purpose, at=at)
    return [_verdict(asked[contact]) for contact in contacts]


def _verdict(asked: Asked) -> Verdict:
    decision, channel = asked.decision, asked.contact.channel
    return Verdict(
        channel=channel,
        title=CHANNELS[channel],
        verdict=decision.verdict,
        label=LABELS[decision.verdict],
        look=LOOKS[decision.verdict],
        headline=headline(decision.verdict, decision.first, decision.again_at),
        words=_reasons(decision.answers, decision.verdict, channel),
        again_at=decision.again_at,
        first=decision.first,
    )


def _reasons(answers: Sequence[Answer], verdict: str, channel: str) -> list[str]:
    """Of a no, what says no: what would pass by itself is of no use then."""
    return words_of([one for one in answers if one.verdict == verdict], channel) if verdict != "yes" else []


def usable(lead: Lead, by: User) -> set[str]:
    """Those of the lead's phones and e-mails that a person of its team may use at this moment."""
    others = lead.other_facts or {}
    phones = [lead.phone, lead.secondary_phone, *(entry.get("value") for entry in others.get("phone", ()))]
    emails = [lead.email, *(entry.get("value") for entry in others.get("email", ()))]
    contacts = [Contact(lead.pk, None, number, "call") for number in dict.fromkeys(filter(None, phones))]
    contacts += [Contact(lead.pk, None, address, "email") for address in dict.fromkeys(filter(None, emails))]
    asked = decide_many(contacts, team_id=lead.team_id, by=by, purpose="manual", at=clock.now())
    return {str(contact.address) for contact, one in asked.items() if one.decision.verdict == "yes"}


def receipts_of(lead_id: UUID, access: Access) -> QuerySet[Receipt]:
    """What her team was answered about this lead, newest first; with how often, and when last."""
    rows = Receipt.objects.seen_by(access).filter(lead_id=lead_id).order_by("-pk")
    return rows.annotate(repeated=Count("repeats"), last_at=Max("repeats__at"))


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt in words. times: how often that was the answer; last_at: for which moment the last time."""

    receipt: Receipt
    channel: str
    purpose: str
    label: str
    look: str
    headline: str
    words: list[str]
    times: int
    last_at: datetime


def told(receipt: Receipt) -> Told:
    """What the receipt says; of `receipts_of`, with its repeats."""
    answers = answers_of(receipt.rules)
    return Told(
        receipt=receipt,
        channel=CHANNELS[receipt.channel],
        purpose=PURPOSES[receipt.purpose],
        label=LABELS[receipt.verdict],
        look=LOOKS[receipt.verdict],
        headline=headline(receipt.verdict, receipt.first, receipt.again_at),
        words=_reasons(answers, receipt.verdict, receipt.channel),
        times=1 + int(getattr(receipt, "repeated", 0)),
        last_at=getattr(receipt, "last_at", None) or receipt.at,
    )


JUDGE = Judge(
    ready_to_call=predicates.ready_to_call,
    suppressed=predicates.suppressed,
    do_not_call=predicates.do_not_call,
    checked=predicates.checked,
    suppressed_since=predicates.suppressed_since,
    usable=usable,
)
