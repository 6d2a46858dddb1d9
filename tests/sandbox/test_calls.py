"""The made-up voices: a number's script says who picks up, how dialing ends, and how that is posted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import Sandbox, SandboxConfig
from sandbox.call_numbers import CallNumbers, script_of
from sandbox.numbers import ScriptError
from tests.receiver import Receiver

AGENT, LEAD, OURS = "+12025550101", "+12025550102", "+13125550100"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(generate=10, clock="2026-09-15T15:00Z/20")) as server:
        yield server


def order(sandbox: Sandbox, scripts: dict[str, object]) -> requests.Response:
    return requests.post(f"{sandbox.base_url}/sandbox/calls", json=scripts, timeout=60)


def place(sandbox: Sandbox, **form: str) -> requests.Response:
    config = sandbox.config
    url = f"{sandbox.vendor_urls['twilio']}/2010-04-01/Accounts/{config.twilio_account}/Calls.json"
    return requests.post(url, form, auth=(config.twilio_account, config.twilio_token), timeout=60)


def dialed(sandbox: Sandbox, script: object, posts: int) -> list[Any]:
    """The posts of a lead's leg whose script this is."""
    order(sandbox, {AGENT: {"rings": 0.2}, LEAD: script}).raise_for_status()
    with Receiver() as receiver:
        receiver.said["/bridge"] = (
            f'<Response><Dial callerId="{OURS}" action="{receiver.url}/dial">'
            f'<Number statusCallback="{receiver.url}/call">{LEAD}</Number></Dial></Response>'
        )
        assert place(sandbox, To=AGENT, From=OURS, Url=f"{receiver.url}/bridge").status_code == 201
        receiver.wait(posts + 1)
        time.sleep(0.1)
        return [post for post in receiver.posts if not post.url.endswith("/bridge")]


def numbers(posts: list[Any]) -> list[str]:
    """Of each post its place among the leg's, or how dialing ended."""
    found = []
    for post in posts:
        fields = dict(pair.split("=") for pair in post.body.decode().split("&"))
        found.append(fields.get("DialCallStatus") or fields["SequenceNumber"])
    return found


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({"do": "busy", "rings": 0.2}, ["0", "1", "2", "busy"]),
        ({"do": "busy+twice", "rings": 0.2}, ["0", "0", "1", "1", "2", "2", "busy", "busy"]),
        ({"do": "busy+reversed", "rings": 0.2}, ["busy", "2", "1", "0"]),
        ({"do": "brief", "rings": 0.2, "talks": 0.2}, ["0", "1", "2", "3", "completed"]),
    ],
)
def test_posts_come_in_order_doubled_or_reversed(sandbox: Sandbox, script: object, told: list[str]) -> None:
    assert numbers(dialed(sandbox, script, len(told))) == told


def test_posts_are_signed_unless_they_are_not_to_be_and_may_be_late(sandbox: Sandbox) -> None:
    signed = dialed(sandbox, {"do": "busy", "rings": 0.2}, 4)
    assert all(post.headers.get("X-Twilio-Signature") for post in signed)
    unsigned = dialed(sandbox, {"do": "busy+unsigned", "rings": 0.2}, 4)
    assert not any(post.headers.get("X-Twilio-Signature") for post in unsigned)
    assert dialed(sandbox, {"do": "busy+late", "rings": 0.2}, 0) == [], "a minute later by its clock"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": OURS, "Url": "x"}, 21201),
        ({"To": AGENT, "Url": "x"}, 21603),
        ({"To": AGENT, "From": OURS}, 21205),
        ({"To": "+1555", "From": OURS, "Url": "x"}, 21211),
        ({"To": AGENT, "From": "x", "Url": "x"}, 21210),
    ],
)
def test_a_call_that_cannot_be_is_refused_by_its_code(sandbox: Sandbox, form: dict[str, str], code: int) -> None:
    answer = place(sandbox, **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_script_that_nobody_could_mean_is_refused_and_the_scripted_numbers_have_one() -> None:
    for wrong in ("nonsense", 7, {"nonsense": 1}, {"ends": "perhaps"}):
        with pytest.raises(ScriptError):
            script_of(wrong)
    known = CallNumbers()
    with pytest.raises(ScriptError):
        known.order({"555": "busy"})
    assert known.script("+16805550152").ends == "busy" and known.script("+16805550151").answered_by == "machine_start"
    assert known.script(AGENT, {"x-sandbox-do": "fax"}).answered_by == "fax" and known.script(AGENT).ends == "completed"
