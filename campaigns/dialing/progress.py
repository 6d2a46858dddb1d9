"""How far a call list is: its people, its calls, and when the next may be made. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from campaigns import clock
from campaigns.dialing.nobody import sentence, standing
from campaigns.gate.rule_rows import load_rules
from campaigns.models import CallAttempt, Campaign, Member

Status = Member.Status
REACHED = ("contact", "callback", "appointment", "lost", "won", "dnc")  # somebody spoke


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a list is. waiting: to be called; of them ready: may be called now, their turn has come; closed: their
    hours are; later: their turn comes later; before: before a caller now. why: of the stopped, by reason. calls made;
    reached: calls in which somebody spoke; again_at: when the first that waits may be called. words: in a sentence.
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


def progress(list_id: UUID) -> Progress:
    """Of one list or mixed campaign. Raises `Campaign.DoesNotExist`."""
    campaign = Campaign.objects.get(pk=list_id)
    rows = Member.objects.filter(campaign=campaign)
    counts = rows.aggregate(
        people=Count("pk"),
        waiting=Count("pk", filter=Q(status=Status.ACTIVE, calls=True)),
        before=Count("pk", filter=Q(taken_by__isnull=False)),
        done=Count("pk", filter=Q(status=Status.DONE)),
        stopped=Count("pk", filter=Q(status=Status.STOPPED)),
    )
    stopped = rows.filter(status=Status.STOPPED).order_by().values_list("why").annotate(n=Count("pk"))
    attempts = CallAttempt.objects.filter(campaign=campaign)
    calls = attempts.aggregate(made=Count("pk"), reached=Count("pk", filter=Q(disposition__outcome__in=REACHED)))
    at = clock.now()
    found = standing([campaign], load_rules(), at)
    firsts = [one for one in (found.opens_at, found.turn_at) if one is not None]
    return Progress(
        people=counts["people"],
        waiting=counts["waiting"],
        ready=found.ready,
        closed=found.closed,
        later=found.later,
        before=counts["before"],
        done=counts["done"],
        stopped=counts["stopped"],
        why=dict(sorted(stopped, key=lambda one: -one[1])),
        calls=calls["made"],
        reached=calls["reached"],
        again_at=at if found.ready else min(firsts, default=None),
        words=_words(found.ready, sentence(found, at)),
    )


def _words(ready: int, rest: str) -> str:
    """212 may be called now; 40 may not be called until 3:00 PM their time."""
    if not ready:
        return rest or "Nobody is left to call."
    others = rest.split("; ")
    others = [one for one in others if "could not be offered" not in one]
    told = f"{ready:,} may be called now"
    return "; ".join([told, *(one.rstrip(".") for one in others if one)]) + "."
