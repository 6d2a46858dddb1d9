"""Conversations: what they said, who answers, what a person decides."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import NoticeKind, User
from accounts.notices import notify
from campaigns import clock
from campaigns.inbound.people import Writer
from campaigns.locks import lock_conversation, lock_conversations
from campaigns.models import Conversation, ConversationKey, Delivery, IncomingMessage, MailSender, Sender
from campaigns.sending.mailing import EMAIL
from campaigns.sending.queue import MAIL_MOST, queue_mail, queue_message, reply_subject
from common.logs import safe_traceback
from leads.models import Lead
from leads.permission.suppressing import Source, suppress_keys
from leads.selection.assignment import members_named

log = logging.getLogger(__name__)
State, Meaning = Conversation.State, IncomingMessage.Meaning
CLOSES_AFTER = timedelta(days=7)  # of silence
DECIDE_WITHIN = timedelta(hours=24)
TEXT_MOST = 1600  # characters of a text that a person writes


class BadTalk(ValueError):
    """What was asked cannot be done with this conversation. field: of the request; code: for a 409."""

    def __init__(self, words: str, *, field: str = "", code: str = "") -> None:
        super().__init__(words)
        self.field, self.code = field, code


# --- What they say ----------------------------------------------------------------------------------------------------


def heard(
    writer: Writer,
    *,
    team_id: int | None,
    lead: Lead | None,
    number: str | None,
    meaning: str,
    at: datetime,
    sender: Sender | None = None,
    mail_sender: MailSender | None = None,
    channel: str = "sms",
) -> Conversation | None:
    """The team's conversation with this owner, opened where there is none, with their word in it.

    In the caller's transaction, which has locked their keys. sender, mail_sender: to which of ours they wrote. number:
    theirs, or their e-mail address; None where it must not be kept. Returns None: what they wrote to is no team's.
    """
    if team_id is None:
        return None
    talk = lock_open_talk(team_id, writer.keys)
    if talk is None:
        talk = Conversation(
            team_id=team_id, lead=lead, assigned_to_id=lead.assigned_to_id if lead else None, opened_at=at
        )
    talk.channel, talk.key_id, talk.address = channel, writer.key_id, number  # where they can be answered
    talk.sender, talk.mail_sender = sender or talk.sender, mail_sender or talk.mail_sender
    talk.lead = talk.lead or lead
    talk.last_in_at, talk.close_at, talk.is_read = at, at + CLOSES_AFTER, False
    _turn(talk, meaning, at)
    talk.save()
    if talk.state == State.CLOSED:
        ConversationKey.objects.filter(conversation=talk).update(is_open=False)
    else:
        hold_keys(talk, writer.keys)
    return talk


_NOTICES = {  # of what a person should read; an opt-out or a wrong number is dealt with by itself
    Meaning.REPLY: "An owner replied by {by}.",
    Meaning.HELP: "An owner asked for help by {by}.",
    Meaning.START: "An owner opted in again by {by}.",
    Meaning.ASK: "An owner wrote by {by} what may be an opt-out: decide within 24 hours.",
}


def notify_reply(talk: Conversation, meaning: str, lead: Lead | None) -> None:
    """Tells who answers: whom the conversation or the lead is assigned to, else the managers. In the transaction that
    received it.
    """
    words = _NOTICES.get(Meaning(meaning), "").format(by="e-mail" if talk.channel == "email" else "text")
    if words:
        to = [talk.assigned_to_id or (lead.assigned_to_id if lead else None)]
        notify(team_id=talk.team_id, kind=NoticeKind.REPLY, about=talk, words=words, to=to)


def _turn(talk: Conversation, meaning: str, at: datetime) -> None:
    """Who has the next word."""
    if meaning in (Meaning.OPT_OUT, Meaning.WRONG):
        talk.state, talk.decide_by, talk.close_at = State.CLOSED, None, None
    elif meaning == Meaning.ASK:
        talk.state, talk.decide_by = State.HELD, talk.decide_by or at + DECIDE_WITHIN
    elif talk.state != State.HELD:
        talk.state = State.WAITING if meaning in (Meaning.HELP, Meaning.START) else State.OPEN


def lock_open_talk(team_id: int, key_ids: Iterable[int]) -> Conversation | None:
    """The team's open conversation with who has one of these keys, which the transaction has locked; locked too."""
    rows = Conversation.objects.filter(team_id=team_id, keys__key__in=list(key_ids)).exclude(state=State.CLOSED)
    own = Conversation.objects.filter(team_id=team_id, key__in=list(key_ids)).exclude(state=State.CLOSED)
    for talk_id in (rows | own).distinct().order_by("pk").values_list("pk", flat=True):
        talk = lock_conversation(talk_id)
        if talk is not None and talk.state != State.CLOSED:
            return talk
    return None


