"""What lists of leads ask about talks with owners: unread replies, and how the last call ended. As SQL about a lead."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from campaigns.dialing.dispositions import SEEDS
from campaigns.models import CallAttempt, Conversation, Disposition
from leads.registries import Talks


def new_replies() -> Q:
    """Leads whose owner wrote, and nobody has read it."""
    unread = Conversation.objects.filter(is_read=False, last_in_at__isnull=False, lead__isnull=False)
    return Q(pk__in=unread.exclude(state=Conversation.State.CLOSED).values("lead"))


def last_outcome(codes: Sequence[str]) -> Q:
    """Leads whose last call with an outcome ended with one of these codes."""
    ended = CallAttempt.objects.filter(disposition__isnull=False)
    later = ended.filter(lead=OuterRef("lead"), started_at__gt=OuterRef("started_at"))
    last = ended.filter(~Exists(later), lead__isnull=False, disposition__code__in=list(codes))
    return Q(pk__in=last.values("lead"))


def outcomes(team_id: int | None) -> list[tuple[str, str]]:
    """How calls of a team can end, with what is offered no more; those that are shipped while it has none."""
    own = Disposition.objects.filter(team=team_id).order_by("label").values_list("code", "label")
    return list(own) or [(seed.code, seed.label) for seed in SEEDS]


TALKS = Talks(new_replies=new_replies, last_outcome=last_outcome, outcomes=outcomes)
