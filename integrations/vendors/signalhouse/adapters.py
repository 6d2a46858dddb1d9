"""SignalHouse's paid operation. The body is ours; see `client`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from integrations.vendors import normalise, statuses
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.credentials import Account, check_batch
from integrations.vendors.errors import Category
from integrations.vendors.signalhouse import parse
from integrations.vendors.signalhouse.client import TITLE, ask, is_envelope
from integrations.vendors.skip_trace import reachable

# "Format: Flat fields", "Match Requirements: { phones: true }" (docs/requirements.md 5)
_FIELDS = ("first_name", "last_name", "address", "city", "state", "zip")


@dataclass(frozen=True, slots=True)
class SkipTrace:
    """Phones and e-mails of one owner. Units: 1 a match."""

    account: Account
    vendor = "signalhouse"
    operation = "skip_trace"
    largest_batch = 1

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        params = queries[0].params
        # One address goes in: the property's, or where there is none the owner's mailing address.
        where = params if "city" in params else {name.removeprefix("mail_"): part for name, part in params.items()}
        body = {name: where[name] for name in _FIELDS if name in where}
        response = ask(self.account, "/skip-trace", {**body, "match_requirements": {"phones": True}}, call_id=call_id)
        envelope = self.account.body(response, paid=True, personal=True)
        if not is_envelope(response):
            raise statuses.no_answer(response, vendor=TITLE, paid=True, why="has no data", personal=True)
        data = None if response.status == 404 else envelope["data"]
        if data and not isinstance(data, dict):
            raise statuses.unusable(response, vendor=TITLE, why="has no person in it", personal=True)
        facts = parse.contact(data, asked=params, owner=queries[0].owner) if data else {}
        answer = Answer(facts=facts) if reachable(facts) else Answer(category=Category.SKIP_TRACE_EMPTY)
        return Reply(
            answers={queries[0].key: answer},
            units=Decimal(1 if data else 0),
            claimed=normalise.units(envelope.get("credits")),
            status=response.status,
        )
