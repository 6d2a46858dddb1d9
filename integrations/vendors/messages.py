"""Text messages, whoever carries them: what is sent, what the vendor answers, what it posts, and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from integrations.vendors.errors import Category, Evidence, InDoubt, Misconfigured, Rejected, VendorFailure


@dataclass(frozen=True, slots=True)
class Message:
    """One text to one number.

    to, sender: +1 and ten digits. callback_url: where the vendor says what became of it; it is of this message alone.
    token: of this message for good. A vendor that knows idempotency keys gets it as such, so that a repeat with the
    same token is answered and not sent again. valid_seconds: after which the vendor must not hand it over any more;
    None: its own limit. segments: how many it has by our count; that is what it is charged for.
    """

    to: str = field(repr=False)
    sender: str
    text: str = field(repr=False)
    callback_url: str = field(repr=False)
    token: UUID
    valid_seconds: int | None = None
    segments: int = 1


class Kind(StrEnum):
    """What a vendor's no means, whatever its code: of the person, her number or address (OPTED_OUT to CARRIER,
    BAD_ADDRESS), of our sender or account, or of this very message (CONTENT, INVALID)."""

    OPTED_OUT = "opted_out"  # she has told the vendor to stop: an opt-out like any other
    BAD_NUMBER = "bad_number"  # nobody has it
    LANDLINE = "landline"  # it takes no texts
    CARRIER = "carrier"  # the network did not deliver it: filtered, unreachable, too late
    UNREGISTERED = "unregistered"  # the sender's 10DLC or toll-free registration is missing
    BAD_ADDRESS = "bad_address"  # nobody has this e-mail address: a hard bounce
    CONTENT = "content"  # what it says, or a rule of the recipient's mail server: not the person's fault
    BALANCE = "balance"  # the account has to be paid first
    CONFIGURATION = "configuration"  # the key, the sender or a permission of the account
    PAUSED = "paused"  # the vendor has stopped this sender's campaign
    INVALID = "invalid"


class MessageRefused(VendorFailure):
    """The vendor answered, and this message was certainly not sent. code: the vendor's own, or an HTTP status; at most
    60 characters. words: the vendor's, without a number or a text in them.

    It is a `RecipientRefused`: the vendor works; or, where nothing can be sent at all (key, money), `AccountRefused`.
    """

    category = Category.INVALID_DATA

    def __init__(self, *, code: str, words: str, kind: Kind, status: int | None = None) -> None:
        super().__init__(words, status=status)
        self.code, self.words, self.kind = code[:60], self.reason, kind


class RecipientRefused(MessageRefused, Rejected):
    """This message, or all of this sender, is refused; the account may go on."""


class AccountRefused(MessageRefused, Misconfigured):
    """Nothing can be sent before an operator acts: the ledger pauses the vendor, and the message may go later."""

    category = Category.AUTH_ERROR


def only_in_doubt(failure: InDoubt) -> InDoubt:
    """As it is, without the operator's policy for server errors: that is about bills, and a repeat would be a second
    message.
    """
    return InDoubt(failure.reason, status=failure.status, pauses=failure.pauses, evidence=failure.evidence)


@dataclass(frozen=True, slots=True)
class Sent:
    """The vendor took it: a `Receipt` for the ledger.

    state: accepted, sent, delivered. segments: the vendor's own count, None where it does not say. units: ours, which
    is charged.
    """

    vendor_id: str
    segments: int | None
    state: str
    units: Decimal = Decimal(1)
    status: int = 201
    evidence: Evidence | None = None
    found: ClassVar[int] = 1

    @property
    def claimed(self) -> Decimal | None:
        return None if self.segments is None else Decimal(self.segments)

    @property
    def request_id(self) -> str:
        return self.vendor_id


@dataclass(frozen=True, slots=True)
class Found:
    """A message that the vendor has after all. kind, error, refusal: as in `StatusEvent`. at: when it was made."""

    vendor_id: str
    segments: int | None
    kind: str
    error: str
    words: str
    refusal: Kind | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """What became of a message. kind: accepted, sent, delivered, undelivered, failed. error: the vendor's code, of the
    last two. refusal: what that means; None where it means nothing known. at: when, says the vendor; None: it does not.
    """

    vendor: str
    vendor_id: str
    kind: str
    error: str = ""
    words: str = ""
    refusal: Kind | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncomingText:
    """What somebody wrote. number: whose; ours: to which of our numbers; both +… where they are whole numbers.

    is_answered: the vendor knew an opt-out word and has answered it by itself; opt_out: which: STOP, START, HELP, "".
    media: how many pictures came along; they are not fetched.
    """

    vendor: str
    vendor_id: str
    number: str = field(repr=False)
    ours: str
    text: str = field(repr=False)
    is_answered: bool = False
    opt_out: str = ""
    media: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """The vendor warns of one of our numbers or registrations. about: number or campaign. ours: +1…, or its id of the
    registration. words: for an operator."""

    vendor: str
    about: str
    ours: str
    words: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A signed post that is none of the vendor's known shapes: kept for an operator. why: in words."""

    vendor: str
    why: str


Post = StatusEvent | IncomingText | HealthEvent


@dataclass(frozen=True, slots=True)
class RawPost:
    """A post that a vendor kept for us: body and headers as its webhook would have them. dedupe: as `dedupe_of`."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    dedupe: str


@dataclass(frozen=True, slots=True)
class VendorOptOut:
    """Somebody who has opted out at the vendor. number: +1…; ours: which of our numbers, "": all; words: hers, or what
    the vendor keeps of them."""

    number: str = field(repr=False)
    ours: str
    words: str
    at: datetime | None