def hold_keys(talk: Conversation, key_ids: Iterable[int]) -> None:
    """Those that no other open conversation holds, another team's among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_conversationkey (conversation_id, key_id, is_open)
            SELECT %s, k.key_id, true FROM unnest(%s::bigint[]) AS k(key_id)
             WHERE NOT EXISTS (SELECT FROM campaigns_conversationkey o WHERE o.key_id = k.key_id AND o.is_open)
             ORDER BY k.key_id
            ON CONFLICT DO NOTHING
            """,
            [talk.pk, sorted(key_ids)],
        )


# --- What a person does -----------------------------------------------------------------------------------------------


def reply(*, talk: Conversation, by: User, text: str) -> Delivery:
    """A person's answer, through the same gate: it leaves within 15 minutes, or not at all. Who answers has the
    conversation from then on.

    It goes by the channel of their last word: an e-mail in its thread. Raises BadTalk: empty, too long, closed, held
    (decide first), or no number or address to write to; CannotQueue.
    """
    with transaction.atomic():
        locked = _locked(talk)
        if locked.state == State.HELD:
            raise BadTalk("Decide first whether their last message was an opt-out.", code="HELD")
        if locked.state == State.CLOSED:
            raise BadTalk("This conversation is closed.", code="CLOSED")
        if not locked.address:
            raise BadTalk("How to reach them is not known here any more.", code="NO_ADDRESS")
        sent = _queued(locked, locked.address, checked(text, by_mail=locked.channel == EMAIL), by)
        Conversation.objects.filter(pk=locked.pk).update(
            state=State.WAITING, close_at=clock.now() + CLOSES_AFTER, is_read=True, assigned_to=by
        )
    return sent


def _queued(talk: Conversation, address: str, words: str, by: User) -> Delivery:
    whom: dict[str, Any] = {
        "team": talk.team, "lead_id": talk.lead_id, "key": talk.key, "address": address, "text": words,
        "purpose": Delivery.Purpose.REPLY, "by": by, "conversation": talk,
    }  # fmt: skip
    if talk.channel != EMAIL:
        return queue_message(**whom)
    return queue_mail(**whom, subject=reply_subject(subject_of(talk)))


def subject_of(talk: Conversation) -> str:
    """Of their last e-mail, else of our last; "": there is none, or it was forgotten."""
    theirs = (
        talk.received.filter(channel=EMAIL, subject__isnull=False).order_by("-pk").values_list("subject", flat=True)
    )
    ours = Delivery.objects.filter(conversation=talk, channel=EMAIL, subject__isnull=False)
    return theirs.first() or ours.order_by("-pk").values_list("subject", flat=True).first() or ""


def assign(*, talk: Conversation, by: User, to: User | None) -> Conversation:
    """Who answers; None: nobody in particular. Raises NotAMember: she may not work leads of this team."""
    if to is not None:
        members_named(talk.team_id, [str(to.pk)])
    with transaction.atomic():
        locked = _locked(talk)
        locked.assigned_to = to
        locked.save(update_fields=["assigned_to"])
        record("conversation.assigned", by=by, team_id=talk.team_id, about=("conversation", talk.pk),
               after={"assignedTo": to.pk if to else None})  # fmt: skip
    return locked


def close(*, talk: Conversation, by: User) -> Conversation:
    """Ends it; their next message opens a new one. Raises BadTalk: it is held."""
    with transaction.atomic():
        locked = _locked(talk)
        if locked.state == State.HELD:
            raise BadTalk("Decide first whether their last message was an opt-out.", code="HELD")
        _close([locked])
        record("conversation.closed", by=by, team_id=talk.team_id, about=("conversation", talk.pk))
    return locked


def mark_read(*, talk: Conversation) -> None:
    Conversation.objects.filter(pk=talk.pk, is_read=False).update(is_read=True)


