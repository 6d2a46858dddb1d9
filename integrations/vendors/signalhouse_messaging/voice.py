"""SignalHouse's calls: placed, hung up, found again. Contract: docs/vendors/signalhouse.md 2.7.

The caller's softphone, registered by her name there, rings first; then the vendor dials the lead by itself and joins
them. What it posts to a status callback is not documented: calls are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.vendors import normalise, statuses
from integrations.vendors.phone_calls import Dial, FoundCall, Placed
from integrations.vendors.signalhouse_messaging import client, posts

PAGE, PAGES = 100, 20
KINDS = {
    "QUEUED": "queued",
    "RINGING": "ringing",
    "IN_PROGRESS": "answered",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "CANCELED": "canceled",
}
_ID = re.compile(r"[\w-]{1,80}", re.ASCII)


def place(dial: Dial) -> Placed:
    """One POST. See `voice.place`. Whether its idempotency key holds for calls is not documented: never repeated."""
    account = client.config()
    body = {
        "to": dial.to,
        "from": dial.sender,
        "to_identity": dial.agent,
        "recording_enabled": False,
        "transcription_enabled": False,
        **({"metadata": {"token": str(dial.token)}} if dial.token else {}),
    }
    headers = {**client.headers(account), **({"Idempotency-Key": str(dial.token)} if dial.token else {})}
    request = account.request("POST", "/voice/v1/calls", headers=headers, json=body)
    response = account.send(request)
    client.check(account, request, response)
    answer = normalise.mapping(account.body(response, paid=True, personal=True))
    vendor_id = _id_of(answer)
    if not vendor_id:
        raise statuses.no_answer(response, vendor=client.TITLE, paid=True, why="has no call_id", personal=True)
    return Placed(vendor_id=vendor_id, status=response.status)


def hang_up(vendor_id: str) -> None:
    """Raises a VendorFailure."""
    account = client.config()
    path = f"{_one(vendor_id)}/hangup"
    client.free(account, account.request("POST", path, headers=client.headers(account), json={"reason": "NORMAL"}))


def fetch(vendor_id: str) -> FoundCall:
    """One call. Raises a VendorFailure."""
    account = client.config()
    response = client.free(account, account.request("GET", _one(vendor_id), headers=client.headers(account)))
    answer = normalise.mapping(account.body(response, paid=False, personal=True))
    return _found(normalise.mapping(answer.get("data")) or answer)


def find(dial: Dial, since: datetime, known: Collection[str]) -> FoundCall | None:
    """The first call from this number to the lead's, made at `since` or later, that is not in `known`."""
    account, since, best = client.config(), since.astimezone(UTC).replace(microsecond=0), None
    for page in range(1, PAGES + 1):
        params = {
            "from": dial.sender, "to": dial.to, "date_from": client.iso(since), "page": page, "limit": PAGE,
        }  # fmt: skip
        request = account.request("GET", "/voice/v1/calls", headers=client.headers(account), params=params)
        response = client.free(account, request)
        rows = normalise.sequence(normalise.mapping(account.body(response, paid=False, personal=True)).get("calls"))
        for one in map(normalise.mapping, rows):
            found = _found(one)
            if one.get("to") != dial.to or not found.vendor_id or found.vendor_id in known:
                continue
            if found.at is not None and found.at >= since and (best is None or best.at is None or found.at < best.at):
                best = found
        if len(rows) < PAGE:
            break
    return best


def _one(vendor_id: str) -> str:
    if not _ID.fullmatch(vendor_id):
        raise ValueError(f"{vendor_id[:20]!r} is no call of SignalHouse's")
    return f"/voice/v1/calls/{vendor_id}"


def _id_of(record: Mapping[str, Any]) -> str:
    found = record.get("call_id") or record.get("callId")
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _found(record: Mapping[str, Any]) -> FoundCall:
    return FoundCall(
        vendor_id=_id_of(record),
        kind=KINDS.get(normalise.text(record.get("status"), limit=20) or "", "queued"),
        seconds=normalise.integer(record.get("duration"), most=10**6),
        at=posts.moment(record.get("created_at") or record.get("start_time")),
    )
