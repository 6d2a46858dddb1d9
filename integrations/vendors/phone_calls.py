"""Phone calls, whoever carries them: what is placed, what the vendor answers, what it posts.

Two legs: the caller's own phone rings first; once she answers, the vendor dials the lead and joins them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from integrations.vendors.errors import Evidence


@dataclass(frozen=True, slots=True)
class Dial:
    """One call to a caller's phone.

    agent: her phone, +1 and ten digits; by SignalHouse the name that her softphone is registered by. to: the lead's
    number, which SignalHouse dials by itself; Twilio is told it by `answer_url`, once she has answered. status_url:
    where the vendor says what becomes of her leg. token: of this call alone, in those addresses. say: words to be
    spoken to her in place of a second leg.
    """

    agent: str = field(repr=False)
    to: str = field(repr=False)
    sender: str
    answer_url: str = field(default="", repr=False)
    status_url: str = field(default="", repr=False)
    token: UUID | None = None
    ring_seconds: int = 25
    say: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """The vendor took it: a `Receipt` for the ledger. A unit is a call, however long it gets."""

    vendor_id: str
    status: int = 201
    evidence: Evidence | None = None
    units: ClassVar[Decimal] = Decimal(1)
    claimed: ClassVar[Decimal | None] = None
    found: ClassVar[int] = 1

    @property
    def request_id(self) -> str:
        return self.vendor_id


# How far a leg is, in the order in which it happens; the last five end it.
KINDS = ("queued", "ringing", "answered", "completed", "busy", "no_answer", "failed", "canceled")
ENDS = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class LegEvent:
    """What became of a leg. kind: one of KINDS. parent_id: of the caller's leg, where this is the lead's.

    sequence: its place among the leg's events, where the vendor numbers them; else the place of its kind. seconds: how
    long they talked, with the end. code: the vendor's or the network's, of a call that failed.
    """

    vendor: str
    vendor_id: str
    kind: str
    sequence: int
    parent_id: str = ""
    seconds: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Who picked up the lead's phone: human, machine_…, fax, unknown."""

    vendor: str
    vendor_id: str
    answered_by: str


@dataclass(frozen=True, slots=True)
class DialEnd:
    """How dialing the lead ended, told on the caller's leg. kind: as of a leg. vendor_id: the lead's leg, "": none."""

    vendor: str
    agent_id: str
    vendor_id: str
    kind: str
    seconds: int | None


CallPost = LegEvent | AnsweredBy | DialEnd


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call that the vendor has. kind, seconds: as of a leg. at: when it was made."""

    vendor_id: str
    kind: str
    seconds: int | None
    at: datetime | None
