"""What is known of a contact at a moment, and the answer that follows. Values alone: `campaigns.gate` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal
from uuid import UUID

Channel = Literal["sms", "call", "email"]
Purpose = Literal["campaign", "manual", "reply", "confirm"]
Verdict = Literal["yes", "no", "later"]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One that is in force for the channel: expired, lifted and withdrawn ones are not among them."""

    id: UUID
    scope: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Consented:
    """A consent to the campaign's seller by this key. kind: as `leads.Consent`."""

    id: UUID
    channel: str
    kind: str
    given_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The seller's latest check against one list. source: file, connector, vendor_flag."""

    list: str
    listed: bool
    checked_at: datetime
    version_date: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that left or may have left, a call: over all keys of the person, all teams."""

    at: datetime
    channel: str
    key_id: int
    is_ours: bool  # of the asking team


@dataclass(frozen=True, slots=True)
class Talk:
    """The open conversation with this owner."""

    id: UUID
    is_ours: bool
    is_mine: bool  # assigned to who asks, or to nobody
    is_held: bool
    last_in_at: datetime | None
    decide_by: datetime | None
    closes_at: datetime | None = None  # when it closes by itself


@dataclass(frozen=True, slots=True)
class SellerFacts:
    """missing: what of the seller is not filled in. answers: by state. flag_acknowledged: it counts as a check.
    whole_lists: the registry's version of each area code whose whole list it has: who is not on it was checked.
    """

    missing: tuple[str, ...]
    answers: Mapping[str, str]
    flag_acknowledged: bool
    sender_registered: bool
    whole_lists: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules ask of one contact by one channel.

    address: +1… or an e-mail; None: there is none. number_kind: mobile, landline, voip, unknown, toll_free, premium,
    foreign, invalid; '' for e-mail. zones, states: all that count, the strictest of all rules; empty: unknown.
    flag: the skip trace's do-not-call flag (True, False, None: not said), flag_at: when it was bought. attempts: of the
    last 90 days, newest first; answered_at: their last word. vendor_margin: minutes the vendor may take. daily_cap: the
    team's. missing: variables without a value. campaign: '' or why it may not send now. budget: '' or which is used up.
    """

    channel: Channel
    address: str | None
    number_kind: str = ""
    lead_status: str = "new"
    zones: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    erased: UUID | None = None
    suppressions: tuple[Suppressed, ...] = ()
    litigator: bool = False
    flag: bool | None = None
    flag_at: datetime | None = None
    consents: tuple[Consented, ...] = ()
    scrubs: tuple[Scrubbed, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    answered_at: datetime | None = None
    talk: Talk | None = None
    held_until: datetime | None = None
    seller: SellerFacts | None = None
    daily_cap: int = 2
    vendor_margin: int = 0
    window: tuple[time, time, tuple[int, ...]] | None = None  # the campaign's own: from, until, weekdays (Monday 0)
    missing: tuple[str, ...] = ()
    campaign: str = ""
    budget: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule's. input: what it looked at, as JSON. version: of the rule row, or the code's."""

    code: str
    version: str
    verdict: Verdict
    input: Mapping[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None

    def as_json(self) -> list[Any]:
        """As a receipt keeps it."""
        return [self.code, self.version, self.verdict, dict(self.input)]


@dataclass(frozen=True, slots=True)
class Decision:
    """verdict: any no is no, any later is later. first: the first rule that did not say yes. again_at: the latest."""

    verdict: Verdict
    first: str
    again_at: datetime | None
    answers: tuple[Answer, ...]
