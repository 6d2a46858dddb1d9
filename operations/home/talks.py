"""Leads that somebody of the team has talked with: they wrote, or a call reached them. Counted at most to 10,000."""

from __future__ import annotations

from accounts.access import Access
from campaigns.dialing.progress import REACHED
from campaigns.models import CallAttempt, Conversation
from common.needs import of_team

COUNTED_AT_MOST = 10_000  # conversations and deals: a page is no place to count a million


def talks(access: Access) -> int:
    """How many, since the beginning; COUNTED_AT_MOST + 1: more."""
    wrote = of_team(Conversation.objects.filter(last_in_at__isnull=False, lead__isnull=False), access)
    spoke = of_team(CallAttempt.objects.filter(disposition__outcome__in=REACHED, lead__isnull=False), access)
    found = wrote.order_by().values("lead_id").union(spoke.order_by().values("lead_id"))
    return int(found[: COUNTED_AT_MOST + 1].count())
