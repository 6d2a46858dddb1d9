"""What is told of an e-mail after it has left: it came back, was reported as spam, clicked, answered. Each once.

A message that never left hears of nothing: a forged bounce suppresses nobody. What is told proves that a message in
doubt was taken (docs/campaigns.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction

from campaigns import clock
from campaigns.models import Delivery
from campaigns.sending import states, statuses
from campaigns.sending.moving import Moves, lock_with_members
from campaigns.sending.stopping import on_human_click

Bounce = Literal["hard", "soft", "blocked"]
_REFUSALS: dict[Bounce, str] = {"hard": states.HARD, "soft": states.SOFT, "blocked": states.BLOCKED}


def bounced(
    delivery_id: UUID,
    code: str,
    words: str,
    kind: Bounce,
    *,
    at: datetime | None = None,
    inbound_id: UUID | None = None,
) -> bool:
    """It came back: failed, `Campaign.bounced` grows. hard: its address does not exist; it is suppressed for e-mails,
    and the person's e-mail steps are passed over. soft: full, or for the moment; three in 14 days over two campaigns
    suppress the address for 90 days. blocked: by a rule of their server, not the person's fault.

    code: the status, such as 5.1.1; words: in the server's words, without a person in them. at: when, says the server.
    Returns whether it was news. A transaction of its own, or the caller's, which has locked no more than the post.
    """
    return _told(delivery_id, "bounced", error=code, words=words, refusal=_REFUSALS[kind], at=at, inbound_id=inbound_id)


def complained(delivery_id: UUID, *, at: datetime | None = None, inbound_id: UUID | None = None) -> bool:
    """It was reported as spam: `Campaign.complained` grows, the person is suppressed everywhere. As `bounced`."""
    return _told(delivery_id, "complained", at=at, inbound_id=inbound_id)


def clicked(delivery_id: UUID, at: datetime) -> bool:
    """A person, no machine, clicked a link in it: `Campaign.human_clicks` grows. Stops its member where the campaign
    stops on a click. at: by the campaigns' clock. Returns whether it was the first.
    """
    member_id = Delivery.objects.filter(pk=delivery_id).values_list("member_id", flat=True).first()
    if member_id is not None:
        with transaction.atomic():
            on_human_click(member_id)
    return _told(delivery_id, "clicked", marked_at=at)


def replied(delivery_id: UUID, at: datetime) -> bool:
    """They answered it, and none of its campaign's before. at: by the campaigns' clock. People are counted, and their
    campaigns stopped, by `stopping.on_reply`.
    """
    return not _has_sibling(delivery_id, "replied_at") and _told(delivery_id, "replied", marked_at=at)


def opted_out(delivery_id: UUID, at: datetime) -> bool:
    """As `replied`, of an opt-out by its link."""
    if _has_sibling(delivery_id, "opted_out_at"):
        return False
    with transaction.atomic():
        moves = Moves(clock.now())
        for row in lock_with_members([delivery_id], state__in=Delivery.LEFT):
            is_new = moves.mark(row, "opted_out_at", at)
            moves.write()
            return is_new
    return False


def _has_sibling(delivery_id: UUID, column: str) -> bool:
    """Whether that is known of another message of this one's member."""
    member = Delivery.objects.filter(pk=delivery_id, member__isnull=False).values("member")
    return Delivery.objects.filter(member__in=member, **{f"{column}__isnull": False}).exclude(pk=delivery_id).exists()


def _told(
    delivery_id: UUID,
    kind: str,
    *,
    error: str = "",
    words: str = "",
    refusal: str = "",
    at: datetime | None = None,
    inbound_id: UUID | None = None,
    marked_at: datetime | None = None,
) -> bool:
    column = states.MARKED_BY[kind]
    with transaction.atomic():
        row = Delivery.objects.filter(pk=delivery_id, state__in=Delivery.LEFT).only("vendor", column).first()
        if row is None or getattr(row, column) is not None:
            return False
        statuses.tell(
            delivery_id, kind, vendor=row.vendor, error=error, words=words, refusal=refusal, at=at,
            inbound_id=inbound_id, marked_at=marked_at,
        )  # fmt: skip
    return True
