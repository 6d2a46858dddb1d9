"""That nobody may be called now, in a sentence: how many wait, for what, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.dialing.places import Waiting, law_of, waiting_in
from campaigns.models import Campaign
from campaigns.rules.rule_set import RuleSet
from common.dates import clock, moment


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody may be called now. waiting: how many wait; again_at: when the first of them may be, None: none waits."""

    words: str
    waiting: int
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """People who wait: ready now, closed: not before their hours open, later: their turn has not come."""

    ready: int
    closed: int
    later: int
    opens_at: datetime | None  # of the first that is closed
    opens_in: str  # the zone by whose clock that is told
    turn_at: datetime | None  # of the first that comes later


def standing(campaigns: Sequence[Campaign], rules: RuleSet, at: datetime) -> Standing:
    """Of these lists together."""
    by_id = {one.pk: one for one in campaigns}
    ready = closed = later = 0
    opens: tuple[datetime, str] | None = None
    turn: datetime | None = None
    for row in waiting_in(list(by_id), at):
        opens_at = _closed_until(by_id[row.campaign_id], row, rules, at)
        if opens_at == at:
            ready += row.now
        else:
            closed += row.now
            if row.now and opens_at is not None and (opens is None or opens_at < opens[0]):
                opens = opens_at, row.zones[0] if row.zones else "America/New_York"
        later += row.later
        if row.next_at is not None and (turn is None or row.next_at < turn):
            turn = row.next_at
    return Standing(ready, closed, later, opens[0] if opens else None, opens[1] if opens else "", turn)


def _closed_until(campaign: Campaign, row: Waiting, rules: RuleSet, at: datetime) -> datetime | None:
    """at: it is open; None: it never opens."""
    law = law_of(campaign, row.zones, row.states, rules, at)
    return at if law.closes_in > 0 else law.again


def told(campaigns: Sequence[Campaign], rules: RuleSet, at: datetime) -> Nobody:
    """212 may not be called until 3:00 PM their time."""
    found = standing(campaigns, rules, at)
    waiting = found.ready + found.closed + found.later
    firsts = [one for one in (found.opens_at, found.turn_at) if one is not None]
    return Nobody(sentence(found, at) or "Nobody is left to call on your lists.", waiting, min(firsts, default=None))


def sentence(found: Standing, at: datetime) -> str:
    """'' where nobody waits."""
    parts = []
    if found.closed:
        parts.append(f"{found.closed:,} may not be called{_until(found, at)}")
    if found.later:
        when = f": the first at {moment(found.turn_at)}" if found.turn_at else ""
        parts.append(f"{found.later:,} {'is' if found.later == 1 else 'are'} waiting for their turn{when}")
    if found.ready:
        parts.append(f"{found.ready:,} could not be offered just now: try again in a moment")
    return "; ".join(parts) + "." if parts else ""


def _until(found: Standing, at: datetime) -> str:
    if found.opens_at is None:
        return " at any time"
    zone = ZoneInfo(found.opens_in)
    opens, now = found.opens_at.astimezone(zone), at.astimezone(zone)
    day = "" if opens.date() == now.date() else f"{opens:%a} "
    return f" until {day}{clock(opens.time())} their time"
