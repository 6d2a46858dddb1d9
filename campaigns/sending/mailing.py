"""A message's row as the e-mail that leaves: the same at every repeat, under the id that it has for good."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.conf import settings

from campaigns.models import Delivery, IncomingMessage, MailSender
from campaigns.tracking.outgoing import finish
from integrations.vendors.mail import Mail

EMAIL: Final = "email"
THREAD_MOST = 10  # ids in References: the first ones and the last tell a mail program enough, and a header stays short
_ID = re.compile(r"<[^<>\s]{1,250}>")  # as RFC 5322 has it; what they call their message is not believed otherwise
_LEFT = (Delivery.State.INTENDED, Delivery.State.ACCEPTED, Delivery.State.DELIVERED, Delivery.State.IN_DOUBT)


def mail_of(delivery: Delivery) -> Mail:
    """The e-mail of this row: with its campaign, step, variant and mail_sender, and that one's seller.

    Raises Misconfigured where there is no PUBLIC_URL. Anything else it raises is a fault of ours: nothing has left.
    """
    sender = delivery.mail_sender
    if sender is None or delivery.address is None:
        raise ValueError("This message has no sender or no address.")
    done = finish(delivery, sender)
    return Mail(
        message_id=message_id(delivery.pk, sender.address),
        sender_name=sender.name,
        sender=sender.address,
        to=delivery.address,
        reply_to=reply_to(delivery, sender),
        subject=delivery.subject or "",
        text=done.text,
        html=done.html,
        headers={**done.headers, **_thread(delivery)},
        token=delivery.callback_token,
    )


def message_id(delivery_id: UUID, sender_address: str) -> str:
    """`<the row's id@the sender's domain>`."""
    return f"<{delivery_id}@{sender_address.rpartition('@')[2].lower()}>"


def reply_to(delivery: Delivery, sender: MailSender) -> str:
    """An address of this message alone, by which an answer finds it; else the company's. "": the sender's own."""
    if settings.INBOUND_MAIL_DOMAIN:
        return f"r+{delivery.callback_token.hex}@{settings.INBOUND_MAIL_DOMAIN}"
    return sender.seller.reply_email or ""


def _thread(delivery: Delivery) -> dict[str, str]:
    """In-Reply-To and References, where it follows other messages: of its conversation, or of its member's sequence."""
    if delivery.conversation_id is not None:
        ids, last = _of_conversation(delivery)
    elif delivery.step is not None and delivery.step.position > 1:
        before = Delivery.objects.filter(
            member=delivery.member_id, channel=EMAIL, state__in=_LEFT, step__position__lt=delivery.step.position
        )
        ids = _ours(before.order_by("step__position").values_list("pk", "mail_sender__address"))
        last = ids[-1:]
    else:
        return {}
    if not last:
        return {}
    ids = ids if len(ids) <= THREAD_MOST else [ids[0], *ids[1 - THREAD_MOST :]]
    return {"In-Reply-To": last[0], "References": " ".join(ids)}


def _of_conversation(delivery: Delivery) -> tuple[list[str], list[str]]:
    """Ids of both sides, the oldest first, and the one it answers: their last message, else ours. Later ones than this
    message are left out, so that a repeat has the same.
    """
    of = {"conversation": delivery.conversation_id, "channel": EMAIL, "pk__lt": delivery.pk}
    theirs = list(IncomingMessage.objects.filter(**of).values_list("pk", "message_id", "delivery_id"))
    answered = [answered for _, _, answered in theirs if answered is not None]
    before = Delivery.objects.filter(**of, state__in=_LEFT) | Delivery.objects.filter(pk__in=answered)
    sent = before.order_by("pk").values_list("pk", "mail_sender__address")
    named = {pk: _ours([(pk, address)]) for pk, address in sent}
    named |= {pk: _ID.findall(text)[:1] for pk, text, _ in theirs}
    ids = [one for pk in sorted(named) for one in named[pk]]
    last = [one for pk, _, _ in sorted(theirs) for one in named[pk]][-1:] or ids[-1:]
    return ids, last


def _ours(rows: Iterable[tuple[UUID, str | None]]) -> list[str]:
    return [message_id(pk, address) for pk, address in rows if address]
