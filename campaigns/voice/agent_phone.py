"""A caller's own phone: told a code, spoken or texted, and taken once she typed it. It rings first when she calls.

Both cost money and are asked for: the page and the API say the price before.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.access import Access
from accounts.audit import record
from accounts.models import User
from campaigns.gate.people import digests_of
from campaigns.locks import lock_phone_code
from campaigns.models import PhoneCode, Sender
from campaigns.planning.refusals import CampaignError
from campaigns.rules.places import number_kind
from campaigns.voice import phones
from common.db.clock import database_now
from integrations.ledger import catalogue, settlement
from integrations.ledger.admission import Closed, admit
from integrations.ledger.execution import execute
from integrations.ledger.reservation import Payer, reserve
from integrations.ledger.sending import Outcome
from integrations.models import Operation, VendorCall
from integrations.vendors import messaging, normalise, voice
from integrations.vendors.errors import InDoubt, VendorFailure
from integrations.vendors.messaging import Message
from integrations.vendors.voice import Dial
from leads.keys import key_secrets
from leads.permission.suppressing import in_force

log = logging.getLogger(__name__)
PURPOSE = "phone_code"  # `VendorCall.purpose`
DIGITS, GOOD_FOR, TRIES_MOST, A_DAY = 6, timedelta(minutes=10), 5, 5
PATIENCE = 10.0  # seconds for the vendor's pace
_SALT = "campaigns.voice.agent_phone"
_NOT_HERS = "This number cannot be yours to call from: "


def price(*, by_text: bool) -> Decimal:
    """US dollars that a code costs."""
    return catalogue.operation("sms" if by_text else "call").unit_price


def ways(access: Access) -> dict[str, str]:
    """By "call" and "text": why a code cannot be told so; "": it can."""
    return {"call": _why_no_call(access.team_id), "text": _why_no_text(access.team_id)}


def ask_code(access: Access, *, phone: str, by_text: bool) -> PhoneCode:
    """Tells the phone a code. Nothing of hers changes before she types it. Pays from her team's budget.

    1. It is an American number that can be called, and nobody there has asked us not to.
    2. At most five codes a day, by their row's lock; the newest counts.
    3. The ledger's one request: what is in doubt may ring yet, and its code counts.

    Raises CampaignError `phone`, TOO_MANY, NO_VENDOR, NOT_SENT.
    """
    number = normalise.phone(phone)
    if number is None or not number.startswith("+1") or number_kind(number, "") in ("toll_free", "premium", "foreign"):
        raise CampaignError("INVALID", "Give an American phone number, such as (614) 555-0142.", "phone")
    if any(in_force(digests_of(number, key_secrets.for_reading()), "call").values()):
        raise CampaignError("INVALID", f"{_NOT_HERS}somebody there asked not to be called.", "phone")
    if words := ways(access)["text" if by_text else "call"]:
        raise CampaignError("NO_VENDOR", words)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    row = _note(access.user, number, code, by_text=by_text)
    _tell(access, row, code)
    return row


def confirm(*, user: User, code: str) -> User:
    """She has typed it: the phone is hers. Raises CampaignError `code` (wrong, too old, too often), NO_CODE."""
    with transaction.atomic():
        row = lock_phone_code(user.pk)
        if row is None:
            raise CampaignError("NO_CODE", "Ask for a code first.")
        if database_now() - row.sent_at > GOOD_FOR or row.tries >= TRIES_MOST:
            raise CampaignError("INVALID", "This code counts no longer: ask for another.", "code")
        is_right = constant_time_compare(_digest(user, row.phone, "".join(code.split())), row.digest)
        if is_right:
            User.objects.filter(pk=user.pk).update(agent_phone=row.phone, agent_phone_verified_at=database_now())
            row.delete()
            record("phone.confirmed", by=user, about=user, name=user.get_username(), after={"by": _way(row)})
        else:
            row.tries += 1
            row.save(update_fields=["tries", "updated_at"])
    if not is_right:
        raise CampaignError("INVALID", "This is not the code that was told.", "code")
    user.refresh_from_db()
    return user


def remove(*, user: User) -> None:
    """She calls by tel: again, or confirms another."""
    with transaction.atomic():
        PhoneCode.objects.filter(user=user).delete()
        if User.objects.filter(pk=user.pk).exclude(agent_phone="").update(agent_phone="", agent_phone_verified_at=None):
            record("phone.removed", by=user, about=user, name=user.get_username())
    user.refresh_from_db()


def waiting(user: User) -> PhoneCode | None:
    """The code that she may type now."""
    row = PhoneCode.objects.filter(user=user).first()
    is_good = row is not None and row.tries < TRIES_MOST and database_now() - row.sent_at <= GOOD_FOR
    return row if is_good else None


def _note(user: User, number: str, code: str, *, by_text: bool) -> PhoneCode:
    now = database_now()
    with transaction.atomic():
        PhoneCode.objects.bulk_create(
            [PhoneCode(user=user, phone=number, digest="", sent_at=now, asked_today=0, day_began_at=now)],
            ignore_conflicts=True,
        )
        row = lock_phone_code(user.pk)
        assert row is not None
        if now - row.day_began_at > timedelta(days=1):
            row.asked_today, row.day_began_at = 0, now
        if row.asked_today >= A_DAY:
            raise CampaignError("TOO_MANY", f"At most {A_DAY} codes a day: try again tomorrow.")
        row.phone, row.digest, row.by_text, row.tries = number, _digest(user, number, code), by_text, 0
        row.sent_at, row.asked_today, row.call = now, row.asked_today + 1, None
        row.save()
        record("phone.code_asked", by=user, about=user, name=user.get_username(), after={"by": _way(row)})
    return row


def _tell(access: Access, row: PhoneCode, code: str) -> None:
    name = "sms" if row.by_text else "call"
    operation, call = _begin(catalogue.operation(name).pk, access)
    PhoneCode.objects.filter(pk=row.pk).update(call=call)
    send = _text(access, row, code) if row.by_text else _speech(access, row, code)
    failure = execute(
        operation, call.pk, send, wanted=lambda: True, conclude=lambda outcome, _: _conclude(call, outcome)
    ).result
    if failure is not None and not isinstance(failure, InDoubt):
        raise CampaignError("NOT_SENT", f"The code could not be sent: {failure.reason}")


def _begin(operation_id: int, access: Access) -> tuple[Operation, VendorCall]:
    deadline = time.monotonic() + PATIENCE
    payer = Payer(access.user.pk, PURPOSE, team_id=access.team_id)
    while True:
        try:
            with transaction.atomic():
                operation = admit(operation_id, single=True)
                reserved = reserve(operation, [1], payer)
                if reserved.call is None:
                    label = reserved.cap.label if reserved.cap else "a spending limit"
                    raise CampaignError("NOT_SENT", f"The code could not be sent: {label} is used up.")
                return operation, reserved.call
        except Closed as closed:
            if closed.retry_in is None or time.monotonic() + closed.retry_in > deadline:
                raise CampaignError("NOT_SENT", f"The code could not be sent: {closed.reason.rstrip('.')}.") from closed
            time.sleep(min(max(closed.retry_in, 0.01), 1.0))


def _conclude(call: VendorCall, outcome: Outcome[Any]) -> VendorFailure | None:
    now, mine = database_now(), settlement.lock_sent(call.pk)
    if mine is not None and outcome.reply is not None:
        settlement.settle(mine, outcome.reply, now, outcome.latency_ms)
    elif mine is not None and outcome.failure is not None:
        settlement.fail(mine, outcome.failure, now, outcome.latency_ms)
    return outcome.failure


def _speech(access: Access, row: PhoneCode, code: str) -> Any:
    sender = phones.sender_of(access.team_id or 0, settings.VOICE_VENDOR)
    assert sender is not None
    said = f"Your code is {', '.join(code)}."
    dial = Dial(agent=row.phone, to=row.phone, sender=sender.number, token=uuid4(), say=said)
    return lambda: voice.place(settings.VOICE_VENDOR, dial)


def _text(access: Access, row: PhoneCode, code: str) -> Any:
    sender = _texter(access.team_id)
    assert sender is not None
    words = f"Your code is {code}. It is good for 10 minutes."
    message = Message(to=row.phone, sender=sender.number, text=words, callback_url="", token=uuid4())
    return lambda: messaging.send(sender.vendor, message)


def _why_no_call(team_id: int | None) -> str:
    vendor = settings.VOICE_VENDOR
    if not vendor:
        return "No vendor makes calls here: an operator sets VOICE_VENDOR."
    if not voice.can_speak(vendor):
        return "SignalHouse speaks no codes: have it texted."
    if lacking := voice.lack(vendor):
        return f"{lacking}."
    return "" if team_id and phones.sender_of(team_id, vendor) else "Your company has no number to call from."


def _why_no_text(team_id: int | None) -> str:
    if not settings.SMS_VENDOR:
        return "Nobody carries texts here: an operator sets SMS_VENDOR."
    if lacking := messaging.lack(settings.SMS_VENDOR):
        return f"{lacking}."
    return "" if _texter(team_id) else "Your company has no registered number to text from."


def _texter(team_id: int | None) -> Sender | None:
    rows = Sender.objects.filter(seller__team=team_id, vendor=settings.SMS_VENDOR, retired_at__isnull=True)
    return rows.exclude(registration_id="").order_by("pk").first()


def _digest(user: User, phone: str, code: str) -> str:
    return salted_hmac(_SALT, f"{user.pk}:{phone}:{code}", algorithm="sha256").hexdigest()


def _way(row: PhoneCode) -> str:
    return "text" if row.by_text else "call"
