"""Twilio's calls: placed, changed while they go on, found again. Contract: docs/vendors/twilio.md 7 to 9."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.vendors import normalise, statuses
from integrations.vendors.phone_calls import Dial, FoundCall, Placed
from integrations.vendors.twilio import call_posts, client, posts, twiml

TIME_LIMIT = 3600  # seconds: no call with an owner is longer, and a forgotten one ends
PAGE, PAGES = 50, 5
EVENTS = ("initiated", "ringing", "answered", "completed")
_SID = re.compile(r"CA[A-Za-z0-9]{8,62}", re.ASCII)


def place(dial: Dial) -> Placed:
    """One POST. See `voice.place`. There is no idempotency key: a repeat is another call."""
    account = client.config()
    form: list[tuple[str, str]] = [
        ("To", dial.agent),
        ("From", dial.sender),
        ("Timeout", str(dial.ring_seconds)),
        ("TimeLimit", str(TIME_LIMIT)),
    ]
    if dial.say:
        form.append(("Twiml", twiml.say_and_hang_up(dial.say, times=3)))
    else:
        form.append(("Url", dial.answer_url))
    if dial.status_url:
        form.append(("StatusCallback", dial.status_url))
        form += [("StatusCallbackEvent", event) for event in EVENTS]
    request = account.request(
        "POST", f"{client.path(account)}/Calls.json", headers=client.headers(account), form=tuple(form)
    )
    response = account.send(request)
    client.check(account, request, response)
    sid = normalise.mapping(account.body(response, paid=True, personal=True)).get("sid")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise statuses.no_answer(response, vendor=client.TITLE, paid=True, why="has no sid", personal=True)
    return Placed(vendor_id=sid, status=response.status)


def play(vendor_id: str, url: str) -> None:
    """Plays a recording on this leg, which is answered, and hangs it up. Raises a VendorFailure."""
    _change(vendor_id, {"Twiml": twiml.play(url)})


def hang_up(vendor_id: str) -> None:
    """Ends this leg, and with it what hangs on it. Raises a VendorFailure."""
    _change(vendor_id, {"Status": "completed"})


def fetch(vendor_id: str) -> FoundCall:
    """One call. Raises a VendorFailure."""
    account = client.config()
    request = account.request("GET", _one(account, vendor_id), headers=client.headers(account))
    return _found(client.free(account, request))


def find(dial: Dial, since: datetime, known: Collection[str]) -> FoundCall | None:
    """The first call from this number to this phone, made at `since` or later, that is not in `known`."""
    account, since = client.config(), since.astimezone(UTC).replace(microsecond=0)  # its dates have whole seconds
    place_, params = f"{client.path(account)}/Calls.json", {"To": dial.agent, "From": dial.sender, "PageSize": PAGE}
    best: FoundCall | None = None
    for _ in range(PAGES):
        asked: Mapping[str, Any] = params
        body = client.free(account, account.request("GET", place_, headers=client.headers(account), params=asked))
        for one in normalise.sequence(body.get("calls")):
            found = _found(normalise.mapping(one))
            if found.at is not None and found.at < since:  # the newest come first
                return best
            if found.at is not None and found.vendor_id and found.vendor_id not in known:
                best = found
        following = body.get("next_page_uri")
        if not isinstance(following, str) or not following.startswith(f"{client.VERSION}/"):
            break
        place_, params = following, {}
    return best


def _change(vendor_id: str, form: Mapping[str, str]) -> None:
    account = client.config()
    request = account.request("POST", _one(account, vendor_id), headers=client.headers(account), form=form)
    client.free(account, request)


def _one(account: Any, vendor_id: str) -> str:
    if not _SID.fullmatch(vendor_id):
        raise ValueError(f"{vendor_id[:20]!r} is no call of Twilio's")
    return f"{client.path(account)}/Calls/{vendor_id}.json"


def _found(resource: Mapping[str, Any]) -> FoundCall:
    kind = call_posts.KINDS.get(normalise.text(resource.get("status"), limit=30) or "", "queued")
    return FoundCall(
        vendor_id=normalise.text(resource.get("sid"), limit=80) or "",
        kind=kind,
        seconds=normalise.integer(resource.get("duration"), most=10**6),
        at=posts.rfc_2822(resource.get("date_created")),
    )
