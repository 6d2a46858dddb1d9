"""What a campaign would do at this moment: every line of its dry run, and what they add up to. Reads only.

1. The audience, in the order it is contacted, with its keys, and of its e-mail addresses the first that can be used.
2. Each message is written for each lead; who lacks a value, or would get too long a text, is left out.
3. The gate is asked for the first minute at which every rule may say yes to the first step, by its channel.
4. Of those it lets through, one an owner, a number and an e-mail stays (`planning.owners`), also beside other parts of
   a split.
5. Of other messages' channels the gate is asked now: where it refuses one for its own sake, its steps are passed over.
6. The minutes of later steps are estimated; nobody is asked for a minute that far ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from campaigns import clock
from campaigns.gate.addresses import Address, best_emails
from campaigns.gate.facts import Contact, facts_of, window_of
from campaigns.gate.rule_rows import load_rules
from campaigns.models import Campaign, Member, PreviewLine
from campaigns.planning.audience import MOST, Audience, leads_of
from campaigns.planning.owners import LeadKeys, keys_of, same_owners
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import CALL, EMAIL
from campaigns.previews.lines import (
    Line,
    Written,
    channel_of,
    delays_of,
    digest_of_lines,
    is_too_long,
    plan_later_steps,
)
from campaigns.rules.channels import is_of_channel
from campaigns.rules.decide import decide
from campaigns.rules.facts import Channel, Decision, Facts
from campaigns.rules.rule_set import RuleSet
from campaigns.texts.rendering import PERSON_COLUMNS, company_of

AHEAD = timedelta(days=30)  # who may be contacted only later than that is left out for now
LEADS_MOST = 20_000  # of one dry run: people are 2,000, the others share an owner with one of them
ASKED_AT_ONCE = 1_000  # contacts
_TRIES = 3  # moments at which the gate is asked for one person: the second is its own answer to the first
_COLUMNS = ("pk", "phone", "email", "other_facts", "pre_foreclosure", "foreclosure", "bankruptcy", *PERSON_COLUMNS)
SAME_OWNER, TOO_LONG, MISSING = "same_owner", "too_long", "missing_value"


@dataclass(frozen=True, slots=True)
class Computed:
    """A dry run that nobody has stored yet."""

    at: datetime
    lines: Sequence[Line]
    digest: str
    needs: Sequence[str]

    @property
    def people(self) -> int:
        return sum(line.verdict == "yes" for line in self.lines)

    @property
    def messages(self) -> int:
        """Texts and e-mails it would send: a call is a line, and none of them."""
        return sum(bool(one.digest) for line in self.lines for one in line.messages)

    @property
    def left_out(self) -> dict[str, int]:
        """Leads, by reason: the most frequent first."""
        return dict(Counter(line.reason for line in self.lines if line.verdict != "yes").most_common())

    def cost(self, *, first_step_alone: bool) -> Decimal:
        """US dollars."""
        prices = [one.price for line in self.lines for one in line.messages[: 1 if first_step_alone else None]]
        return sum(prices, Decimal(0))

    def by(self, name: str) -> dict[str, list[int]]:
        """By zones or states: [people, left out]."""
        counts: dict[str, list[int]] = {}
        for line in self.lines:
            counts.setdefault(", ".join(getattr(line, name)) or "unknown", [0, 0])[line.verdict != "yes"] += 1
        return dict(sorted(counts.items(), key=lambda one: (-sum(one[1]), one[0])))


def compute(campaign: Campaign) -> Computed:
    """Raises CampaignError, or what `leads_of` raises, where the audience cannot be read any more or has grown."""
    now = clock.now()
    steps = list(campaign.steps.prefetch_related("variants__version").order_by("position"))
    channels: list[Channel] = list(dict.fromkeys(channel_of(step) for step in steps))
    rows = _leads(campaign)
    keys = keys_of([row["pk"] for row in rows])
    mails: Mapping[UUID, Address] = {}
    if EMAIL in channels:
        mails = best_emails({row["pk"]: row for row in rows}, seller_id=campaign.seller_id, at=now)
    write = Written(steps, company_of(campaign.seller, campaign.owner))
    lines, missing = [], []
    for row in rows:
        line = Line(row["pk"], keys.get(row["pk"], LeadKeys()), "yes")
        if found := mails.get(line.lead_id):
            line.mail_key = line.keys.email(found.position)
        line.key = (line.keys.phone if channels != [EMAIL] else None) or line.mail_key
        missing.append(write(line, row))
        lines.append(line)

    def contacts(channel: Channel, chosen: Iterable[int]) -> list[Contact]:
        found = []
        for place in chosen:
            row, line = rows[place], lines[place]
            mail = mails.get(line.lead_id)
            address = (mail.value if mail else None) if channel == EMAIL else row["phone"]
            found.append(Contact(line.lead_id, line.key_of(channel), address, channel, missing[place]))
        return found

    rules = load_rules()
    everybody = range(len(lines))
    for start in range(0, len(lines), ASKED_AT_ONCE):
        part = everybody[start : start + ASKED_AT_ONCE]
        _ask([lines[place] for place in part], contacts(channels[0], part), campaign, rules, now)
    _leave_out_same_owners(lines, campaign)
    stays = [place for place in everybody if lines[place].verdict == "yes"]
    people = [lines[place] for place in stays]
    if len(people) > MOST:
        words = (
            f"The audience has grown to {len(people):,} people; a campaign has {MOST:,} at most: narrow or split it."
        )
        raise CampaignError("INVALID", words, "audience")
    for channel in channels[1:]:
        if channel == CALL:  # a caller asks at the press
            continue
        _pass_over(people, contacts(channel, stays), campaign, rules, now)
    delays = delays_of(steps)
    window = window_of(campaign)
    for line in lines:
        if line.verdict != "yes":
            line.messages = []
        plan_later_steps(line, delays, rules, window)
    return Computed(now, lines, digest_of_lines(campaign, steps, lines), _needs(rows, people))


def _leads(campaign: Campaign) -> list[dict[str, Any]]:
    audience = Audience.from_json(campaign.audience)
    leads = leads_of(audience, team_id=campaign.team_id, owner=campaign.owner)
    rows = list(leads.values(*_COLUMNS)[: LEADS_MOST + 1])
    if len(rows) > LEADS_MOST:
        words = f"The audience has more than {LEADS_MOST:,} leads: narrow or split it."
        raise CampaignError("INVALID", words, "audience")
    if audience.lead_ids is not None:  # in the order they were chosen
        place = {lead_id: number for number, lead_id in enumerate(audience.lead_ids)}
        rows.sort(key=lambda row: place[row["pk"]])
    return rows


def _ask(lines: Sequence[Line], contacts: Sequence[Contact], campaign: Campaign, rules: RuleSet, now: datetime) -> None:
    """Asks the gate for each: its verdict, reason, minute, zones and receipt."""
    facts = facts_of(contacts, team_id=campaign.team_id, by=None, seller=campaign.seller, at=now, campaign=campaign)
    for line, contact in zip(lines, contacts, strict=True):
        known = facts[contact]
        line.zones, line.states = known.zones, known.states
        at, decision = _first_moment(known, rules, now)
        line.receipt = [answer.as_json() for answer in decision.answers]
        line.verdict, line.reason = decision.verdict, _reason(decision)
        if decision.first == "template" and contact.missing:
            line.reason = f"{MISSING}:{','.join(contact.missing)}"[:60]
        elif decision.verdict == "yes" and is_too_long(line):
            line.verdict, line.reason = "no", TOO_LONG
        if line.messages:
            line.messages[0].at = at


def _pass_over(
    lines: Sequence[Line], contacts: Sequence[Contact], campaign: Campaign, rules: RuleSet, now: datetime
) -> None:
    """Passes over the steps of a channel for whom the gate refuses it for the channel's own sake, as far as it is known
    now. What else it says is asked again when such a step is due.
    """
    for start in range(0, len(lines), ASKED_AT_ONCE):
        part = contacts[start : start + ASKED_AT_ONCE]
        facts = facts_of(part, team_id=campaign.team_id, by=None, seller=campaign.seller, at=now, campaign=campaign)
        for line, contact in zip(lines[start : start + ASKED_AT_ONCE], part, strict=True):
            decision = decide(facts[contact], rules, now, "campaign")
            if not is_of_channel(decision):
                continue
            for message in line.messages:
                if message.channel == contact.channel:
                    message.pass_over(_reason(decision))


def _reason(decision: Decision) -> str:
    """The first rule that did not say yes. What a consent would open too is a lack of consent."""
    if decision.first in ("registry", "scrub_age"):
        lacks = any(answer.code == "no_consent" and answer.verdict == "no" for answer in decision.answers)
        return "no_consent" if lacks else decision.first
    return decision.first


def _first_moment(facts: Facts, rules: RuleSet, now: datetime) -> tuple[datetime, Decision]:
    """The first moment at which every rule says yes, as far as the gate knows now; else when it was asked last."""
    at = now
    decision = decide(facts, rules, at, "campaign")
    for _ in range(_TRIES):
        if decision.verdict != "later" or decision.again_at is None or not at < decision.again_at <= now + AHEAD:
            break
        at = decision.again_at
        decision = decide(facts, rules, at, "campaign")
    return at, decision


def _leave_out_same_owners(lines: Sequence[Line], campaign: Campaign) -> None:
    """Of those whom the gate lets through one an owner, a number and an e-mail stays, the first in the order."""
    let_through = {line.lead_id: line for line in lines if line.verdict == "yes"}
    keys = {
        lead_id: replace(line.keys, joining=line.keys.joining | {key for key in (line.key, line.mail_key) if key})
        for lead_id, line in let_through.items()
    }
    for lead_id, other in same_owners(let_through, keys, _taken(campaign)).items():
        line = let_through[lead_id]
        line.verdict, line.reason, line.other_lead_id = "no", SAME_OWNER, other


def _taken(campaign: Campaign) -> dict[int, UUID]:
    """Keys of people that other parts of the split contact, or would: each with her lead there."""
    if campaign.split_group is None:
        return {}
    others = Campaign.objects.filter(split_group=campaign.split_group).exclude(pk=campaign.pk)
    members = Member.objects.filter(campaign__in=others, lead__isnull=False).values_list("lead_id", flat=True)
    waiting = others.filter(status__in=(Campaign.Status.PREVIEWED, Campaign.Status.APPROVED))
    planned = PreviewLine.objects.filter(preview__in=waiting.values("preview"), step=1, verdict="yes")
    ids = sorted({*members, *planned.values_list("lead_id", flat=True)})
    return {key: lead_id for lead_id, keys in keys_of(ids).items() for key in keys.joining}


def _needs(rows: Sequence[Mapping[str, Any]], people: Sequence[Line]) -> list[str]:
    """Codes of `running.approval.ACKNOWLEDGEMENTS`: of whom the audience holds somebody."""
    chosen = {line.lead_id for line in people}
    held = [row for row in rows if row["pk"] in chosen]
    found = []
    if any(row["pre_foreclosure"] or row["foreclosure"] for row in held):
        found.append("foreclosure")
    if any(row["bankruptcy"] for row in held):
        found.append("bankruptcy")
    return found
