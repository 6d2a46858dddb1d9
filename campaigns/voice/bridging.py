"""The caller has picked up her own phone: may the owner be called now? Asked again here, because the window may have
closed, or the owner may have opted out, while it rang. With VOICE_CONFIRM she presses a key first: her voicemail
presses none, and nobody is called.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import transaction

from campaigns import clock
from campaigns.gate import receipts
from campaigns.gate.contact import ask
from campaigns.gate.facts import Contact
from campaigns.gate.rule_rows import load_rules
from campaigns.gate.words import headline
from campaigns.locks import lock_keys
from campaigns.models import CallAttempt
from campaigns.rules.decide import decide
from campaigns.rules.facts import Decision, Purpose
from campaigns.voice import addresses, hearing, moving
from integrations.vendors import voice
from leads.models import LeadKey

NOT_NOW = "Not now."
PRESS = "Press any key to call the owner."
KEY_SECONDS = 10  # to take the phone from one's ear; a voicemail's greeting goes on, and nobody presses
RING_SECONDS = 25  # before a voicemail of most carriers would take it


def ask_for_key(token: UUID, leg: str) -> str:
    """What Twilio does once her phone was picked up (XML): waits for a key, and asks `answer`. None is pressed: the
    line ends, and with its end the call says so (`moving.hear_caller`).
    """
    url = addresses.address("press", token)
    return _reply(token, leg, lambda _: voice.ask_for_key(PRESS, url=url, seconds=KEY_SECONDS))


def answer(token: UUID, leg: str) -> str:
    """What Twilio does then (XML): dials the owner and joins them, or says that it does not."""
    return _reply(token, leg, _called)


def _reply(token: UUID, leg: str, say: Callable[[CallAttempt], str]) -> str:
    """leg: Twilio's id of the caller's leg, whose question this is. say: what it is told; "": not now.

    1. No call has this token: the line ends.
    2. Locks: its money where that was in doubt, the keys of number and lead, the call (docs/locks.md).
    3. It has ended, or the lead's phone has rung, or another leg asks in its name, or this leg is another call's: not
       now. A repeat of the same question, whose answer was lost, gets the same answer.
    """
    attempt_id = CallAttempt.objects.filter(token=token).values_list("pk", flat=True).first()
    if attempt_id is None:
        return voice.end_of_line()
    told = ""

    def decide_now(attempt: CallAttempt) -> None:
        nonlocal told
        if _may_go_on(attempt, leg):
            told = say(attempt)

    with suppress(hearing.TwoCalls), transaction.atomic():
        hearing.settle_doubt(attempt_id)
        lock_keys(_keys_of(attempt_id))
        hearing.move(attempt_id, decide_now)
        return told or voice.refuse_bridge(NOT_NOW)
    return voice.refuse_bridge(NOT_NOW)


def _called(attempt: CallAttempt) -> str:
    """The gate, with every rule, at this moment: a no ends the call, with a receipt."""
    attempt.pressed_at = attempt.pressed_at or clock.now()
    decision = _asked_again(attempt)
    if decision.verdict != "yes":
        words = headline(decision.verdict, decision.first, decision.again_at)
        moving.not_placed(attempt, words, clock.now(), code=moving.REFUSED)
        return ""
    if attempt.state == CallAttempt.State.IN_DOUBT:
        attempt.state = CallAttempt.State.INTENDED
    return _bridge(attempt)


def _keys_of(attempt_id: UUID) -> set[int]:
    key_id, lead_id = CallAttempt.objects.values_list("key_id", "lead_id").get(pk=attempt_id)
    joining = LeadKey.objects.filter(lead=lead_id, key__crowded=False).values_list("key_id", flat=True)
    return {key_id, *joining} if lead_id else {key_id}


def _may_go_on(attempt: CallAttempt, leg: str) -> bool:
    if leg and attempt.agent_vendor_id is None:
        attempt.agent_vendor_id = leg
    is_hers = not leg or attempt.agent_vendor_id == leg
    is_open = attempt.ended_at is None and attempt.disposition_id is None and attempt.vendor_id is None
    return is_hers and is_open and attempt.mode == CallAttempt.Mode.TWILIO and bool(attempt.number and attempt.sender)


def _asked_again(attempt: CallAttempt) -> Decision:
    """The gate's answer, in which this very call is no earlier one. With its receipt."""
    at = clock.now()
    purpose: Purpose = "campaign" if attempt.campaign_id else "manual"
    contact = Contact(attempt.lead_id, attempt.key_id, attempt.number, "call")
    ((asked, person),) = ask(
        [contact], team_id=attempt.team_id, by=attempt.by, purpose=purpose, at=at, campaign=attempt.campaign
    )
    others = tuple(one for one in asked.facts.attempts if not (one.channel == "call" and one.at == attempt.started_at))
    decision = decide(replace(asked.facts, attempts=others), load_rules(), at, purpose)
    receipts.write(
        [receipts.Answered(contact, decision, person.digest)],
        team_id=attempt.team_id, purpose=purpose, at=at, by=attempt.by, campaign_id=attempt.campaign_id,
    )  # fmt: skip
    return decision


def _bridge(attempt: CallAttempt) -> str:
    assert attempt.number and attempt.sender
    return voice.bridge(
        to=attempt.number,
        caller_id=attempt.sender.number,
        call_url=addresses.address("call", attempt.token),
        dial_url=addresses.address("dial", attempt.token),
        amd_url=addresses.address("amd", attempt.token) if settings.VOICE_AMD else "",
        ring_seconds=RING_SECONDS,
    )
