"""How many messages may leave today: of a campaign by its own limit, from a number by what the carriers allow, from an
e-mail address by its own limit and its warm-up; and how many e-mails a minute to one mail provider.

Exact with any number of workers: who decides holds the operation's row, and counts what is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from campaigns.models import Campaign, Delivery, MailSender, Sender
from campaigns.rules.warm_up import limit_of

CARRIERS = ZoneInfo("America/Los_Angeles")  # T-Mobile counts a brand's daily segments from midnight Pacific time
MAIL_DAY = ZoneInfo("America/New_York")  # of a sending address: people write in business hours of the United States
MINUTE = timedelta(minutes=1)
PACED, DAY = "provider_pace", "daily_limit"  # `Delivery.error` of an e-mail that waits for its minute, or for tomorrow
# Domains of one mail provider, which counts them together.
_SAME = {
    "googlemail.com": "gmail.com", "hotmail.com": "outlook.com", "live.com": "outlook.com", "msn.com": "outlook.com",
    "ymail.com": "yahoo.com", "rocketmail.com": "yahoo.com", "aol.com": "yahoo.com", "me.com": "icloud.com",
    "mac.com": "icloud.com",
}  # fmt: skip


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


def mail_room(sender: MailSender, at: datetime) -> tuple[int | None, datetime]:
    """How many more e-mails today from this address (None: no limit), and when the next day begins. What people write
    themselves is counted and held by nothing.
    """
    day, tomorrow = _day(at, MAIL_DAY)
    limit = limit_of(at.astimezone(MAIL_DAY).date(), warm_up_from=sender.warm_up_from, daily_limit=sender.daily_limit)
    if limit is None:
        return None, tomorrow
    sent = Delivery.objects.filter(mail_sender=sender, intended_at__gte=day, state__in=Delivery.LEFT).count()
    return max(0, limit - sent), tomorrow


def held_by_provider(sender: MailSender, rows: Sequence[Delivery], at: datetime) -> dict[UUID, datetime]:
    """Those of these e-mails whose mail provider has had its share of the last minute from this address, and when each
    may be tried again: behind those that wait for the same already, so that none is tried each minute for nothing.
    """
    asked = {row.pk: provider_of(row.address or "") for row in rows}
    paces = {name: pace for name in set(asked.values()) if (pace := pace_of(name))}
    if not paces:
        return {}
    sent, oldest = _sent(sender, at)
    over = [row for row in rows if asked[row.pk] in paces and not _takes(sent, asked[row.pk], paces)]
    waiting = _waiting(sender, at) if over else {}
    later = {}
    for row in over:
        name = asked[row.pk]
        turn = waiting.get(name, 0) // paces[name]
        waiting[name] = waiting.get(name, 0) + 1
        later[row.pk] = max(oldest.get(name, at) + MINUTE, at + timedelta(seconds=1)) + MINUTE * turn
    return later


def provider_of(address: str) -> str:
    """gmail.com of jane@googlemail.com."""
    domain = address.rpartition("@")[2].lower()
    return _SAME.get(domain, domain)


def pace_of(provider: str) -> int:
    """E-mails a minute from one address to this provider; 0: any number."""
    paces = settings.MAIL_DOMAIN_PACE
    return int(paces.get(provider, paces.get("*", 0)))


def _takes(sent: dict[str, int], name: str, paces: dict[str, int]) -> bool:
    if sent.get(name, 0) >= paces[name]:
        return False
    sent[name] = sent.get(name, 0) + 1
    return True


def _sent(sender: MailSender, at: datetime) -> tuple[dict[str, int], dict[str, datetime]]:
    """By provider: e-mails of the last minute, and when the first of them left."""
    counts: dict[str, int] = {}
    oldest: dict[str, datetime] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT lower(split_part(address, '@', 2)), count(*), min(intended_at) FROM campaigns_delivery
             WHERE mail_sender_id = %s AND intended_at > %s AND state = ANY(%s) AND address IS NOT NULL GROUP BY 1
            """,
            [sender.pk, at - MINUTE, list(Delivery.LEFT)],
        )
        for domain, count, first in cursor.fetchall():
            name = _SAME.get(domain, domain)
            counts[name] = counts.get(name, 0) + count
            oldest[name] = min(first, oldest.get(name, first))
    return counts, oldest


def _waiting(sender: MailSender, at: datetime) -> dict[str, int]:
    """By provider: e-mails of running campaigns that wait for their minute."""
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT lower(split_part(d.address, '@', 2)), count(*) FROM campaigns_delivery d
              JOIN campaigns_campaign c ON c.id = d.campaign_id AND c.status = 'running'
             WHERE d.state = 'due' AND d.mail_sender_id = %s AND d.not_before > %s AND d.error = %s
               AND d.address IS NOT NULL GROUP BY 1
            """,
            [sender.pk, at, PACED],
        )
        for domain, count in cursor.fetchall():
            name = _SAME.get(domain, domain)
            counts[name] = counts.get(name, 0) + count
    return counts


def _day(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight, (midnight + timedelta(days=1)).replace(hour=0)
