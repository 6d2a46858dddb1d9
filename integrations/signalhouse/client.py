"""SignalHouse: the account and the wire.

SignalHouse publishes no skip-trace contract (contracts.md 2.1), so the body is ours, after the brief; transport, key,
`Idempotency-Key` and errors are its own (2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations import account as accounts
from integrations.account import Account
from integrations.http import HttpResponse

TITLE = "SignalHouse"


def config() -> Account:
    """The account in the settings of this moment."""
    return accounts.from_settings(
        "signalhouse", title=TITLE, variable="SIGNALHOUSE", key_variable="SIGNALHOUSE_API_KEY"
    )


def ask(account: Account, path: str, body: Mapping[str, Any], *, call_id: str) -> HttpResponse:
    """One POST. A repeat with the same call_id and body replays the first answer. Raises a VendorFailure."""
    headers = {"Authorization": f"Bearer {account.key}", "Idempotency-Key": call_id}
    request = account.request("POST", path, headers=headers, json=body)
    response = account.send(request)
    account.check(request, response)
    return response
