"""A text or an e-mail that a person writes to one owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from campaigns import clock
from campaigns.inbound.people import lock_writer
from campaigns.inbound.talks import CLOSES_AFTER, BadTalk, checked, hold_keys, lock_open_talk
from campaigns.models import Conversation, Delivery
from campaigns.sending.queue import CannotQueue, mail_sender_of, queue_mail, queue_message, sender_of
from leads.keys.owner_keys import EMAIL, PHONE
from leads.models import ContactKey, Lead
from leads.permission.suppressing import Value


def text(*, lead: Lead, by: User, text: str) -> Delivery:
    """Queues it, in the conversation with this owner, which it opens. The gate decides when it leaves, or that it does
    not. Raises BadTalk: nothing written, no phone; CannotQueue.
    """
    words = checked(text)
    if not lead.phone:
        raise BadTalk("This lead has no phone.", code="NO_PHONE")
    sender = sender_of(lead.team)
    if sender is None:
        raise CannotQueue("Add a number to text from.", code="NO_SENDER")
    with transaction.atomic():
        talk, key = _opened(lead, by, (int(PHONE), lead.phone), sender=sender)
        return queue_message(
            team=lead.team, lead_id=lead.pk, key=key, address=lead.phone, text=words, purpose=Delivery.Purpose.MANUAL,
            by=by, conversation=talk,
        )  # fmt: skip


def mail(*, lead: Lead, by: User, subject: str, text: str, once: UUID | None = None) -> Delivery:
    """As `text`, an e-mail to the lead's own address. Raises BadTalk: no e-mail, or held; CannotQueue.

    once: the same press twice is one e-mail.
    """
    if not lead.email:
        raise BadTalk("This lead has no e-mail.", code="NO_EMAIL")
    sender = mail_sender_of(lead.team)
    if sender is None:
        raise CannotQueue("Add an address to send e-mails from.", code="NO_SENDER")
    with transaction.atomic():
        talk, key = _opened(lead, by, (int(EMAIL), lead.email), channel="email", mail_sender=sender)
        return queue_mail(
            team=lead.team, lead_id=lead.pk, key=key, address=lead.email, subject=subject, text=text,
            purpose=Delivery.Purpose.MANUAL, by=by, conversation=talk, once=once,
        )  # fmt: skip


def _opened(lead: Lead, by: User, to: Value, **ours: Any) -> tuple[Conversation, ContactKey]:
    """The conversation with this owner, opened where there is none, which waits for them from now on; and the key of
    the address. ours: of a new one, what it is written from. Locks the owner's keys. Raises BadTalk: held.
    """
    writer, at = lock_writer(to), clock.now()
    talk = lock_open_talk(lead.team_id, writer.keys) or Conversation.objects.create(
        team_id=lead.team_id, lead=lead, key_id=writer.key_id, address=to[1], opened_by="person", assigned_to=by,
        opened_at=at, state=Conversation.State.WAITING, is_read=True, **ours,
    )  # fmt: skip
    if talk.state == Conversation.State.HELD:
        raise BadTalk("Decide first whether their last message was an opt-out.", code="HELD")
    hold_keys(talk, writer.keys)
    Conversation.objects.filter(pk=talk.pk).update(state=Conversation.State.WAITING, close_at=at + CLOSES_AFTER)
    return talk, ContactKey.objects.get(pk=writer.key_id)
