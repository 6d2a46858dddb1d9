"""A conversation word for word, and how many wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from campaigns.models import Conversation, Delivery
from campaigns.texts.mail import as_shown

State = Conversation.State
BEFORE = timedelta(days=30)  # what a campaign sent before they answered it
MOST = 500  # messages of ours


@dataclass(frozen=True, slots=True)
class Word:
    """One message. is_theirs: they wrote it. text: None where it was forgotten. meaning: of theirs; state, by (a user's
    id, None: it was sent by itself), error (a rule's or the vendor's code), error_words, refusal: of ours. channel:
    sms, email; subject: of an e-mail, None where it was forgotten.
    """

    id: UUID
    is_theirs: bool
    text: str | None
    at: datetime
    meaning: str = ""
    state: str = ""
    error: str = ""
    error_words: str = ""
    refusal: str = ""
    by: int | None = None
    channel: str = "sms"
    subject: str | None = None


def words(talk: Conversation) -> list[Word]:
    """Both sides, the oldest first; ours also from the campaigns of 30 days before. Two statements."""
    received = list(talk.received.order_by("pk"))
    theirs = [
        Word(
            one.pk, is_theirs=True, text=one.text, at=one.received_at, meaning=one.meaning, channel=one.channel,
            subject=one.subject,
        )
        for one in received
    ]  # fmt: skip
    answered = [one.delivery_id for one in received if one.delivery_id is not None]  # an alias of theirs answers it
    of = Q(conversation=talk) | Q(team_id=talk.team_id, pk__in=answered)
    of |= Q(team_id=talk.team_id, key_id=talk.key_id, created_at__gt=talk.opened_at - BEFORE)
    taken_back = Q(state=Delivery.State.CANCELLED, by_id=None)  # a person looks for what she has written
    rows = Delivery.objects.filter(of).exclude(taken_back).order_by("-pk")[:MOST]
    return sorted([*theirs, *map(word, rows)], key=lambda one: (one.at, one.id))


def word(sent: Delivery) -> Word:
    """A message of ours."""
    text = as_shown(sent.body) if sent.body is not None else None
    return Word(
        sent.pk, is_theirs=False, text=text, at=sent.intended_at or sent.created_at, state=sent.state,
        error=sent.error, error_words=sent.error_words, refusal=sent.refusal, by=sent.by_id,
        channel=sent.channel, subject=sent.subject,
    )  # fmt: skip


def waiting(rows: QuerySet[Conversation]) -> dict[str, int]:
    """Of these, those not closed: how many are held (to be decided), and how many others nobody has read. One
    statement.
    """
    held = Q(state=State.HELD)
    return rows.exclude(state=State.CLOSED).aggregate(
        held=Count("pk", filter=held), unread=Count("pk", filter=Q(is_read=False) & ~held)
    )
