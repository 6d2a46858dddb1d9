"""How many messages may leave today: of a campaign by its own limit, from a number by what the carriers allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Sum

from campaigns.models import Campaign, Delivery, Sender

CARRIERS = ZoneInfo("America/Los_Angeles")  # T-Mobile counts a brand's daily segments from midnight Pacific time


def campaign_room(campaign: Campaign, at: datetime) -> tuple[int | None, datetime]:
    """How many more messages today, by its owner's day (None: no limit), and when the next day begins."""
    day, tomorrow = _day(at, ZoneInfo(campaign.owner.time_zone or "UTC"))
    if campaign.daily_limit is None:
        return None, tomorrow
    sent = Delivery.objects.filter(campaign=campaign, intended_at__gte=day, state__in=Delivery.LEFT).count()
    return max(0, campaign.daily_limit - sent), tomorrow


def within_segments(sender: Sender | None, segments: Sequence[int], at: datetime) -> tuple[int, datetime]:
    """How many of the first messages, with so many segments each, fit into the sender's day; when the next begins."""
    day, tomorrow = _day(at, CARRIERS)
    if sender is None or sender.daily_segments is None:
        return len(segments), tomorrow
    rows = Delivery.objects.filter(sender=sender, intended_at__gte=day, state__in=Delivery.LEFT)
    left = sender.daily_segments - (rows.aggregate(all=Sum("segments"))["all"] or 0)
    for count, one in enumerate(segments):
        left -= one
        if left < 0:
            return count, tomorrow
    return len(segments), tomorrow


def _day(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight, (midnight + timedelta(days=1)).replace(hour=0)
