"""What somebody wrote: what it means, and what follows at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from accounts.webhooks.queue import emit
from campaigns import clock
from campaigns.inbound import talks
from campaigns.inbound.people import Writer, lead_of, leads_of, lock_writer, sender_of
from campaigns.inbound.posts import meaning_of
from campaigns.models import Conversation, Delivery, IncomingMessage, Sender
from campaigns.sending.queue import CannotQueue, queue_message
from campaigns.sending.stopping import on_reply
from common.db.clock import database_now
from integrations.vendors.messaging import IncomingText
from leads.keys.owner_keys import PHONE
from leads.models import Consent, ContactKey, Lead
from leads.permission.consenting import give
from leads.permission.suppressing import OPT_OUTS, Source, in_force, suppress_keys, suppress_wrong_number
from leads.privacy.filtering import kept_in, names_forgotten
from leads.services import note_received

log = logging.getLogger(__name__)
Meaning = IncomingMessage.Meaning
ONE_HELP = timedelta(hours=24)  # a number gets one answer to HELP in this time
ONE_CONFIRMATION = timedelta(hours=24)  # and one confirmation of an opt-out
RECEIVED = "message.received"
EVENTS = {
    RECEIVED: "Somebody has written to one of your numbers or e-mail addresses: ids and what it means, not the words."
}
CONFIRMED = "{company}: You are unsubscribed. You will get no more messages from us."
HELPED = "{company} writes about your property. Questions: {phone}. Reply STOP to end."


def receive(said: IncomingText, message_id: UUID) -> str:
    """In the caller's transaction, which has locked the post and nothing else. The same message twice changes nothing.
    Returns what an operator should know of it.

    1. Their keys are locked, all of the owner's together: a message that is being sent to her waits for what she says.
    2. An opt-out or a wrong number is suppressed, whoever's number they wrote to; anything else stops her campaigns.
    3. The message, in the conversation of the team whose number it is. Without such a number no team reads it.
    4. An opt-out is confirmed, HELP answered, START noted; what may be an opt-out waits for a person.
    5. The line on the lead, last: leads are locked after everything else.
    """
    if IncomingMessage.objects.filter(inbound_id=message_id).exists():
        return ""
    meaning, now = meaning_of(said), clock.now()
    writer = lock_writer((int(PHONE), said.number))
    sender = sender_of(said.ours, said.vendor)
    team_id = sender.seller.team_id if sender else None
    lead = lead_of(writer.key_id, team_id) if team_id else None
    was_stopped = meaning == Meaning.OPT_OUT and is_stopped(writer.key_id, sender)
    if meaning == Meaning.OPT_OUT:
        source = Source.inbound(message_id)
        suppress_keys(writer.own, reason="stop", source=source, words=said.text[:300], spread=True, team_id=team_id)
    elif meaning == Meaning.WRONG:
        about = leads_of(writer.key_id, team_id) if team_id else []
        suppress_wrong_number(writer.key_id, about, source=Source.inbound(message_id), words=said.text[:300])
    else:
        on_reply(writer.keys)
    address = None if names_forgotten(said.number) else said.number
    talk = talks.heard(writer, team_id=team_id, sender=sender, lead=lead, number=address, meaning=meaning, at=now)
    message = IncomingMessage(
        conversation=talk, inbound_id=message_id, key_id=writer.key_id, sender=sender, meaning=meaning,
        is_answered=said.is_answered, received_at=now,
    )  # fmt: skip
    message.text = kept_in(message, "text", said.text)
    message.save()
    if sender is None or talk is None:
        return "Written to a number that no company here texts from."
    _answer(said, message, sender, talk, writer, lead, was_stopped=was_stopped, now=now)
    told = {"conversationId": str(talk.pk), "leadId": str(lead.pk) if lead else None, "meaning": str(meaning)}
    emit(RECEIVED, team_id=team_id, object_id=talk.pk, data=told)
    talks.notify_reply(talk, meaning, lead)
    if lead is not None:
        note_received(lead_id=lead.pk, kind="sms", text=f"They wrote: {said.text}"[:2000], ref=message.pk)
    return ""


def is_stopped(key_id: int, sender: Sender | None) -> bool:
    """Whether this number has opted out already, and no START of its own came after."""
    key = ContactKey.objects.get(pk=key_id)
    digest = (key.kind, bytes(key.digest))
    rows = in_force([digest], "sms", seller_id=sender.seller_id if sender else None).get(digest, [])
    return any(row.reason in OPT_OUTS for row in rows)


def _answer(
    said: IncomingText,
    message: IncomingMessage,
    sender: Sender,
    talk: Conversation,
    writer: Writer,
    lead: Lead | None,
    *,
    was_stopped: bool,
    now: datetime,
) -> None:
    """What we say by ourselves: one confirmation of an opt-out, one help a day, nothing where the vendor has spoken."""
    if message.meaning == Meaning.START:
        give(
            (int(PHONE), said.number), channel=Consent.Channel.SMS, kind=Consent.Type.START, seller=sender.seller,
            given_at=database_now(), how=Consent.How.INBOUND, reference=Source.inbound(message.inbound_id),
            lead_id=lead.pk if lead else None,
        )  # fmt: skip
    if said.is_answered or talk.address is None:
        return
    words = ""
    if message.meaning == Meaning.OPT_OUT and not was_stopped and not _sent(writer, Delivery.Purpose.CONFIRM, now):
        words, purpose = CONFIRMED.format(company=sender.seller.company), Delivery.Purpose.CONFIRM
    elif message.meaning == Meaning.HELP and not _helped(message, now):
        seller = sender.seller
        words, purpose = (
            HELPED.format(company=seller.company, phone=_spoken(seller.callback_phone)),
            Delivery.Purpose.REPLY,
        )
    if not words:
        return
    try:
        queue_message(
            team=sender.seller.team, lead_id=lead.pk if lead else None, key=ContactKey.objects.get(pk=writer.key_id),
            address=said.number, text=words, purpose=purpose, by=None, conversation=talk, once=message.pk,
        )  # fmt: skip
    except CannotQueue as error:
        log.warning("An answer to %s cannot be sent: %s", message.pk, error.code or error.field)


def _spoken(phone: str) -> str:
    """(617) 555-0100"""
    return f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}" if phone.startswith("+1") and len(phone) == 12 else phone


def _sent(writer: Writer, purpose: str, now: datetime) -> bool:
    """One a day, whatever became of it."""
    since = now - ONE_CONFIRMATION
    rows = Delivery.objects.filter(key_id=writer.key_id, purpose=purpose)
    return rows.exclude(intended_at__lt=since).exists()


def _helped(message: IncomingMessage, now: datetime) -> bool:
    others = IncomingMessage.objects.filter(key_id=message.key_id, meaning=Meaning.HELP).exclude(pk=message.pk)
    return others.filter(received_at__gt=now - ONE_HELP).exists()
