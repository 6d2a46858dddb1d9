"""The lines of a dry run: each message as it is written for a person, its digest, and the rows that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from campaigns.models import Campaign, Preview, Step, Variant
from campaigns.planning.owners import LeadKeys
from campaigns.planning.steps import CALL, EMAIL, SMS
from campaigns.rules.facts import Channel
from campaigns.rules.rule_set import RuleSet
from campaigns.rules.segments import MOST as SEGMENTS_MOST
from campaigns.rules.segments import segments
from campaigns.rules.steps import Delay, after
from campaigns.rules.templates import Company, Missing
from campaigns.texts.rendering import Writer, digest_of, digest_of_mail
from integrations.ledger import catalogue


@dataclass(slots=True)
class Message:
    """Of one step. digest: of all it says; '' of a call. passed: why this person does not get it; '': she does."""

    step: int
    channel: Channel
    at: datetime | None = None
    variant: str = ""
    subject: str = ""
    text: str = ""
    digest: str = ""
    segments: int = 0
    price: Decimal = Decimal(0)
    passed: str = ""

    def pass_over(self, why: str) -> None:
        self.passed, self.at, self.variant, self.subject, self.text, self.digest = why, None, "", "", "", ""
        self.segments, self.price = 0, Decimal(0)


@dataclass(slots=True)
class Line:
    """What happens to one lead. reason: '' where verdict is yes. messages: of every step; none where it is left out.
    key: by which she is in the campaign, of her number, else her e-mail; mail_key: of her e-mail, where a step is one.
    """

    lead_id: UUID
    keys: LeadKeys
    verdict: str
    key: int | None = None
    mail_key: int | None = None
    reason: str = ""
    other_lead_id: UUID | None = None
    zones: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    messages: list[Message] = field(default_factory=list)
    receipt: list[Any] = field(default_factory=list)

    def key_of(self, channel: str) -> int | None:
        """Where a step of this channel goes."""
        return self.mail_key if channel == EMAIL else self.keys.phone


def channel_of(step: Step) -> Channel:
    return step.channel  # type: ignore[return-value]


def delays_of(steps: Sequence[Step]) -> dict[int, Delay]:
    """By position."""
    return {s.position: Delay(s.delay_amount, s.delay_unit, s.at_local) for s in steps}  # type: ignore[arg-type]


class Written:
    """Writes the messages of lines."""

    def __init__(self, steps: Sequence[Step], company: Company) -> None:
        """steps: with their variants and these with their versions."""
        self.writer = Writer(steps, company)
        self.channels = {step.position: channel_of(step) for step in steps}
        self.prices: dict[str, Decimal] = {
            channel: Decimal(catalogue.operation(channel).setting("price"))
            for channel in {*self.channels.values()} - {CALL}
        }

    def __call__(self, line: Line, row: Mapping[str, Any], positions: Iterable[int] | None = None) -> tuple[str, ...]:
        """Writes the line's messages, of these steps or all. Returns the variables that have no value: then it has
        none. A call has no text: a caller makes it, and pays nothing here.
        """
        missing: set[str] = set()
        for position in sorted(self.channels) if positions is None else positions:
            message = Message(position, self.channels[position])
            if message.channel != CALL:
                variant = self.writer.variant(position, line.keys.draws_by(line.key))
                missing |= set(self._fill(message, variant, row))
            line.messages.append(message)
        if missing:
            line.messages = []
        return tuple(sorted(missing))

    def _fill(self, message: Message, variant: Variant, row: Mapping[str, Any]) -> Sequence[str]:
        message.variant = variant.name
        if message.channel == EMAIL:
            mail = self.writer.write_mail(variant, row)
            if isinstance(mail, Missing):
                return mail.names
            message.subject, message.text, message.digest = mail.subject, mail.text, digest_of_mail(mail)
            message.price = self.prices[EMAIL]
            return ()
        text = self.writer.write(variant, row)
        if isinstance(text, Missing):
            return text.names
        message.text, message.digest, message.segments = text, digest_of(text), segments(text).count
        message.price = message.segments * self.prices[SMS]
        return ()


def is_too_long(line: Line) -> bool:
    return any(one.segments > SEGMENTS_MOST for one in line.messages)


def plan_later_steps(line: Line, delays: Mapping[int, Delay], rules: RuleSet, window: Any) -> None:
    """An estimate: as if each message arrived in the minute that was planned for it, and one that is passed over were
    not there.
    """
    at: datetime | None = line.messages[0].at if line.messages else None
    for following in line.messages[1:]:
        if at is None:
            return
        due = after(
            delays[following.step], at, line.zones, line.states, rules, window, channel=following.channel
        )  # fmt: skip
        at = due
        if not following.passed:
            following.at = due


# --- Its digest -------------------------------------------------------------------------------------------------------


def digest_of_lines(campaign: Campaign, steps: Sequence[Step], lines: Sequence[Line]) -> str:
    """SHA-256 of what would be sent to whom for how much, and in what order of steps. The minute is not in it."""
    frame = [str(campaign.seller_id), str(campaign.sender_id), repr(sorted(campaign.window.items()))]
    if any(s.channel == EMAIL for s in steps):
        frame.append(f"{campaign.mail_sender_id}|{campaign.track_opens}|{campaign.track_clicks}")
    frame += [
        f"{s.position}|{s.delay_amount}|{s.delay_unit}|{s.at_local}|{s.condition}"
        + (f"|{s.channel}" if s.channel != SMS else "")
        for s in steps
    ]
    text = "\n".join([*frame, *sorted(_told(lines))])
    return sha256(text.encode()).hexdigest()


def _told(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        if line.verdict != "yes":
            yield f"{line.lead_id}|no"
        for one in line.messages:
            said = f"{line.lead_id}|{line.key_of(one.channel)}|{one.step}|{one.channel}"
            if one.passed:
                yield f"{said}|{one.passed}"
            else:
                yield f"{said}|{one.variant}|{one.digest}|{one.segments}|{one.price.normalize()}|yes"


# --- Storing it -------------------------------------------------------------------------------------------------------


def rows_of(preview: Preview, lines: Sequence[Line]) -> Iterator[tuple[Any, ...]]:
    """The rows of COLUMNS: one a message; of a lead that is left out one alone, of step 0. A message that is passed
    over says no, and why.
    """
    for line in lines:
        places = (list(line.zones), list(line.states))
        if line.verdict != "yes":
            told = (line.keys.owner, line.verdict, line.reason, line.other_lead_id)
            yield (
                preview.pk, line.lead_id, 0, line.key, *told, None, *places, "", "sms", "", "", "", 0, Decimal(0),
                line.receipt,
            )  # fmt: skip
            continue
        receipt = line.receipt
        for one in line.messages:
            told = (line.keys.owner, "no" if one.passed else "yes", one.passed, None)
            message = (one.variant, one.channel, one.subject, one.text, one.digest, one.segments, one.price)
            yield (
                preview.pk,
                line.lead_id,
                one.step,
                line.key_of(one.channel),
                *told,
                one.at,
                *places,
                *message,
                receipt,
            )
            receipt = []


COLUMNS = (
    "preview_id", "lead_id", "step", "key_id", "owner_key_id", "verdict", "reason", "other_lead_id", "first_at",
    "zones", "states", "variant", "channel", "subject", "text", "body_digest", "segments", "price", "receipt",
)  # fmt: skip
