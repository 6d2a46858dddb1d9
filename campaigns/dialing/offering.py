"""What is before a caller: one lead at a time, hers until she is done with it or her page is gone for 15 minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.access import Access
from campaigns.models import CallAttempt, Campaign, Member
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Number:
    """One of a lead's numbers. position: from 0, as `Member.number` counts. kind: mobile, landline, voip, …; '': not
    known. may_call: whether the gate says yes at this moment; words: why not. fetched_at: when it was bought or typed.
    do_not_call: the skip trace's flag; None: not said.
    """

    position: int
    number: str
    key_id: int
    kind: str
    may_call: bool
    words: str
    fetched_at: datetime | None
    last_outcome: str
    do_not_call: bool | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A lead that is before her. chosen: the position of the number to call. why: why this one now, in words. attempt:
    her call of it that is open, or whose outcome she has not said: she must first.
    """

    member: Member
    lead: Lead
    campaign: Campaign
    numbers: tuple[Number, ...]
    chosen: int
    why: str
    lease_until: datetime
    attempt: CallAttempt | None


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody may be called now. waiting: how many wait; again_at: when the first of them may be, None: none waits."""

    words: str
    waiting: int
    again_at: datetime | None


def offered(access: Access, campaign_ids: Sequence[UUID] | None = None) -> Offer | None:
    """What is before her now, on whichever page. None: nothing."""
    raise NotImplementedError


def next_lead(access: Access, campaign_ids: Sequence[UUID] | None = None) -> Offer | Nobody:
    """What is before her, else the next she may call of these lists (None: of all that are hers)."""
    raise NotImplementedError


def renew(access: Access, member_id: UUID) -> Offer:
    """Her page is still there. Raises CampaignError NOT_YOURS where the lead is not before her any more."""
    raise NotImplementedError


def release(access: Access, member_id: UUID) -> None:
    """Gives the lead back: she, or anybody, may get it again. Raises CampaignError NOT_YOURS, CALL_OPEN."""
    raise NotImplementedError


def skip(access: Access, member_id: UUID, reason: str) -> None:
    """Gives it back for an hour; the third time to the end of the list. Raises as `release`."""
    raise NotImplementedError
