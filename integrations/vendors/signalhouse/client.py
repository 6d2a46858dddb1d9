"""SignalHouse: the account and the wire.

SignalHouse publishes no skip-trace contract (docs/vendors/signalhouse.md 2.1), so the body is ours
(docs/requirements.md 5); transport, key, `Idempotency-Key` and errors are its own (docs/vendors/signalhouse.md 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.naming.vendors import title
from integrations.vendors import credentials, normalise
from integrations.vendors.credentials import Account
from integrations.vendors.http import HttpResponse

TITLE = title("signalhouse")


def config() -> Account:
    """The account in the settings of this moment."""
    return credentials.from_settings(
        "signalhouse", title=TITLE, address_variable="SIGNALHOUSE_BASE_URL", key_variable="SIGNALHOUSE_API_KEY"
    )


def ask(account: Account, path: str, body: Mapping[str, Any], *, call_id: str) -> HttpResponse:
    """One POST. A repeat with the same call_id and body replays the first answer. Raises a VendorFailure.

    A 404 with the envelope is an answer: no such person is known.
    """
    headers = {"Authorization": f"Bearer {account.key}", "Idempotency-Key": call_id}
    request = account.request("POST", path, headers=headers, json=body)
    response = account.send(request)
    if not (response.status == 404 and is_envelope(response)):
        account.check(request, response)
    return response


def is_envelope(response: HttpResponse) -> bool:
    """Whether it is an answer of this vendor's, found or not: an object with `data`."""
    try:
        return "data" in normalise.mapping(response.json())
    except ValueError:
        return False
