"""A mail to a guest, handed to the vendor of e-mails through the ledger: the way of the company's other e-mails."""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction

from campaigns.models import MailSender
from campaigns.sending.queue import mail_sender_of
from common.db.clock import database_now
from integrations.ledger import catalogue, settlement
from integrations.ledger.admission import Closed, admit
from integrations.ledger.execution import execute
from integrations.ledger.reservation import Payer, reserve
from integrations.ledger.sending import Outcome
from integrations.models import Operation, VendorCall
from integrations.vendors import mail as vendor
from integrations.vendors.errors import InDoubt, Misconfigured, NotSent, VendorFailure
from integrations.vendors.mail import Mail
from leads.models import Event

log = logging.getLogger(__name__)
PURPOSE = "booking"  # `VendorCall.purpose`


class Handed(Enum):
    """LATER: certainly not sent, and it may be tried again. OVER: it was sent, may have been, or never can be."""

    LATER = auto()
    OVER = auto()


def sender_for(event: Event) -> MailSender | None:
    """The address that the host's company writes from; None: its mails go by EMAIL_URL."""
    return mail_sender_of(event.team) if settings.MAIL_VENDOR else None


def mail_for(event: Event, sender: MailSender, *, subject: str, text: str, calendar: str) -> Mail:
    """calendar: an invitation, or ''. The same event, kind and change is the same mail, whenever it is made."""
    name = f"{event.pk}.{event.sequence}.{event.mail}"
    return Mail(
        message_id=f"<{name}@{sender.domain}>",
        sender_name=sender.name,
        sender=sender.address,
        to=event.guest_email or "",
        reply_to=sender.seller.reply_email or "",
        subject=subject,
        text=text,
        html="",
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        calendar=calendar,
        token=token_of(name),
    )


def token_of(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"booking:{name}")


def hand_over(event: Event, mail: Mail) -> Handed:
    """Never inside a transaction. One whose answer was lost is not sent again."""
    begun = _begin(event)
    if begun is None:
        return Handed.LATER
    operation, call = begun
    failure = execute(
        operation, call.pk, lambda: vendor.send(mail), wanted=lambda: True, conclude=lambda out, _: _conclude(call, out)
    ).result
    if failure is None:
        return Handed.OVER
    log.error("A mail about an appointment was not sent: %s", failure.reason)
    is_later = isinstance(failure, NotSent | Misconfigured) and not isinstance(failure, InDoubt)
    return Handed.LATER if is_later else Handed.OVER


def _begin(event: Event) -> tuple[Operation, VendorCall] | None:
    """The money of one e-mail, its host's; None: none may be sent now, or no cap has room."""
    payer = Payer(event.owner_id, PURPOSE, team_id=event.team_id)
    try:
        with transaction.atomic():
            operation = admit(catalogue.operation("email").pk, single=True)
            reserved = reserve(operation, [1], payer)
    except Closed as closed:
        log.warning("A mail about an appointment waits: %s", closed.reason)
        return None
    return (operation, reserved.call) if reserved.call is not None else None


def _conclude(call: VendorCall, outcome: Outcome[Any]) -> VendorFailure | None:
    now, mine = database_now(), settlement.lock_sent(call.pk)
    if mine is not None and outcome.reply is not None:
        settlement.settle(mine, outcome.reply, now, outcome.latency_ms)
    elif mine is not None and outcome.failure is not None:
        settlement.fail(mine, outcome.failure, now, outcome.latency_ms)
    if outcome.failure is None and outcome.reply is None:
        return NotSent("it was stopped before it left")
    return outcome.failure
