"""What a campaign would do at this moment: every line of its dry run, and what they add up to. Reads only.

1. The audience, in the order it is contacted, with its keys.
2. Each text is written for each lead; who lacks a value, or would get too long a text, is left out.
3. The gate is asked for the first minute at which every rule may say yes.
4. Of those it lets through, one an owner and a number stays (`planning.owners`), also beside other parts of a split.
5. The minutes of later steps are estimated; nobody is asked for a minute that far ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from campaigns import clock
from campaigns.gate.facts import Contact, facts_of, window_of
from campaigns.gate.rule_rows import load_rules
from campaigns.models import Campaign, Member, Preview, PreviewLine, Step
from campaigns.planning.audience import MOST, Audience, leads_of
from campaigns.planning.owners import LeadKeys, keys_of, same_owners
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import CALL
from campaigns.rules.decide import decide
from campaigns.rules.facts import Channel, Decision, Facts
from campaigns.rules.rule_set import RuleSet
from campaigns.rules.segments import MOST as SEGMENTS_MOST
from campaigns.rules.segments import segments
from campaigns.rules.steps import Delay, after
from campaigns.rules.templates import Missing
from campaigns.texts.rendering import PERSON_COLUMNS, Writer, company_of, digest_of
from integrations.ledger import catalogue

AHEAD = timedelta(days=30)  # who may be contacted only later than that is left out for now
LEADS_MOST = 20_000  # of one dry run: people are 2,000, the others share an owner with one of them
ASKED_AT_ONCE = 1_000  # contacts
_TRIES = 3  # moments at which the gate is asked for one person: the second is its own answer to the first
_COLUMNS = ("pk", "phone", "pre_foreclosure", "foreclosure", "bankruptcy", *PERSON_COLUMNS)
SAME_OWNER, TOO_LONG, MISSING = "same_owner", "too_long", "missing_value"


@dataclass(slots=True)
class Message:
    """Of one step."""

    step: int
    at: datetime | None
    variant: str
    text: str
    segments: int
    price: Decimal


@dataclass(slots=True)
class Line:
    """What happens to one lead. reason: '' where verdict is yes. messages: of every step; none where it is left out."""

    lead_id: UUID
    keys: LeadKeys
    verdict: str
    reason: str = ""
    other_lead_id: UUID | None = None
    zones: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    messages: list[Message] = field(default_factory=list)
    receipt: list[Any] = field(default_factory=list)


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
        """Texts it would send: a call is a line, and none of them."""
        return sum(bool(one.text) for line in self.lines for one in line.messages)

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
    rows = _leads(campaign)
    keys = keys_of([row["pk"] for row in rows])
    writer = Writer(steps, company_of(campaign.seller, campaign.owner))
    price = Decimal(catalogue.operation("sms").setting("price"))
    first: Channel = "call" if steps and steps[0].channel == CALL else "sms"
    lines, contacts = [], []
    for row in rows:
        line = Line(row["pk"], keys.get(row["pk"], LeadKeys()), "yes")
        missing = _write(line, row, writer, price)
        lines.append(line)
        contacts.append(Contact(row["pk"], line.keys.phone, row["phone"], first, missing))
    rules = load_rules()
    for start in range(0, len(lines), ASKED_AT_ONCE):
        part = slice(start, start + ASKED_AT_ONCE)
        _ask(lines[part], contacts[part], campaign, rules, now)
    _leave_out_same_owners(lines, campaign)
    people = [line for line in lines if line.verdict == "yes"]
    if len(people) > MOST:
        words = (
            f"The audience has grown to {len(people):,} people; a campaign has {MOST:,} at most: narrow or split it."
        )
        raise CampaignError("INVALID", words, "audience")
    delays = [Delay(step.delay_amount, step.delay_unit, step.at_local) for step in steps]  # type: ignore[arg-type]
    window = window_of(campaign)
    for line in lines:
        if line.verdict != "yes":
            line.messages = []
        _plan_later_steps(line, delays, rules, window)
    return Computed(now, lines, _digest(campaign, steps, lines), _needs(rows, people))


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


def _write(line: Line, row: Mapping[str, Any], writer: Writer, price: Decimal) -> tuple[str, ...]:
    """Writes the line's messages. Returns the variables that have no value: then it has none."""
    missing: set[str] = set()
    for step in sorted(writer.variants):
        if not writer.variants[step]:  # a call: a caller makes it, and pays nothing here
            line.messages.append(Message(step, None, "", "", 0, Decimal(0)))
            continue
        variant = writer.variant(step, line.keys.draws_by)
        text = writer.write(variant, row)
        if isinstance(text, Missing):
            missing |= set(text.names)
            continue
        count = segments(text).count
        line.messages.append(Message(step, None, variant.name, text, count, count * price))
    if missing:
        line.messages = []
    return tuple(sorted(missing))


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
        elif decision.verdict == "yes" and any(one.segments > SEGMENTS_MOST for one in line.messages):
            line.verdict, line.reason = "no", TOO_LONG
        if line.messages:
            line.messages[0].at = at


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
    """Of those whom the gate lets through one an owner and a number stays, the first in the order."""
    let_through = {line.lead_id: line for line in lines if line.verdict == "yes"}
    keys = {lead_id: line.keys for lead_id, line in let_through.items()}
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


