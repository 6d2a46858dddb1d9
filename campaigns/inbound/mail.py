"""An e-mail that came in: whose it is and which of ours it is about, what it means, and what follows at once.

A stranger can name any message of ours. So a bounce suppresses only what that message was sent to, and words stop a
person's campaigns only where they come from an address of hers, or to the address that one message alone has. Whoever
has the message has its way out, too: words that end it do that much, from whatever address they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.webhooks.queue import emit
from campaigns import clock
from campaigns.inbound import talks
from campaigns.inbound.people import Writer, is_own, lead_of, leads_of, lock_owner, lock_writer, of_owner, written_to
from campaigns.inbound.posts import OPT_OUTS
from campaigns.inbound.receiving import RECEIVED
from campaigns.models import Delivery, IncomingMessage, MailSender
from campaigns.rules.opt_out import read as meaning_of
from campaigns.sending import marks, statuses
from campaigns.sending.holding import hold_members
from campaigns.sending.stopping import on_reply
from integrations.vendors.mail.reading import About, Arrived, Automatic, Bounce, Complaint, Written
from integrations.vendors.messages import Unreadable
from leads.keys.owner_keys import EMAIL
from leads.models import Lead, Suppression
from leads.permission.suppressing import Source, suppress_keys, suppress_wrong_number
from leads.privacy.filtering import kept_in, names_forgotten
from leads.services import note_received

Meaning = IncomingMessage.Meaning
AWAY = timedelta(days=7)  # of an automatic answer that names no day
# Words of an automatic answer that count: a footer below, which names an unsubscribe link, is not hers.
FEW_WORDS = re.compile(r"\s*(?:\S+\s+){0,29}\S*")
NOT_OURS = "It is about no e-mail of ours: nothing was changed."
_OWN_COPY = "A copy of our own e-mail."
_ANSWER = re.compile(r"(?:re|aw|sv|rv|fwd?)\s*:", re.IGNORECASE)  # before a subject of ours
_BY_EMAIL = "Unsubscribed by e-mail"


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
            return NOT_OURS
        if said.is_abuse:
            marks.complained(sent.pk, inbound_id=message_id)
        return ""
    if is_own(said.about.sender):
        return _OWN_COPY
    if isinstance(said, Automatic):
        if not ends_all(said):
            return _away(said, sent)
        said = Written(said.about, said.text, is_unsubscribe=False)
    return _wrote(said, sent, message_id)


def ends_all(said: Automatic) -> bool:
    """Whether its first words ask to stop, whatever its headers say: programs in which people answer customers mark
    what they send, too, and who has left a company may have it say so.
    """
    begins = FEW_WORDS.match(said.text)
    return begins is not None and meaning_of(begins[0]) == "opt_out"


def prove(said: Arrived) -> None:
    """A message in doubt that somebody answers, by hand or not, has left: that is noted first, in a transaction of its
    own, as its call is locked before any key. Bounces and complaints say so by themselves.
    """
    if isinstance(said, Automatic | Written):
        sent = find_sent(said.about)
        if sent is not None and sent.state == Delivery.State.IN_DOUBT:
            statuses.tell(sent.pk, "accepted", vendor=sent.vendor)


def find_sent(about: About) -> Delivery | None:
    """The e-mail of ours that it is about, which has left: by the address it came to, else by the ids it names."""
    rows = Delivery.objects.filter(channel="email", state__in=Delivery.LEFT)
    rows = rows.select_related("mail_sender__seller", "key", "member")
    if about.tokens and (found := rows.filter(callback_token__in=about.tokens).order_by("-pk").first()):
        return found
    named = rows.in_bulk(about.deliveries[:50])
    return next((named[pk] for pk in about.deliveries if pk in named), None)


def _bounced(said: Bounce, sent: Delivery | None, message_id: UUID) -> str:
    if sent is None:
        return NOT_OURS
    if said.kind != "later":
        marks.bounced(sent.pk, said.code or "failed", said.words, said.kind, inbound_id=message_id)
    return ""


def _away(said: Automatic, sent: Delivery | None) -> str:
    """Held until she is back, never answered, no reply. One line for each e-mail of ours, however often it is answered
    so.
    """
    if sent is None or sent.key_id is None:
        return NOT_OURS
    until = _until(said, sent)
    held = hold_members(lock_owner([sent.key_id]), until)
    if sent.lead_id is not None and held:
        words = f"Automatic answer: out of office. On hold until {until:%b} {until.day}."
        note_received(lead_id=sent.lead_id, kind="email", text=words, ref=uuid5(sent.pk, "away"))
    return ""


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


@dataclass(frozen=True, slots=True)
class _Heard:
    """Who wrote, which e-mail of ours they answer, and whose address they wrote to. named: one that they name, which
    went to somebody else, as far as we know.
    """

    writer: Writer
    sent: Delivery | None
    team_id: int | None
    sender: MailSender | None
    lead: Lead | None
    named: Delivery | None = None


def _wrote(said: Written, sent: Delivery | None, message_id: UUID) -> str:
    """1. Their keys are locked: what is being sent to them waits. 2. An opt-out suppresses, whoever's e-mail it
    answers, and what that was sent to; so does a wrong person; else their campaigns stop. 3. The message, in the
    conversation of the team that wrote. 4. The line on the lead, last.
    """
    if IncomingMessage.objects.filter(inbound_id=message_id).exists():
        return ""
    if said.is_unsubscribe and sent is not None and _names(said.about, sent):
        return _unsubscribed(sent, message_id)
    if not said.about.sender:
        return "It does not say who wrote it."
    meaning = meaning_in(said)
    heard = _whose(said.about, sent, ends=meaning in OPT_OUTS)
    writer = heard.writer
    if _came_before(said, writer, meaning):
        return "It had come before."
    if meaning == Meaning.OPT_OUT:
        keys = {*writer.own, *([heard.sent.key_id] if heard.sent is not None and heard.sent.key_id else [])}
        suppress_keys(
            keys, reason="stop", source=Source.inbound(message_id), words=said.text[:300], spread=True,
            team_id=heard.team_id,
        )  # fmt: skip
    elif meaning == Meaning.WRONG:
        to = {heard.sent.key_id} if heard.sent is not None and heard.sent.key_id else set()  # they answer by an alias
        for key_id in sorted({writer.key_id, *to}):
            suppress_wrong_number(
                key_id, leads_of(key_id, heard.team_id) if heard.team_id else [],
                source=Source.inbound(message_id), scopes=(Suppression.Scope.EMAIL,), words=said.text[:300],
            )  # fmt: skip
    else:
        on_reply(writer.keys)
    if heard.named is not None:
        _take_way_out(heard.named, message_id)
    note = _kept(said, heard, meaning, message_id)
    if heard.named is not None:
        _note_way_out(heard.named)
    return note


def _came_before(said: Written, writer: Writer, meaning: str) -> bool:
    """Posted, and in the mailbox as well; or twice in either. What a person has decided is not asked again."""
    same = Q(meaning=meaning)
    if meaning == Meaning.ASK:
        same |= Q(decided_at__isnull=False)
    known = IncomingMessage.objects.filter(same, key=writer.key_id, message_id=said.about.message_id)
    return bool(said.about.message_id) and known.exists()


def _names(about: About, sent: Delivery) -> bool:
    return sent.callback_token in about.tokens


def _whose(about: About, sent: Delivery | None, *, ends: bool) -> _Heard:
    """Their keys are locked. What they name as ours counts where it was sent to an address of theirs, or where they
    wrote to the address that it alone has, an alias of theirs among them. ends: they ask for no more,
    which counts of any other, too.
    """
    by_token = sent is not None and _names(about, sent)
    also = [sent.key_id] if sent is not None and sent.key_id is not None and (by_token or ends) else []
    writer, named = lock_writer((int(EMAIL), about.sender), also), None
    if sent is not None and not by_token:
        theirs = of_owner(writer.own)
        if sent.key_id not in theirs:
            writer = Writer(writer.key_id, writer.own, frozenset(theirs))
            named, sent = sent if also else None, None
    if sent is None:
        to = written_to(about.recipients)
        lead = lead_of(writer.key_id, to.team_id) if to.team_id else None
        return _Heard(writer, None, to.team_id, to.sender, lead, named)
    lead = Lead.every.filter(pk=sent.lead_id).first() if sent.lead_id else lead_of(writer.key_id, sent.team_id)
    return _Heard(writer, sent, sent.team_id, sent.mail_sender, lead)


def _unsubscribed(sent: Delivery, message_id: UUID) -> str:
    """By the address that List-Unsubscribe names: the way out, whoever takes it."""
    if sent.key_id is None:
        return NOT_OURS
    _take_way_out(sent, message_id)
    _note_way_out(sent)
    return ""


def _take_way_out(sent: Delivery, message_id: UUID) -> None:
    suppress_keys(
        [sent.key_id] if sent.key_id is not None else [], reason=Suppression.Reason.ONE_CLICK,
        scope=Suppression.Scope.EMAIL, source=Source.inbound(message_id), words=_BY_EMAIL, team_id=sent.team_id,
    )  # fmt: skip
    marks.opted_out(sent.pk, clock.now())


def _note_way_out(sent: Delivery) -> None:
    """The line on the lead, after all other locks."""
    if sent.lead_id is not None:
        note_received(lead_id=sent.lead_id, kind="email", text=f"{_BY_EMAIL}.", ref=uuid5(sent.pk, "unsubscribed"))


def meaning_in(said: Written) -> str:
    """Of its text; of its subject, too, where it is theirs: "Unsubscribe" above "Sent from my phone". HELP and START
    are words of texts: in an e-mail they are a reply.
    """
    subject = said.about.subject
    found: str = meaning_of(said.text or subject)
    if found == Meaning.REPLY and not _ANSWER.match(subject):
        found = meaning_of(subject)
    elif found in OPT_OUTS and said.is_quoted:
        found = Meaning.ASK  # it may be ours
    return Meaning.REPLY if found in (Meaning.HELP, Meaning.START) else found


def _kept(said: Written, heard: _Heard, meaning: str, message_id: UUID) -> str:
    """The message with its conversation, the event, the line on the lead."""
    about, now, lead = said.about, clock.now(), heard.lead
    address = None if names_forgotten(about.sender) else about.sender
    talk = talks.heard(
        heard.writer, team_id=heard.team_id, mail_sender=heard.sender, channel="email", lead=lead, number=address,
        meaning=meaning, at=now,
    )  # fmt: skip
    message = IncomingMessage(
        conversation=talk, inbound_id=message_id, channel="email", key_id=heard.writer.key_id, meaning=meaning,
        delivery_id=heard.sent.pk if heard.sent is not None else None, message_id=about.message_id, received_at=now,
    )  # fmt: skip
    message.text, message.subject = kept_in(message, "text", said.text), kept_in(message, "subject", about.subject)
    message.save()
    if talk is None:
        return "Written to no company here: an opt-out counts all the same."
    told = {"conversationId": str(talk.pk), "leadId": str(lead.pk) if lead else None, "meaning": str(meaning)}
    emit(RECEIVED, team_id=talk.team_id, object_id=talk.pk, data=told)
    talks.notify_reply(talk, meaning, lead)
    if lead is not None:
        note_received(lead_id=lead.pk, kind="email", text=f"They wrote: {said.text}"[:2000], ref=message.pk)
    return ""
