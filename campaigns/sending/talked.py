"""What became of our words in a conversation: when we last said something, and whose turn it is where nothing left."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Greatest

from campaigns.locks import lock_conversations
from campaigns.models import Conversation, Delivery

State = Delivery.State
UNSAID = frozenset({State.REFUSED, State.EXPIRED, State.FAILED, State.CANCELLED})


def note_words(said: Collection[UUID], unsaid: Collection[UUID], at: datetime) -> None:
    """said, unsaid: conversations in which a message of ours was taken by the vendor, or has ended without arriving
    although a person wrote it. In the caller's transaction: conversations come after campaigns and before leads.

    Where an answer did not arrive nobody waits for them: the conversation is open again, and not read.
    """
    if not (said or unsaid):
        return
    rows = Conversation.objects.filter(pk__in={*said, *unsaid})
    list(lock_conversations(rows.only("pk")))
    rows.filter(pk__in=said).update(last_out_at=Greatest("last_out_at", at))
    back = Q(pk__in=unsaid, state=Conversation.State.WAITING)
    rows.filter(back).update(state=Conversation.State.OPEN, is_read=False)


def is_unsaid(delivery: Delivery) -> bool:
    """Whether a person's own message has ended without arriving."""
    return delivery.by_id is not None and delivery.state in UNSAID
