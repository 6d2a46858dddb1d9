"""Where the people of call lists are, and which of these places may be called at a moment. Reads only.

A list has a few hundred places (zones and states) for its 100,000 people: those are asked of the rules, not the people.
They are kept for a minute in each process; where nobody is found they are read again.
"""

from __future__ import annotations

import threading
import time as clocks
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from campaigns.dialing.locks import OpenPlace
from campaigns.gate.facts import window_of
from campaigns.models import Campaign
from campaigns.rules.hours import Law, minute_of, place_of
from campaigns.rules.rule_set import RuleSet

KEPT_FOR = 60.0  # seconds
KEPT_LISTS = 1_000
Pair = tuple[tuple[str, ...], tuple[str, ...]]  # zones and states
_kept: dict[UUID, tuple[float, tuple[Pair, ...]]] = {}
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Waiting:
    """People of one list in one place: whose turn has come, and those of later with the first moment of it."""

    campaign_id: UUID
    zones: tuple[str, ...]
    states: tuple[str, ...]
    now: int
    later: int
    next_at: datetime | None


def open_places(campaigns: Iterable[Campaign], rules: RuleSet, at: datetime, *, fresh: bool = False) -> list[OpenPlace]:
    """Of these lists, by zones: those in which somebody may be called at this moment."""
    rows = list(campaigns)
    pairs = _pairs([one.pk for one in rows], fresh=fresh)
    found = []
    for campaign in rows:
        by_zones: dict[str, tuple[bool, list[str]]] = {}
        for zones, states in pairs[campaign.pk]:
            name = ",".join(zones)
            closed = by_zones.setdefault(name, (False, []))[1]
            if law_of(campaign, zones, states, rules, at).closes_in > 0:
                by_zones[name] = (True, closed)
            else:
                closed.append("|" + ",".join(states))
        found += [OpenPlace(campaign.pk, name, ";".join(closed)) for name, (some, closed) in by_zones.items() if some]
    return found


def law_of(campaign: Campaign, zones: tuple[str, ...], states: tuple[str, ...], rules: RuleSet, at: datetime) -> Law:
    """What the table says of calls there. Of consent nobody knows here: Utah's closed days are closed."""
    return place_of(rules, "call", zones, states, window_of(campaign)).law(minute_of(at))


def _pairs(campaign_ids: Sequence[UUID], *, fresh: bool) -> dict[UUID, tuple[Pair, ...]]:
    """Of each list. One thread of a process reads what is too old, the others go on with it meanwhile: of 100,000
    people it is a tenth of a second, and all callers would be due in the same moment. fresh: not from before this call.
    """
    asked = clocks.monotonic()
    since = asked if fresh else asked - KEPT_FOR
    known = _known(campaign_ids, since)
    if len(known) == len(campaign_ids):
        return known
    if not fresh and _reading.locked() and len(old := _known(campaign_ids, 0.0)) == len(campaign_ids):
        return old
    with _reading:
        known = _known(campaign_ids, since)
        if missing := [pk for pk in campaign_ids if pk not in known]:
            known |= _read(missing)
    return known


def _known(campaign_ids: Sequence[UUID], since: float) -> dict[UUID, tuple[Pair, ...]]:
    found = {pk: _kept.get(pk) for pk in campaign_ids}
    return {pk: kept[1] for pk, kept in found.items() if kept is not None and kept[0] >= since}


def _read(campaign_ids: Sequence[UUID]) -> dict[UUID, tuple[Pair, ...]]:
    began = clocks.monotonic()
    rows: dict[UUID, list[Pair]] = {pk: [] for pk in campaign_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.campaign_id, m.zones, m.states FROM campaigns_member m
             WHERE m.campaign_id = ANY(%s) AND m.status = 2 AND m.calls GROUP BY 1, 2, 3
            """,
            [list(campaign_ids)],
        )
        for campaign_id, zones, states in cursor.fetchall():
            rows[campaign_id].append((tuple(zones), tuple(states)))
    if len(_kept) > KEPT_LISTS:
        _kept.clear()
    found = {campaign_id: tuple(pairs) for campaign_id, pairs in rows.items()}
    _kept.update({campaign_id: (began, pairs) for campaign_id, pairs in found.items()})
    return found


def forget_places(campaign_id: UUID) -> None:
    """People were added to this list: this process asks again where they are. The others do within KEPT_FOR."""
    _kept.pop(campaign_id, None)


def waiting_in(campaign_ids: Sequence[UUID], at: datetime) -> list[Waiting]:
    """Who waits in these lists, place by place; who is before a caller is not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.campaign_id, m.zones, m.states, count(*) FILTER (WHERE m.next_at <= %(at)s),
                   count(*) FILTER (WHERE m.next_at > %(at)s), min(m.next_at) FILTER (WHERE m.next_at > %(at)s)
              FROM campaigns_member m
             WHERE m.campaign_id = ANY(%(campaigns)s) AND m.status = 2 AND m.calls AND m.taken_by_id IS NULL
             GROUP BY 1, 2, 3
            """,
            {"campaigns": list(campaign_ids), "at": at},
        )
        return [
            Waiting(campaign_id, tuple(zones), tuple(states), now, later, next_at)
            for campaign_id, zones, states, now, later, next_at in cursor.fetchall()
        ]
