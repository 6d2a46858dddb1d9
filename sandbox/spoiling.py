"""What a fault makes of an answer: in the vendor's place, instead of its answer, or of its answer itself."""

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.faults import CLAIM_KINDS, GATEWAY_KINDS, REDIRECT_KINDS, Fault
from sandbox.wire import HTML_TYPE, JSON_TYPE, TEXT_TYPE, Answer, Json

_PAGES = {
    "html": (
        "<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>Checking</h1></body></html>",
        HTML_TYPE,
    ),
    "text": ("OK\n", TEXT_TYPE),
    "json": ('{"status":"ok","version":"1.4.2"}', JSON_TYPE),
}
_MOVED = {"301": "Moved Permanently", "302": "Found", "307": "Temporary Redirect", "308": "Permanent Redirect"}
_UNUSABLE = "temporarily unavailable"
_ODD_REQUEST_ID = "req_7Qe9-2026/11"


def instead(kind: str, path: str) -> Answer:
    """What stands between the client and the vendor says: a page, a gateway's error, or "go elsewhere".

    A redirect leads to `/moved` on this sandbox, where nothing is: a client that follows it asks a stranger.
    """
    if kind in _PAGES:
        text, content_type = _PAGES[kind]
        return Answer(200, text=text, content_type=content_type, answered=False)
    if kind in REDIRECT_KINDS:
        text, headers = _page(f"{kind} {_MOVED[kind]}"), {"Location": f"/moved{path}"}
        return Answer(int(kind), text=text, content_type=HTML_TYPE, headers=headers, answered=False)
    status = kind.partition("_")[0]
    text = _page(f"{status} {GATEWAY_KINDS[kind]}")
    return Answer(int(status), text=text, content_type=HTML_TYPE, answered=False)


def _page(title: str) -> str:
    return f"<html><head><title>{title}</title></head></html>"


def spoil(answer: Answer, fault: Fault, sold: Callable[[str], int]) -> Answer:
    """A good answer spoiled: broken, emptied, its batch disturbed, or lying. Refusals stay as they are.

    It was billed as it was made; but an item that is missing is not billed: a client could not tell that it was sold.
    `sold` says how often an input was billed before.
    """
    kind = fault.kind
    if answer.status != 200 or not isinstance(answer.payload, dict):
        return answer
    if kind == "garbage":
        text = answer.body().decode()
        return Answer(200, text=text[: len(text) * 2 // 3], charges=answer.charges, content_type=TEXT_TYPE)
    payload, found, charges = dict(answer.payload), answer.payload.get(answer.items), answer.charges
    if kind == "empty":
        payload[answer.items] = [] if isinstance(found, list) else {} if isinstance(found, dict) else None
    elif kind == "unusable":
        payload[answer.items] = [_UNUSABLE for _ in found] if isinstance(found, list) else _UNUSABLE
    elif kind in CLAIM_KINDS:
        payload |= _claim(payload, CLAIM_KINDS[kind] * sum((charge.units for charge in charges), Decimal(0)))
    elif kind.startswith("request_id"):
        payload |= {"request_id": _ODD_REQUEST_ID if kind == "request_id_text" else None}
    elif isinstance(found, list) and found:
        gone = _left_out(fault, answer, len(found), sold)
        payload[answer.items] = _disturb(kind, found, gone)
        if gone and not fault.billed:
            charges = [charge for charge in charges if charge.item not in gone]
            if "credits" in payload:
                payload["credits"] = len(charges)
    return Answer(200, payload, headers=answer.headers, charges=charges, items=answer.items)


def _claim(payload: Json, units: Decimal) -> Json:
    """The vendor's own count of what it charged, where it has a place for one: SignalHouse has none."""
    name = "credits_consumed" if "credits_consumed" in payload else "credits" if "statusCode" in payload else ""
    return {name: int(units)} if name else {}


def _left_out(fault: Fault, answer: Answer, count: int, sold: Callable[[str], int]) -> set[int]:
    """The positions of missing items: every third, the first one included; at a re-buy of those sold before."""
    if fault.kind == "missing":
        return set(range(0, count, 3))
    if fault.kind == "missing_rebuy":
        known = [charge.item for charge in answer.charges if charge.item is not None and sold(charge.input)]
        return set(known[::3])
    return set()


def _disturb(kind: str, items: list[Any], gone: set[int]) -> list[Any]:
    if kind in ("missing", "missing_rebuy"):
        return [item for position, item in enumerate(items) if position not in gone]
    if kind == "duplicate":
        return [*items, items[0]]
    if kind == "reorder":
        return items[::-1]
    stranger = copy.deepcopy(items[0])  # "extra": one nobody asked for
    if isinstance(stranger, dict) and "id" in stranger:
        stranger["id"] = type(stranger["id"])(99_999_999)
    if isinstance(stranger, dict) and isinstance(stranger.get("input"), dict):
        stranger["input"]["key"] = "nobody-asked"
    return [*items, stranger]