def decide(*, talk: Conversation, by: User, is_opt_out: bool) -> Conversation:
    """What a person makes of words that may be an opt-out. Raises BadTalk: it is not held (any more)."""
    with transaction.atomic():
        asked = _undecided(talk)
        if is_opt_out and asked is not None:
            _opt_out(talk, asked, reason="stop", by=by)
        locked = _locked(talk)
        if locked.state != State.HELD or asked is None:
            raise BadTalk("Somebody has decided this already.", code="NOT_HELD")
        meaning = Meaning.OPT_OUT if is_opt_out else Meaning.REPLY
        # Not what came while the page was read: that is asked anew.
        decided = _asked(locked) if is_opt_out else _asked(locked).filter(pk__lte=asked.pk)
        decided.update(meaning=meaning, decided_by_id=by.pk, decided_at=clock.now())
        if is_opt_out:
            _close([locked])
        elif not _asked(locked).exists():
            locked.state, locked.decide_by = State.OPEN, None
            locked.save(update_fields=["state", "decide_by"])
        record("conversation.decided", by=by, team_id=talk.team_id, about=("conversation", talk.pk),
               after={"optOut": is_opt_out})  # fmt: skip
    return locked


# --- By the clock -----------------------------------------------------------------------------------------------------


def decide_overdue(limit: int = 500) -> int:
    """What nobody has decided in 24 hours counts as an opt-out. Returns how many."""
    due = Conversation.objects.filter(state=State.HELD, decide_by__lte=clock.now()).order_by("decide_by")
    done = 0
    for talk in due[:limit]:
        try:
            done += _count_as_opt_out(talk)
        except Exception as error:  # one that breaks holds up no other opt-out
            log.error("Conversation %s could not be decided: %s", talk.pk, safe_traceback(error))
    return done


def _count_as_opt_out(talk: Conversation) -> bool:
    with transaction.atomic():
        asked = _undecided(talk)
        if asked is not None:
            _opt_out(talk, asked, reason="undecided", by=None)
        locked = _locked(talk)
        if locked.state != State.HELD:
            transaction.set_rollback(True)
            return False
        _asked(locked).update(meaning=Meaning.OPT_OUT, decided_at=clock.now())
        _close([locked])
    return True


def close_silent(limit: int = 1000) -> int:
    """Seven days without a word. Returns how many."""
    due = Conversation.objects.filter(close_at__lte=clock.now(), state__in=(State.OPEN, State.WAITING)).order_by("pk")
    with transaction.atomic():
        rows = list(lock_conversations(due.filter(pk__in=list(due.values_list("pk", flat=True)[:limit]))))
        _close(rows)
    return len(rows)


def _opt_out(talk: Conversation, asked: IncomingMessage, *, reason: str, by: User | None) -> None:
    keys = {asked.key_id}
    if asked.delivery_id is not None:  # by an alias, it may be
        keys.update(Delivery.objects.filter(pk=asked.delivery_id, key__isnull=False).values_list("key_id", flat=True))
    suppress_keys(
        keys, reason=reason, source=Source.inbound(asked.inbound_id), words=(asked.text or "")[:300], by=by,
        spread=True, team_id=talk.team_id,
    )  # fmt: skip


def _undecided(talk: Conversation) -> IncomingMessage | None:
    """Their latest words that nobody has decided."""
    return _asked(talk).order_by("-pk").first()


def _asked(talk: Conversation) -> QuerySet[IncomingMessage]:
    """Their words that wait for a decision."""
    return IncomingMessage.objects.filter(conversation=talk, meaning=Meaning.ASK, decided_at__isnull=True)


def _close(talks: Iterable[Conversation]) -> None:
    ids = [talk.pk for talk in talks]
    for talk in talks:
        talk.state, talk.decide_by, talk.close_at = State.CLOSED, None, None
    Conversation.objects.filter(pk__in=ids).update(state=State.CLOSED, decide_by=None, close_at=None)
    ConversationKey.objects.filter(conversation__in=ids).update(is_open=False)


def _locked(talk: Conversation) -> Conversation:
    locked = lock_conversation(talk.pk)
    if locked is None:
        raise BadTalk("There is no such conversation.", code="NOT_FOUND")
    return locked


def checked(text: str, *, by_mail: bool = False) -> str:
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()  # a form posts \r\n: a septet more a line
    most = MAIL_MOST if by_mail else TEXT_MOST
    if not words:
        raise BadTalk("Write something.", field="text")
    if len(words) > most:
        raise BadTalk(f"Write at most {most:,} characters.", field="text")
    return words
