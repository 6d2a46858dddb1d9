"""What the vendor says of a call: in every order, doubled and late, the same row in the end."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.models import CallAttempt
from campaigns.voice import moving
from integrations.vendors import voice
from integrations.vendors.voice import AnsweredBy, DialEnd, LegEvent
from tests.campaigns.voice.world import amd, dial_end, leg

AT = datetime(2026, 9, 15, 16, tzinfo=UTC)
HEADERS = {"content-type": "application/x-www-form-urlencoded"}


def said(fields: dict[str, str]) -> Any:
    from urllib.parse import urlencode

    return voice.read_post(HEADERS, urlencode(fields).encode())


def after(*posts: dict[str, str], state: str = "intended", pressed: bool = True) -> CallAttempt:
    """pressed: a key on her phone, so that the owner was dialed."""
    attempt = CallAttempt(state=state, mode="twilio", started_at=AT, pressed_at=AT if pressed else None)
    for n, fields in enumerate(posts):
        one, at = said(fields), AT + timedelta(seconds=n)
        if isinstance(one, DialEnd):
            moving.hear_dial(attempt, one, at)
        elif isinstance(one, AnsweredBy):
            moving.hear_machine(attempt, one)
        elif isinstance(one, LegEvent) and one.parent_id:
            moving.hear_lead(attempt, one, at)
        else:
            moving.hear_caller(attempt, one, at)
    return attempt


def facts(attempt: CallAttempt) -> tuple[Any, ...]:
    return (
        attempt.state, attempt.dial_status, attempt.seconds, attempt.answered_by, attempt.agent_vendor_id,
        attempt.vendor_id, attempt.error, attempt.answered_at is not None, attempt.ended_at is not None,
        attempt.sequence,
    )  # fmt: skip


TALKED = (
    leg(1, "ringing"),
    leg(2, "in-progress"),
    amd("human"),
    leg(3, "completed", CallDuration="42"),
    dial_end("completed", DialCallDuration="41"),
    leg(3, "completed", child=False, CallDuration="50"),
)
BUSY = (leg(0, "initiated"), leg(1, "ringing"), leg(2, "busy"), dial_end("busy"), leg(3, "completed", child=False))
FAILED = (leg(0, "initiated"), leg(1, "failed", SipResponseCode="404"), dial_end("failed"))


@pytest.mark.parametrize(
    ("posts", "expected"),
    [
        (TALKED, ("ended", "completed", 42, "human", "", True)),
        (BUSY, ("ended", "busy", 0, "", "", False)),
        (FAILED, ("ended", "failed", 0, "", "failed_404", False)),
    ],
)
def test_every_order_doubled_and_reversed_ends_the_same(posts: Any, expected: tuple[Any, ...]) -> None:
    wanted = facts(after(*posts))
    assert (wanted[0], wanted[1], wanted[2], wanted[3], wanted[6], wanted[7]) == expected
    orders = list(itertools.permutations(posts))
    assert {facts(after(*order)) for order in orders} == {wanted}
    assert {facts(after(*order, *order)) for order in orders[:: max(1, len(orders) // 30)]} == {wanted}


def test_the_state_rises_with_the_leads_leg_and_a_late_post_takes_nothing_back() -> None:
    assert after(leg(0, "initiated", child=False), leg(1, "ringing", child=False)).state == "intended"
    assert after(leg(1, "ringing")).state == "ringing"
    assert after(leg(2, "in-progress"), leg(1, "ringing"), leg(0, "initiated")).state == "talking"
    assert after(*TALKED, leg(1, "ringing")).state == "ended"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("no-answer", "You did not pick up your phone."),
        ("busy", "Your phone was busy."),
        ("completed", "No key was pressed on your phone."),
    ],
)
def test_a_caller_who_does_not_pick_up_never_rang_the_owner(status: str, words: str) -> None:
    attempt = after(leg(2, status, child=False), pressed=False)
    assert (attempt.state, attempt.error_words, attempt.vendor_id) == ("ended", words, None)
    assert attempt.error in moving.NEVER_RANG
    assert moving.suggested(attempt) == "", "nothing is said of the owner"


@pytest.mark.parametrize(
    ("posts", "code"),
    [
        (BUSY, "busy"),
        (FAILED, "disconnected"),
        ((dial_end("no-answer"),), "no_answer"),
        ((dial_end("canceled"),), ""),
        ((dial_end("answered"),), ""),
        ((dial_end("completed"), amd("machine_start")), "voicemail"),
        (TALKED, ""),
    ],
)
def test_how_dialing_ended_suggests_an_outcome_and_chooses_none(posts: Any, code: str) -> None:
    attempt = after(*posts)
    assert moving.suggested(attempt) == code
    assert attempt.disposition_id is None


def test_a_doubt_ends_with_anything_the_vendor_says_and_another_legs_post_changes_nothing() -> None:
    assert after(leg(1, "ringing"), state="in_doubt").state == "ringing"
    assert after(leg(0, "initiated"), state="in_doubt").state == "intended"
    attempt = after(leg(1, "ringing"))
    before = facts(attempt)
    moving.hear_lead(attempt, LegEvent("twilio", "CAother00000000", "completed", 3, seconds=9), AT)
    moving.hear_caller(attempt, LegEvent("twilio", "CAother00000000", "completed", 3), AT)
    moving.hear_dial(attempt, DialEnd("twilio", "CAother00000000", "", "busy", None), AT)
    moving.hear_machine(attempt, AnsweredBy("twilio", "CAother00000000", "fax"))
    assert facts(attempt) == before
    lost = CallAttempt(state="in_doubt", started_at=AT, ended_at=AT)  # her page was lost
    moving.hear_lead(lost, said(leg(2, "in-progress")), AT)
    assert lost.state == "in_doubt"
    moving.hear_lead(lost, said(leg(3, "completed", CallDuration="5")), AT)
    assert (lost.state, lost.ended_at, lost.seconds) == ("ended", AT, 5)
