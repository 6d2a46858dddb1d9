"""Apollo: the account, the wire and the free calls. Contract: docs/vendors/apollo.md section 3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.naming.vendors import title
from integrations.vendors import credentials, normalise, statuses
from integrations.vendors.apollo import parse
from integrations.vendors.apollo.parse import Reveal, Window
from integrations.vendors.credentials import Account
from integrations.vendors.errors import Rejected, VendorFailure
from integrations.vendors.http import HttpResponse

TITLE = title("apollo")
# Signed 64-bit numbers by its documentation; whatever it becomes, nothing that would change the address.
_ASKABLE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether Apollo takes our key. rate: what is left of each window (minute, hour, day), where the answer says."""

    ok: bool
    reason: str
    rate: Mapping[str, Window] = field(default_factory=dict)


def config() -> Account:
    """The account in the settings of this moment."""
    return credentials.from_settings(
        "apollo", title=TITLE, address_variable="APOLLO_BASE_URL", key_variable="APOLLO_API_KEY"
    )


def health() -> Health:
    """Asks `GET /auth/health`, which costs nothing. Never raises: a failure is the answer."""
    try:
        envelope, response = ask(config(), "GET", "/auth/health", paid=False)
    except VendorFailure as failure:
        return Health(ok=False, reason=failure.reason)
    rate = parse.rate(response.headers)
    if normalise.boolean(envelope.get("is_logged_in")):
        return Health(ok=True, reason="", rate=rate)
    return Health(ok=False, reason=f"{TITLE} does not know the key.", rate=rate)


def is_askable(request_id: str) -> bool:
    """Whether a result can be asked for by this id."""
    return bool(_ASKABLE.fullmatch(request_id))


def reveal(request_id: str) -> Reveal:
    """The phones a people match is still looking for (docs/vendors/apollo.md 3.4): kept 30 days, and free to ask for.

    Raises a VendorFailure; where Apollo itself says that there is none (any more), a Rejected of status 400, 404 or
    410. An id that cannot stand in an address is not asked for: Reveal says not ready.
    """
    if not is_askable(request_id):
        return Reveal(ready=False)
    account = config()
    request = account.request("GET", f"/webhook_result/{request_id}", headers={"x-api-key": account.key})
    response = account.send(request, paid=False)
    if response.status in (404, 410):
        body = _object(response)
        if body.get("error_code") == "result_pending":
            return Reveal(ready=False, retry_after=normalise.integer(body.get("retry_after_seconds"), most=86_400))
        if isinstance(body.get("error_code"), str):  # a page that says 404 and no more is not Apollo's
            lost = "keeps the phones of this request no longer" if response.status == 410 else "knows no such request"
            raise Rejected(f"{TITLE} {lost} ({response.status}).", status=response.status)
    try:
        account.check(request, response, paid=False)
    except VendorFailure as failure:
        shown = statuses.may_not_ask(failure, response, request=request, vendor=TITLE)
    else:
        return parse.reveal(normalise.mapping(account.body(response, paid=False)))
    raise shown


def _object(response: HttpResponse) -> Mapping[str, Any]:
    try:
        return normalise.mapping(response.json())
    except ValueError:
        return {}


def ask(
    account: Account,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    paid: bool = True,
) -> tuple[Mapping[str, Any], HttpResponse]:
    """One call and its JSON object. Raises a VendorFailure."""
    request = account.request(method, path, headers={"x-api-key": account.key}, json=body, params=params)
    response = account.send(request, paid=paid)
    account.check(request, response, paid=paid)
    envelope = account.body(response, paid=paid)
    if not isinstance(envelope, dict):
        raise statuses.no_answer(response, vendor=TITLE, paid=paid, why="is no object")
    return envelope, response
