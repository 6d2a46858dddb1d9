"""Leads that somebody of the team has talked with: they wrote, or a call reached them. Counted at most to 10,000."""

from __future__ import annotations

from datetime import datetime

from accounts.access import Access
from campaigns.dialing.progress import REACHED
from campaigns.models import CallAttempt, Conversation
from common.needs import of_team

COUNTED_AT_MOST = 10_000  # conversations and deals: a page is no place to count a million


def talks_since(access: Access, since: datetime | None = None) -> int:
    """How many; since: of those who wrote or were called from then on. COUNTED_AT_MOST + 1: more."""
    wrote = of_team(Conversation.objects.filter(last_in_at__isnull=False, lead__isnull=False), access)
    spoke = of_team(CallAttempt.objects.filter(disposition__outcome__in=REACHED, lead__isnull=False), access)
    if since is not None:
        wrote, spoke = wrote.filter(last_in_at__gte=since), spoke.filter(started_at__gte=since)
    talks = wrote.order_by().values("lead_id").union(spoke.order_by().values("lead_id"))
    return int(talks[: COUNTED_AT_MOST + 1].count())