def _plan_later_steps(line: Line, delays: Sequence[Delay], rules: RuleSet, window: Any) -> None:
    """An estimate: as if each message arrived in the minute that was planned for it."""
    for one, following in zip(line.messages, line.messages[1:], strict=False):
        if one.at is not None:
            delay = delays[following.step - 1]
            channel: Channel = "sms" if following.text else "call"
            following.at = after(delay, one.at, line.zones, line.states, rules, window, channel=channel)


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


# --- Its digest -------------------------------------------------------------------------------------------------------


def _digest(campaign: Campaign, steps: Sequence[Step], lines: Sequence[Line]) -> str:
    """SHA-256 of what would be sent to whom for how much, and in what order of steps. The minute is not in it."""
    frame = [str(campaign.seller_id), str(campaign.sender_id), repr(sorted(campaign.window.items()))]
    frame += [
        f"{s.position}|{s.delay_amount}|{s.delay_unit}|{s.at_local}|{s.condition}{'|call' * (s.channel == CALL)}"
        for s in steps
    ]
    text = "\n".join([*frame, *sorted(_told(lines))])
    return sha256(text.encode()).hexdigest()


def _told(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        if line.verdict != "yes":
            yield f"{line.lead_id}|no"
        for one in line.messages:
            body = digest_of(one.text)
            money = one.price.normalize()
            yield f"{line.lead_id}|{line.keys.phone}|{one.step}|{one.variant}|{body}|{one.segments}|{money}|yes"


# --- Storing it -------------------------------------------------------------------------------------------------------


def rows_of(preview: Preview, lines: Sequence[Line]) -> Iterator[tuple[Any, ...]]:
    """The rows of COLUMNS: one a message; of a lead that is left out one alone, of step 0."""
    for line in lines:
        shared = (line.keys.phone, line.keys.owner, line.verdict, line.reason, line.other_lead_id)
        places = (list(line.zones), list(line.states))
        if line.verdict != "yes":
            yield (preview.pk, line.lead_id, 0, *shared, None, *places, "", "", 0, Decimal(0), line.receipt)
            continue
        for one in line.messages:
            message = (one.variant, one.text, one.segments, one.price)
            yield preview.pk, line.lead_id, one.step, *shared, one.at, *places, *message, line.receipt * (one.step == 1)


COLUMNS = (
    "preview_id", "lead_id", "step", "key_id", "owner_key_id", "verdict", "reason", "other_lead_id", "first_at",
    "zones", "states", "variant", "text", "segments", "price", "receipt",
)  # fmt: skip
