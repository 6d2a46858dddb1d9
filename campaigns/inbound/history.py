"""A conversation word for word, and the conversations that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.access import Access
from campaigns.models import Conversation, Delivery

State = Conversation.State
BEFORE = timedelta(days=30)  # what a campaign sent before they answered it
MOST = 500  # messages of ours


@dataclass(frozen=True, slots=True)
class Word:
    """One message. is_theirs: they wrote it. text: None where it was forgotten. meaning: of theirs; state, by (a user's
    id, None: it was sent by itself), error (a rule's or the vendor's code): of ours.
    """

    id: UUID
    is_theirs: bool
    text: str | None
    at: datetime
    meaning: str = ""
    state: str = ""
    error: str = ""
    by: int | None = None


def words(talk: Conversation) -> list[Word]:
    """Both sides, the oldest first; ours also from the campaigns of 30 days before. Two statements."""
    theirs = [
        Word(one.pk, is_theirs=True, text=one.text, at=one.received_at, meaning=one.meaning)
        for one in talk.received.order_by("pk")
    ]
    of = Q(conversation=talk) | Q(team_id=talk.team_id, key_id=talk.key_id, created_at__gt=talk.opened_at - BEFORE)
    rows = Delivery.objects.filter(of).exclude(state=Delivery.State.CANCELLED).order_by("-pk")[:MOST]
    return sorted([*theirs, *map(word, rows)], key=lambda one: (one.at, one.id))


def word(sent: Delivery) -> Word:
    """A message of ours."""
    return Word(
        sent.pk, is_theirs=False, text=sent.body, at=sent.intended_at or sent.created_at, state=sent.state,
        error=sent.error, by=sent.by_id,
    )  # fmt: skip


def inbox(access: Access) -> QuerySet[Conversation]:
    """Her team's open conversations: what must be decided first, then the latest word."""
    rows = Conversation.objects.seen_by(access).exclude(state=State.CLOSED)
    return rows.select_related("lead", "assigned_to", "sender").order_by("decide_by", "-last_in_at", "-pk")


def waiting(access: Access) -> dict[str, int]:
    """How many: unread, held (to be decided), mine (assigned to her and open). One statement."""
    rows = Conversation.objects.seen_by(access).exclude(state=State.CLOSED)
    return rows.aggregate(
        unread=Count("pk", filter=Q(is_read=False)),
        held=Count("pk", filter=Q(state=State.HELD)),
        mine=Count("pk", filter=Q(state=State.OPEN, assigned_to=access.user.pk)),
    )
