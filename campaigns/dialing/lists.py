"""Call lists: campaigns of one step, a call, worked by callers: made, assigned, opened, paused, closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.access import Access
from campaigns.models import Campaign
from campaigns.planning.audience import Audience

MOST = 100_000  # leads of a call list


@dataclass(frozen=True, slots=True)
class ListPlan:
    """What a call list is made from. callers: who works it, users of the team; (): everybody. window: as a campaign's
    ({open, close: "09:00", weekdays: 1 to 7}); {}: the law's hours. priority: equity, value, oldest.
    """

    name: str
    audience: Audience
    callers: Sequence[int] = ()
    window: Mapping[str, Any] | None = None
    priority: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """leads of the audience; people who were added; left out: no number, same owner (or in it already)."""

    leads: int
    people: int
    no_phone: int
    same_owner: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a list is. waiting: to be called; ready: of them those who may be called now, their turn has come;
    closed: those whose hours are closed, again_at: when the first may be called; before: before a caller now; done;
    stopped; why: of the stopped by reason; calls made; reached: calls that spoke with somebody; words: in a sentence.
    """

    people: int
    waiting: int
    ready: int
    closed: int
    later: int
    before: int
    done: int
    stopped: int
    why: Mapping[str, int]
    calls: int
    reached: int
    again_at: datetime | None
    words: str


def call_lists(access: Access) -> list[Campaign]:
    """Those of her team, the newest first; a caller's: those she works."""
    raise NotImplementedError


def create_list(access: Access, plan: ListPlan) -> tuple[Campaign, Added]:
    """A draft with its people. Raises CampaignError FORBIDDEN, INVALID naming the field."""
    raise NotImplementedError


def change_list(access: Access, list_id: UUID, changes: Mapping[str, Any]) -> Campaign:
    """name, callers, window. Raises CampaignError FORBIDDEN, NOT_FOUND, INVALID, OVER."""
    raise NotImplementedError


def add_leads(access: Access, list_id: UUID, audience: Audience | None = None) -> Added:
    """Those who match by now; audience: others. Who is in it stays as she is. Raises as `change_list`."""
    raise NotImplementedError


def open_list(access: Access, list_id: UUID) -> Campaign:
    """Callers get its people from now on. Raises CampaignError NOBODY, OVER."""
    raise NotImplementedError


def pause_list(access: Access, list_id: UUID) -> Campaign:
    """Nobody gets its next lead; who is before a caller stays there. Raises CampaignError NOT_RUNNING."""
    raise NotImplementedError


def close_list(access: Access, list_id: UUID) -> Campaign:
    """For good: its people stop. Raises CampaignError OVER."""
    raise NotImplementedError


def delete_list(access: Access, list_id: UUID) -> None:
    """A draft. Raises CampaignError NOT_DRAFT."""
    raise NotImplementedError


def progress(list_id: UUID) -> Progress:
    raise NotImplementedError
