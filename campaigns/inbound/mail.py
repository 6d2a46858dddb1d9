"""An e-mail that came in: whose it is and which of ours it is about, what it means, and what follows at once.

A stranger can name any message of ours. So a bounce suppresses only what that message was sent to, and words stop a
person's campaigns only where they come from an address of hers, or to the address that one message alone has.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.webhooks.queue import emit
from campaigns import clock
from campaigns.inbound import talks
from campaigns.inbound.people import Writer, lead_of, leads_of, lock_writer
from campaigns.inbound.receiving import RECEIVED
from campaigns.models import Delivery, IncomingMessage, MailSender
from campaigns.rules.opt_out import read as meaning_of
from campaigns.sending import marks
from campaigns.sending.holding import hold_members
from campaigns.sending.stopping import on_reply
from integrations.vendors.mail.reading import About, Arrived, Automatic, Bounce, Complaint, Written
from integrations.vendors.messages import Unreadable
from leads.keys.owner_keys import EMAIL
from leads.models import Lead, Suppression
from leads.permission.suppressing import Source, suppress_keys, suppress_wrong_number
from leads.privacy.filtering import kept_in, names_forgotten
from leads.services import note_received

log = logging.getLogger(__name__)
Meaning = IncomingMessage.Meaning
AWAY = timedelta(days=7)  # of an automatic answer that names no day
_NOT_OURS = "It is about no e-mail of ours: nothing was changed."
_OWN_COPY = "A copy of our own e-mail."


def hear(said: Arrived, message_id: UUID) -> str:
    """In the caller's transaction, which has locked the post and nothing else. The same twice changes nothing. Returns
    what an operator should know of it.
    """
    if isinstance(said, Unreadable):
        return said.why
    sent = find_sent(said.about)
    if isinstance(said, Bounce):
        return _bounced(said, sent, message_id)
    if isinstance(said, Complaint):
        if sent is None:
            return _NOT_OURS
        if said.is_abuse:
            marks.complained(sent.pk, inbound_id=message_id)
        return ""
    if is_own(said.about.sender):
        return _OWN_COPY
    if isinstance(said, Automatic):
        return _away(said, sent, message_id)
    return _wrote(said, sent, message_id)


def find_sent(about: About) -> Delivery | None:
    """The e-mail of ours that it is about, which has left: by the address it came to, else by the ids it names."""
    rows = Delivery.objects.filter(channel="email", state__in=Delivery.LEFT)
    rows = rows.select_related("mail_sender__seller", "key")
    if about.tokens and (found := rows.filter(callback_token__in=about.tokens).order_by("-pk").first()):
        return found
    named = rows.in_bulk(about.deliveries[:50])
    return next((named[pk] for pk in about.deliveries if pk in named), None)


def is_own(sender: str) -> bool:
    """Whether an address of a company here wrote it: a copy in a Sent folder, a Bcc, two of ours in a loop."""
    return bool(sender) and MailSender.objects.filter(address__iexact=sender).exists()


def _bounced(said: Bounce, sent: Delivery | None, message_id: UUID) -> str:
    if sent is None:
        return _NOT_OURS
    if said.kind != "later":
        marks.bounced(sent.pk, said.code or "failed", said.words, said.kind, inbound_id=message_id)
    return ""


def _away(said: Automatic, sent: Delivery | None, message_id: UUID) -> str:
    """Held until she is back, never answered, no reply."""
    if sent is None or sent.key_id is None:
        return _NOT_OURS
    if sent.lead_id is not None and _is_noted(sent.lead_id, message_id):
        return ""
    writer = lock_writer((int(EMAIL), sent.address)) if sent.address else None
    until = _until(said, sent)
    held = hold_members(writer.keys, until) if writer is not None else 0
    if sent.lead_id is not None and held:
        words = f"Automatic answer: out of office. On hold until {until:%b} {until.day}."
        note_received(lead_id=sent.lead_id, kind="email", text=words, ref=message_id)
    return ""


def _is_noted(lead_id: UUID, message_id: UUID) -> bool:
    return Lead.every.filter(pk=lead_id, activities__ref=message_id).exists()


def _until(said: Automatic, sent: Delivery) -> datetime:
    """The business day after the one she names, by her clock; else a week."""
    now = clock.now()
    if said.back_on is None:
        return now + AWAY
    zones = sent.member.zones if sent.member is not None else []
    day = said.back_on + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    zone = ZoneInfo(zones[0]) if zones else ZoneInfo("America/New_York")
    return max(now, datetime.combine(day, time(), zone))


def _wrote(said: Written, sent: Delivery | None, message_id: UUID) -> str:
    """1. Their keys are locked: what is being sent to them waits. 2. An opt-out suppresses, whoever's e-mail it answers;
    else their campaigns stop. 3. The message, in the conversation of the team that wrote. 4. The line on the lead, last.
    """
    about = said.about
    if IncomingMessage.objects.filter(inbound_id=message_id).exists():
        return ""
    if not about.sender:
        return "It says not who wrote it."
    writer = lock_writer((int(EMAIL), about.sender))
    if sent is not None and not _is_hers(writer, sent, about):
        sent = None
    if sent is not None and sent.key_id not in writer.keys:  # an alias, by the address that this e-mail alone has
        other = lock_writer((int(EMAIL), sent.address or about.sender))
        writer = Writer(writer.key_id, writer.own, writer.keys | other.keys)
    sender = sent.mail_sender if sent is not None else None
    team_id = sent.team_id if sent is not None else None
    lead = _lead(writer, sent, team_id)
    meaning = _meaning(said)
    if said.is_unsubscribe and sent is not None:
        suppress_keys(
            [sent.key_id], reason=Suppression.Reason.ONE_CLICK, scope=Suppression.Scope.EMAIL,
            source=Source.inbound(message_id), words="Unsubscribed by e-mail", team_id=team_id,
        )  # fmt: skip
        marks.opted_out(sent.pk, clock.now())
        return ""
    if meaning == Meaning.OPT_OUT:
        keys = {*writer.own, *([sent.key_id] if sent is not None else [])}
        suppress_keys(
            keys, reason="stop", source=Source.inbound(message_id), words=said.text[:300], spread=True, team_id=team_id
        )
    elif meaning == Meaning.WRONG:
        suppress_wrong_number(
            writer.key_id, leads_of(writer.key_id, team_id) if team_id else [], source=Source.inbound(message_id),
            words=said.text[:300],
        )  # fmt: skip
    else:
        on_reply(writer.keys)
    return _kept(said, sent, sender, writer, lead, meaning, message_id)


def _is_hers(writer: Writer, sent: Delivery, about: About) -> bool:
    return sent.callback_token in about.tokens or sent.key_id in writer.keys


def _lead(writer: Writer, sent: Delivery | None, team_id: int | None) -> Lead | None:
    if sent is not None and sent.lead_id is not None:
        return Lead.every.filter(pk=sent.lead_id).first()
    return lead_of(writer.key_id, team_id) if team_id else None


def _meaning(said: Written) -> str:
    """HELP and START are words of texts: in an e-mail they are a reply."""
    found = meaning_of(said.text or said.about.subject)
    return Meaning.REPLY if found in (Meaning.HELP, Meaning.START) else found


def _kept(
    said: Written, sent: Delivery | None, sender: MailSender | None, writer: Writer, lead: Lead | None, meaning: str,
    message_id: UUID,
) -> str:  # fmt: skip
    """The message with its conversation, the event, the line on the lead."""
    about, now = said.about, clock.now()
    address = None if names_forgotten(about.sender) else about.sender
    talk = talks.heard(
        writer, team_id=sent.team_id if sent is not None else None, mail_sender=sender, channel="email", lead=lead,
        number=address, meaning=meaning, at=now,
    )  # fmt: skip
    message = IncomingMessage(
        conversation=talk, inbound_id=message_id, channel="email", key_id=writer.key_id, meaning=meaning,
        delivery_id=sent.pk if sent is not None else None, message_id=about.message_id, received_at=now,
    )  # fmt: skip
    message.text, message.subject = kept_in(message, "text", said.text), kept_in(message, "subject", about.subject)
    message.save()
    if talk is None:
        return "Written to no company here: an opt-out counts all the same."
    told = {"conversationId": str(talk.pk), "leadId": str(lead.pk) if lead else None, "meaning": str(meaning)}
    emit(RECEIVED, team_id=talk.team_id, object_id=talk.pk, data=told)
    if lead is not None:
        note_received(lead_id=lead.pk, kind="email", text=f"They wrote: {said.text}"[:2000], ref=message.pk)
    return ""


__all__: Sequence[str] = ("find_sent", "hear", "is_own")
