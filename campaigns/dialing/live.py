"""Who is calling at this moment, with whom, and what they have done today. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from accounts.models import Membership, User
from campaigns import clock
from campaigns.dialing.before import OWED
from campaigns.dialing.progress import REACHED
from campaigns.models import CallAttempt, Campaign, Member
from leads.models import Lead


def today() -> datetime:
    """Midnight by the clock of whom the request is for."""
    return timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Caller:
    """doing: in words. lead: before her, on the line, or of the call whose outcome she owes; None: nobody.

    since: of the call, or of its end.
    calls, reached, seconds: since midnight. last_at: her latest call today.
    """

    user: User
    doing: str
    lead: Lead | None
    campaign: Campaign | None
    since: datetime | None
    calls: int
    reached: int
    seconds: int
    last_at: datetime | None

    @property
    def minutes(self) -> int:
        return round(self.seconds / 60)


def callers(team_id: int, *, ranked: bool = False) -> Sequence[Caller]:
    """Who has called today or has a lead before her, by name; ranked: who reached most first. Five statements."""
    attempts = CallAttempt.objects.filter(team_id=team_id)
    counted: dict[int, dict[str, Any]] = {
        row["by"]: {**row}
        for row in attempts.filter(started_at__gte=today()).order_by().values("by").annotate(
            calls=Count("pk"), reached=Count("pk", filter=Q(disposition__outcome__in=REACHED)),
            seconds=Sum("seconds", default=0), last_at=Max("started_at"),
        )
    }  # fmt: skip
    unsaid = attempts.filter(OWED, disposition__isnull=True).select_related("lead", "campaign")
    lines = {one.by_id: one for one in unsaid.order_by("started_at")}
    before = {
        one.taken_by_id: one
        for one in Member.objects.filter(taken_by__isnull=False, campaign__team=team_id).select_related(
            "lead", "campaign"
        )
    }
    people = User.objects.filter(
        Q(pk__in={*counted, *lines, *before}), pk__in=Membership.objects.filter(team=team_id).values("user")
    )
    found = [_caller(user, counted.get(user.pk, {}), lines.get(user.pk), before.get(user.pk)) for user in people]
    key = (lambda one: (-one.reached, -one.calls, one.user.username)) if ranked else (lambda one: one.user.username)
    return sorted(found, key=key)


def _caller(user: User, row: dict[str, Any], line: CallAttempt | None, member: Member | None) -> Caller:
    if line is not None and line.ended_at is not None:
        doing, lead, campaign, since = "Owes an outcome", line.lead, line.campaign, line.ended_at
    elif line is not None:
        doing, lead, campaign, since = line.get_state_display(), line.lead, line.campaign, line.started_at
    elif member is not None:
        doing, lead, campaign, since = "Before a call", member.lead, member.campaign, None
    else:
        doing, lead, campaign, since = "Between calls", None, None, None
    return Caller(
        user, doing, lead, campaign, since, calls=row.get("calls", 0), reached=row.get("reached", 0),
        seconds=row.get("seconds", 0), last_at=row.get("last_at"),
    )  # fmt: skip
