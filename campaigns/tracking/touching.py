"""Writing down who opened an e-mail or followed its links, and by what it was told to be a person or a machine."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from campaigns import clock
from campaigns.locks import hold_touches
from campaigns.models import Delivery, Touch
from campaigns.rules.touches import HUMAN, MACHINE, Asked, Mark, by_itself, together
from campaigns.sending import marks
from common.logs import safe_traceback

log = logging.getLogger(__name__)
MOST = 100  # opens of an e-mail that are kept, and clicks: a machine that repeats itself tells nothing new
NETWORK_FOR = timedelta(days=1)  # that a touch keeps the hash of its network
PIECE = 2_000
SETTLED = timedelta(seconds=5)  # after which no burst makes a machine's click of what was taken for a person's
SCRIPT_WITHIN = timedelta(minutes=10)  # after a click its landing page says that it ran


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request says of who sends it. address: of its IP; it is hashed and not kept."""

    method: str
    agent: str
    address: str


def note_open(delivery_id: UUID, visit: Visit) -> None:
    """Its picture was fetched. Nothing acts on it."""
    _safely(delivery_id, lambda: _note(delivery_id, None, visit, hidden=False))


def note_click(delivery_id: UUID, link_id: UUID, visit: Visit, *, hidden: bool) -> None:
    """A link was followed. hidden: the one that no person sees. Where the campaign counts no clicks nothing is kept."""
    _safely(delivery_id, lambda: _note(delivery_id, link_id, visit, hidden=hidden))


def note_script(delivery_id: UUID, link_id: UUID) -> None:
    """The page that a link leads to has run its script: whoever followed it just now is a person, unless something has
    told it to be a machine.
    """
    _safely(delivery_id, lambda: _note_script(delivery_id, link_id))


def _safely(delivery_id: UUID, act: Callable[[], None]) -> None:
    """Whoever follows a link gets there, whatever counting does."""
    try:
        with transaction.atomic():
            hold_touches(delivery_id)
            act()
    except DatabaseError as error:
        log.error("A touch of message %s was not kept: %s", delivery_id, safe_traceback(error))


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message that is touched: when it was accepted and first clicked by a person, and what its campaign counts."""

    accepted_at: datetime | None
    clicked_at: datetime | None
    clicks: bool
    opens: bool


def _mail(delivery_id: UUID) -> _Mail | None:
    columns = ("accepted_at", "clicked_at", "campaign__track_clicks", "campaign__track_opens")
    row = Delivery.objects.filter(pk=delivery_id).values_list(*columns).first()
    return _Mail(row[0], row[1], bool(row[2]), bool(row[3])) if row else None


def _note(delivery_id: UUID, link_id: UUID | None, visit: Visit, *, hidden: bool) -> None:
    """Adds this touch, and says anew what all of the message's tell."""
    mail = _mail(delivery_id)
    if mail is None or not (mail.opens if link_id is None else mail.clicks):
        return
    if Touch.objects.filter(delivery=delivery_id, link__isnull=link_id is None).count() >= MOST:
        return
    at = clock.now()
    after = at - mail.accepted_at if mail.accepted_at is not None else None
    verdict = by_itself(Asked(visit.method, visit.agent, link_id is None, hidden, after), speed=_speed())
    kept = Touch(
        delivery_id=delivery_id, link_id=link_id, at=at, kind=verdict.kind, why=verdict.why,
        network=_network(visit.address, at),
    )  # fmt: skip
    Touch.objects.bulk_create([kept], ignore_conflicts=True)
    if link_id is not None:
        _judge(delivery_id, mail)


def _note_script(delivery_id: UUID, link_id: UUID) -> None:
    mail = _mail(delivery_id)
    if mail is None or not mail.clicks:
        return
    rows = Touch.objects.filter(delivery=delivery_id, link=link_id, at__gte=clock.now() - SCRIPT_WITHIN * _speed())
    last = rows.exclude(kind=MACHINE).order_by("-at").first()
    if last is not None:
        Touch.objects.filter(pk=last.pk).update(kind=HUMAN, why="script")
        marks.clicked(delivery_id, last.at)


def _judge(delivery_id: UUID, mail: _Mail) -> None:
    """Says anew what a message's touches tell. What was told to be a person's click, and acted on, stays one."""
    rows = Touch.objects.filter(delivery=delivery_id, link__isnull=False)
    known = [Mark(row.pk, row.link_id, row.at, row.kind, row.why, row.network) for row in rows]
    told = {mark.id for mark in known if mark.kind == HUMAN and mail.clicked_at is not None}
    for pk, verdict in together(known, speed=_speed()).items():
        if pk not in told:
            Touch.objects.filter(pk=pk).update(kind=verdict.kind, why=verdict.why)


def tell_people() -> int:
    """Marks the messages in which a person clicked, once no later touch can say that it was a machine. Returns how
    many. Every ten seconds; several may do it at once.
    """
    found: dict[UUID, datetime] = {}
    for delivery_id, at in untold(clock.now()).values_list("delivery_id", "at")[:PIECE]:
        found.setdefault(delivery_id, at)
    return sum(marks.clicked(delivery_id, at) for delivery_id, at in found.items())


def untold(now: datetime) -> QuerySet[Touch]:
    """People's clicks in messages that are not marked, the first first: those of a day, while networks are kept."""
    return Touch.objects.exclude(network="").filter(
        kind=HUMAN, link__isnull=False, at__gte=now - NETWORK_FOR, at__lt=now - SETTLED * _speed(),
        delivery__clicked_at__isnull=True,
    ).order_by("at")  # fmt: skip


def forget_networks() -> int:
    """Empties what touches kept of networks for a day. Returns how many."""
    before, emptied = clock.now() - NETWORK_FOR, 0
    while True:
        old = Touch.objects.filter(at__lt=before).exclude(network="").order_by("at")
        ids = list(old.values_list("pk", flat=True)[:PIECE])
        emptied += Touch.objects.filter(pk__in=ids).update(network="")
        if len(ids) < PIECE:
            return emptied


def _network(address: str, at: datetime) -> str:
    """16 characters that tell a network (/24, /48) from others on that day, and say nothing of it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    network = ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False)
    return salted_hmac(f"campaigns.tracking.network.{at:%Y-%m-%d}", str(network), algorithm="sha256").hexdigest()[:16]


def _speed() -> float:
    """How fast the campaigns' clock goes: what is a second for a machine is more by a faster clock."""
    return float(settings.CAMPAIGN_CLOCK[1]) if settings.CAMPAIGN_CLOCK is not None else 1.0
