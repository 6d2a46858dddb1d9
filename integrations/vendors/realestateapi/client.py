"""RealEstateAPI: the account, the wire and the free calls. Contract: docs/vendors/realestateapi.md section 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from integrations.naming.vendors import title
from integrations.vendors import credentials, normalise, statuses
from integrations.vendors.contract import Reply
from integrations.vendors.credentials import Account
from integrations.vendors.errors import Category, Rejected, UnprovenMiss
from integrations.vendors.http import HttpResponse
from integrations.vendors.realestateapi import parse, persons, places
from integrations.vendors.realestateapi.places import KeyInfo, Place
from integrations.vendors.realestateapi.queries import filters

TITLE = title("realestateapi")
# "≤256 KB payload" (docs/vendors/realestateapi.md 1.9)
TRACE_PAYLOAD_MAX = 256 * 1024
_ENVELOPE = ("data", "persons", "match", "output")
_NOTHING = f"{TITLE} finds nothing (404)."
_UNPROVEN = f"{TITLE} answered 404 before it has answered anything from this address: check its base URL."


@dataclass(frozen=True, slots=True)
class Told:
    """An answer. envelope None: no match. claimed: the credits it names, which are not what we are charged."""

    envelope: Mapping[str, Any] | None
    response: HttpResponse
    claimed: Decimal | None


@dataclass(frozen=True, slots=True)
class IdPage:
    """One ids_only answer. total: how many properties match, where the vendor says; the ids end at 10,000."""

    ids: tuple[str, ...]
    total: int | None


def config() -> Account:
    """The account in the settings of this moment."""
    return credentials.from_settings(
        "realestateapi", title=TITLE, address_variable="REALESTATEAPI_BASE_URL", key_variable="REALESTATEAPI_KEY"
    )


# --- Free calls -------------------------------------------------------------------------------------------------------


def count(criteria: Mapping[str, Any]) -> int:
    """How many properties match: 0 credits (docs/vendors/realestateapi.md 1.1).

    Raises ValueError or a VendorFailure.
    """
    envelope = _free("/v2/PropertySearch", {**filters(criteria), "count": True})
    if envelope is None:
        return 0
    total = normalise.integer(envelope.get("resultCount"))
    if total is None:
        raise Rejected(f"{TITLE} answered a count without a number.", status=200)
    return total


def ids(criteria: Mapping[str, Any]) -> IdPage:
    """Up to 10,000 property ids, each once, in its order; no second page (docs/vendors/realestateapi.md 1.2)."""
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
    return ask(config(), path, body, method=method).envelope


# --- The wire ---------------------------------------------------------------------------------------------------------


def ask(
    account: Account,
    path: str,
    body: Mapping[str, Any] | None,
    *,
    method: str = "POST",
    miss: Reply | None = None,
    batch: bool = False,
    personal: bool = False,
) -> Told:
    """One call. No match comes as a 404 with an envelope, or as a 200 that says so, and is Told without one.

    miss: what nothing found means to the payer; None: a call that costs nothing. personal: no byte of an
    answer that cannot be used is kept. Raises a VendorFailure; where a 404 has no envelope but the documented fields,
    UnprovenMiss, because a wrong base URL may answer so too, and of a free call a Rejected of category NOT_FOUND.
    """
    paid = miss is not None
    request = account.request(method, path, headers={"x-api-key": account.key}, json=body)
    if path.startswith("/v2/SkipTrace") and len(request.body() or b"") > TRACE_PAYLOAD_MAX:
        raise Rejected("The batch is over 256 KB: lower BATCH_SKIP_TRACE.")
    response = account.send(request, paid=paid)
    why = "is no object"
    try:
        parsed = response.json()
    except ValueError:
        parsed, why = None, ""
    envelope = normalise.mapping(parsed)
    status = response.status
    repeated = normalise.integer(envelope.get("statusCode"), least=400, most=599)
    if 200 <= status < 300 and repeated is not None:
        status = repeated
    claimed = normalise.units(envelope.get("credits"))
    if status == 404 and is_envelope(envelope):
        return Told(None, response, claimed)
    if status == 404 and _is_documented_miss(envelope):
        if miss is None:
            raise Rejected(_NOTHING, status=404, category=Category.NOT_FOUND)
        raise UnprovenMiss(_UNPROVEN, miss=replace(miss, claimed=claimed, status=response.status))
    account.check(request, response, paid=paid, status=status, batch=batch)
    if not envelope:
        raise statuses.no_answer(response, vendor=TITLE, paid=paid, why=why, personal=personal)
    return Told(None if persons.no_match(envelope) else envelope, response, claimed)


def is_envelope(body: Mapping[str, Any]) -> bool:
    """Whether an object is an answer of this vendor's, found or not, and not of another server at its base URL."""
    return any(name in body for name in _ENVELOPE)


def _is_documented_miss(body: Mapping[str, Any]) -> bool:
    """`{statusCode: 404, error, message, validation}` (docs/vendors/realestateapi.md 1.1): its OpenAPI's 404."""
    return (
        normalise.integer(body.get("statusCode")) == 404
        and isinstance(body.get("error"), str)
        and isinstance(body.get("message"), str)
        and isinstance(body.get("validation"), dict)
    )
