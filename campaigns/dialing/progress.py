from campaigns.dialing import nobody
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from campaigns import clock
from campaigns.gate.rule_rows import load_rules
from campaigns.models import CallAttempt, Campaign, Member


@dataclass(frozen=True, slots=True)
class Progress:
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


def progress(list_id: UUID) -> Progress:
    campaign = Campaign.objects.get(pk=list_id)
    people = Member.objects.filter(campaign=campaign)
    found = nobody.standing([campaign], load_rules(), clock.now())
    return Progress(
        people.count(),
        0,
        found.ready,
        found.closed,
        found.later,
        0,
        0,
        0,
        {},
        0,
        0,
        None,
        nobody.sentence(found, clock.now()),
    )
