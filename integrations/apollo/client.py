"""Apollo: the account, the wire and the free calls. Contract: contracts.md section 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations import account as accounts
from integrations import normalise, statuses
from integrations.account import Account
from integrations.apollo import parse
from integrations.apollo.parse import Reveal, Window
from integrations.errors import Rejected, VendorFailure
from integrations.http import HttpResponse

TITLE = "Apollo"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether Apollo takes our key. rate: what is left of each window (minute, hour, day), where the answer says."""

    ok: bool
    reason: str
    rate: Mapping[str, Window] = field(default_factory=dict)


def config() -> Account:
    """The account in the settings of this moment."""
    return accounts.from_settings("apollo", title=TITLE, variable="APOLLO", key_variable="APOLLO_API_KEY")


def health() -> Health:
    """Asks `GET /auth/health`, which costs nothing. Never raises: a failure is the answer."""
    try:
        envelope, response = ask(config(), "GET", "/auth/health", charged=False)
    except VendorFailure as failure:
        return Health(ok=False, reason=failure.reason)
    rate = parse.rate(response.headers)
    if normalise.boolean(envelope.get("is_logged_in")):
        return Health(ok=True, reason="", rate=rate)
    return Health(ok=False, reason=f"{TITLE} does not know the key.", rate=rate)


def reveal(request_id: str) -> Reveal:
    """The phones a people match is still looking for (contracts.md 3.4): kept 30 days, and free to ask for.

    Raises a VendorFailure; an unknown or expired request is a Rejected.
    """
    account = config()
    request = account.request("GET", f"/webhook_result/{int(request_id)}", headers={"x-api-key": account.key})
    response = account.send(request)
    if response.status == 404:
        body = normalise.mapping(account.body(response, charged=False))
        if body.get("error_code") == "result_pending":
            return Reveal(ready=False, retry_after=normalise.integer(body.get("retry_after_seconds"), most=86_400))
    if response.status == 410:
        raise Rejected(f"{TITLE} no longer keeps the phones of this request (410).", status=410)
    account.check(request, response)
    return parse.reveal(normalise.mapping(account.body(response, charged=False)))


def ask(
    account: Account,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    charged: bool = True,
) -> tuple[Mapping[str, Any], HttpResponse]:
    """One call and its JSON object. Raises a VendorFailure."""
    request = account.request(method, path, headers={"x-api-key": account.key}, json=body, params=params)
    response = account.send(request)
    account.check(request, response)
    envelope = account.body(response, charged=charged)
    if not isinstance(envelope, dict):
        raise statuses.unreadable(response, vendor=TITLE, charged=charged, why="is no object")
    return envelope, response
