"""Messages that no campaign makes: a person's own text or e-mail, a reply, the confirmation of an opt-out."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings

from accounts.models import Team, User
from campaigns import clock
from campaigns.models import Conversation, Delivery, MailSender, Sender
from campaigns.rules.segments import MOST, segments
from campaigns.sending.lifecycle import wake
from campaigns.sending.mailing import EMAIL
from campaigns.texts.mail import UNSUBSCRIBE
from campaigns.texts.rendering import SUBJECT_MOST, Written, digest_of, digest_of_mail
from common.db.ids import uuid7
from leads.models import ContactKey, Seller
from leads.privacy.filtering import kept_in

Purpose = Delivery.Purpose
# Too late after so long, where the caller does not say: a reply answers at once or not at all outside hours, and the
# confirmation of an opt-out is allowed within five minutes (47 CFR 64.1200(a)(12)).
WITHIN = {Purpose.REPLY: timedelta(minutes=15), Purpose.CONFIRM: timedelta(minutes=5)}
TEXT_MOST = 1600  # characters: what vendors take in one message
MAIL_MOST = 20_000  # characters of an e-mail that a person writes


class CannotQueue(ValueError):
    """The message cannot be queued. field: which of the request's (subject, text, phone); code: NO_VENDOR where none
    sends, NO_SENDER where there is no number or address to send from.
    """

    def __init__(self, words: str, *, field: str = "", code: str = "") -> None:
        super().__init__(words)
        self.field, self.code = field, code


def queue_message(
    *,
    team: Team,
    lead_id: UUID | None,
    key: ContactKey,
    address: str,
    text: str,
    purpose: str,
    by: User | None,
    conversation: Conversation | None = None,
    send_by: datetime | None = None,
    once: UUID | None = None,
) -> Delivery:
    """A message that leaves as soon as the gate says yes, or never: refused where it says no. In the caller's
    transaction; wakes the pump after its commit. Raises CannotQueue.

    address: +1…, of `key`. purpose: manual, reply, confirm. by: who wrote it; None for confirm. send_by: too late after
    this, by the campaigns' clock; None: manual waits for the hours, reply 15 min, confirm 5 min. once: the same twice
    is one message (as an inbound message's id): it becomes the callback token.
    """
    text = _checked(text)
    sender = conversation.sender if conversation is not None and _sends(conversation.sender) else None
    sender = sender or sender_of(team)
    if not settings.SMS_VENDOR or sender is None:
        words = "No vendor carries text messages here." if not settings.SMS_VENDOR else "Add a number to text from."
        raise CannotQueue(words, code="NO_VENDOR" if not settings.SMS_VENDOR else "NO_SENDER")
    token = once or uuid4()
    at = clock.now()
    within = WITHIN.get(Purpose(purpose))
    row = Delivery(
        id=uuid7(),
        team=team,
        conversation=conversation,
        purpose=purpose,
        lead_id=lead_id,
        key=key,
        sender=sender,
        vendor=sender.vendor,
        address=address,
        body=text,
        body_digest=digest_of(text),
        segments=segments(text).count,
        send_by=send_by or (at + within if within else None),
        not_before=at,
        by_id=by.pk if by else None,
        callback_token=token,
    )
    row.body = kept_in(row, "body", text)
    return _queued(row)


def queue_mail(
    *,
    team: Team,
    lead_id: UUID | None,
    key: ContactKey,
    address: str,
    subject: str,
    text: str,
    purpose: str,
    by: User | None,
    conversation: Conversation | None = None,
    send_by: datetime | None = None,
    once: UUID | None = None,
) -> Delivery:
    """As `queue_message`, an e-mail, in the thread of its conversation (`mailing`). address: of `key`. subject: of a
    reply what they wrote under, with Re:. It says who writes and where, and how to hear no more (15 USC 7704(a)(5)).
    """
    subject, text = " ".join(subject.replace("\0", "").split())[:SUBJECT_MOST], _checked_mail(text)
    if not subject:
        raise CannotQueue("Write a subject.", field="subject")
    known = conversation.mail_sender if conversation is not None else None
    sender = known if known is not None and known.retired_at is None else mail_sender_of(team)
    if not settings.MAIL_VENDOR or sender is None:
        words = "Nobody carries e-mails here." if not settings.MAIL_VENDOR else "Add an address to send e-mails from."
        raise CannotQueue(words, code="NO_VENDOR" if not settings.MAIL_VENDOR else "NO_SENDER")
    token, body = once or uuid4(), f"{text}\n\n{_footer(sender.seller)}"
    row = Delivery(
        id=uuid7(),
        team=team,
        conversation=conversation,
        purpose=purpose,
        channel=EMAIL,
        lead_id=lead_id,
        key=key,
        mail_sender=sender,
        vendor=settings.MAIL_VENDOR,
        address=address,
        body_digest=digest_of_mail(Written(subject, body, "")),
        send_by=send_by,
        not_before=clock.now(),
        by_id=by.pk if by else None,
        callback_token=token,
    )
    row.subject, row.body = kept_in(row, "subject", subject), kept_in(row, "body", body)
    return _queued(row)


def _queued(row: Delivery) -> Delivery:
    """Stored, or the one that was stored before under its token; the pump is woken after the commit."""
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    wake()
    return Delivery.objects.get(callback_token=row.callback_token)


def reply_subject(subject: str) -> str:
    """Re: what they wrote under, once."""
    words = " ".join(subject.split()) or "your message"
    return words if words.lower().startswith("re:") else f"Re: {words}"


def mail_sender_of(team: Team) -> MailSender | None:
    """The address that a team's people write e-mails from: the first of its company's."""
    senders = MailSender.objects.filter(seller__team=team, seller__replaced_at=None, retired_at=None)
    return senders.select_related("seller").order_by("pk").first()


def _footer(seller: Seller) -> str:
    return f"-- \n{seller.company}, {seller.postal_address}\nNo more e-mails: {UNSUBSCRIBE}"


def _checked_mail(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise CannotQueue("Write something.", field="text")
    if len(text) > MAIL_MOST:
        raise CannotQueue(f"Write at most {MAIL_MOST:,} characters.", field="text")
    return text


def sender_of(team: Team) -> Sender | None:
    """The number that a team's people text from: the first of its company's that the vendor here carries."""
    senders = Sender.objects.filter(seller__team=team, seller__replaced_at=None, retired_at=None)
    return senders.filter(vendor=settings.SMS_VENDOR or "").exclude(registration_id="").order_by("pk").first() or (
        senders.filter(vendor=settings.SMS_VENDOR or "").order_by("pk").first()
    )


def _sends(sender: Sender | None) -> bool:
    return sender is not None and sender.retired_at is None and sender.vendor == settings.SMS_VENDOR


def _checked(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise CannotQueue("Write something.", field="text")
    if len(text) > TEXT_MOST or segments(text).count > MOST:
        raise CannotQueue(f"A text has at most {MOST} segments.", field="text")
    return text
