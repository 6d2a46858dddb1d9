"""RealEstateAPI: the account, the wire and the free calls. Contract: contracts.md section 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations import account as accounts
from integrations import normalise, statuses
from integrations.account import Account
from integrations.errors import Rejected
from integrations.http import HttpResponse
from integrations.realestateapi import parse, persons, places
from integrations.realestateapi.places import KeyInfo, Place
from integrations.realestateapi.queries import filters

TITLE = "RealEstateAPI"
# "≤256 KB payload" (contracts.md 1.9)
TRACE_PAYLOAD_MAX = 256 * 1024
_NO_MATCH_SIGNS = ("data", "persons", "match", "output")


@dataclass(frozen=True, slots=True)
class IdPage:
    """One ids_only answer. total: how many properties match, where the vendor says; the ids end at 10,000."""

    ids: tuple[str, ...]
    total: int | None


def config() -> Account:
    """The account in the settings of this moment."""
    return accounts.from_settings(
        "realestateapi", title=TITLE, variable="REALESTATEAPI", key_variable="REALESTATEAPI_KEY"
    )


# --- Free calls -------------------------------------------------------------------------------------------------------


def count(criteria: Mapping[str, Any]) -> int:
    """How many properties match: 0 credits (contracts.md 1.1). Raises ValueError or a VendorFailure."""
    envelope = _free("/v2/PropertySearch", {**filters(criteria), "count": True})
    if envelope is None:
        return 0
    total = normalise.integer(envelope.get("resultCount"))
    if total is None:
        raise Rejected(f"{TITLE} answered a count without a number.", status=200)
    return total


def ids(criteria: Mapping[str, Any]) -> IdPage:
    """Up to 10,000 property ids, each once, in the vendor's order; there is no second page (contracts.md 1.2)."""
    envelope = _free("/v2/PropertySearch", {**filters(criteria), "ids_only": True})
    if envelope is None:
        return IdPage(ids=(), total=0)
    if not isinstance(envelope.get("data"), list):
        raise Rejected(f"{TITLE} answered a search for ids without a list.", status=200)
    found = tuple(dict.fromkeys(parse.ids(envelope["data"])))
    return IdPage(ids=found, total=normalise.integer(envelope.get("resultCount")))


def autocomplete(text: str, types: Sequence[str] | None = None) -> list[Place]:
    """Places and properties that start like `text` (3 characters or more). Always free."""
    search = normalise.text(text) or ""
    if len(search) < 3:
        raise ValueError("A search for places needs at least 3 characters.")
    asked = {"search": search, **({"search_types": list(types)} if types else {})}
    envelope = _free("/v2/AutoComplete", asked) or {}
    found = (places.place(normalise.mapping(record)) for record in normalise.sequence(envelope.get("data")))
    return [place for place in found if place is not None]


def key_info() -> KeyInfo:
    """What this key may do. A test of the key that costs nothing."""
    envelope = _free("/v2/key/info", None, method="GET") or {}
    return places.key_info(normalise.mapping(envelope.get("data")))


def _free(path: str, body: Mapping[str, Any] | None, *, method: str = "POST") -> Mapping[str, Any] | None:
    envelope, _ = ask(config(), path, body, method=method, charged=False)
    return envelope


# --- The wire ---------------------------------------------------------------------------------------------------------


def ask(
    account: Account,
    path: str,
    body: Mapping[str, Any] | None,
    *,
    method: str = "POST",
    batch: bool = False,
    charged: bool = True,
    personal: bool = False,
) -> tuple[Mapping[str, Any] | None, HttpResponse]:
    """One call: its envelope, or None for "no match", which comes as a 404 with a body or as a 200 that says so.

    personal: nothing of an answer that cannot be used is kept. Raises a VendorFailure.
    """
    request = account.request(method, path, headers={"x-api-key": account.key}, json=body)
    if path.startswith("/v2/SkipTrace") and len(request.body() or b"") > TRACE_PAYLOAD_MAX:
        raise Rejected("The batch is over 256 KB: lower BATCH_SKIP_TRACE.")
    response = account.send(request)
    try:
        parsed = response.json()
    except ValueError:
        parsed = None
    envelope = normalise.mapping(parsed)
    status = response.status
    repeated = normalise.integer(envelope.get("statusCode"), least=400, most=599)
    if 200 <= status < 300 and repeated is not None:
        status = repeated
    if status == 404 and any(name in envelope for name in _NO_MATCH_SIGNS):
        return None, response
    account.check(request, response, status=status, batch=batch)
    if not envelope:
        raise statuses.unreadable(response, vendor=TITLE, charged=charged, personal=personal)
    return (None, response) if persons.no_match(envelope) else (envelope, response)
