"""What Apollo's own account says of the credits it has used: free to ask. Contract: docs/vendors/apollo.md 3.7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.apollo.client import TITLE, config
from integrations.vendors.errors import Category, Rejected, VendorFailure

LEAD, DIRECT_DIAL = "lead_credit", "direct_dial_credit"
_MOST = 10**12  # credits: no account has nearly as many


class MayNotAsk(VendorFailure):
    """401 or 403 at this free question: the key lacks the permission (a master key has it). Nothing else is wrong."""

    category = Category.AUTH_ERROR


@dataclass(frozen=True, slots=True)
class CreditUsage:
    """Credits consumed in the current cycle [begins, ends), by Apollo's names of them."""

    counters: Mapping[str, Decimal]
    begins: datetime | None
    ends: datetime | None

    @property
    def lead(self) -> Decimal:
        return self.counters.get(LEAD, Decimal(0))

    @property
    def direct_dial(self) -> Decimal:
        return self.counters.get(DIRECT_DIAL, Decimal(0))


def credit_usage() -> CreditUsage:
    """Asks `POST /usage_stats/credit_usage_stats`. Raises MayNotAsk, or another VendorFailure."""
    account = config()
    request = account.request("POST", "/usage_stats/credit_usage_stats", headers={"x-api-key": account.key})
    response = account.send(request, paid=False)
    if response.status in (401, 403):
        words = f"This key may not ask {TITLE} for its credits ({response.status}): a master key may."
        raise MayNotAsk(words, status=response.status)
    account.check(request, response, paid=False)
    try:
        body = response.json()
    except ValueError:
        body = None
    stats = body.get("credit_usage_stats") if isinstance(body, dict) else None
    if not isinstance(stats, dict):
        raise Rejected(f"{TITLE}'s answer about its credits cannot be read.", status=response.status)
    return _read(body, stats)


def _read(body: Mapping[str, Any], stats: Mapping[str, Any]) -> CreditUsage:
    """The cycle stands beside the counters in Apollo's example and among them in its schema."""
    counters = {}
    for name, counter in stats.items():
        consumed = normalise.units(normalise.mapping(counter).get("consumed"), most=_MOST)
        if consumed is not None:
            counters[str(name)[:40]] = consumed
    cycle = normalise.mapping(stats.get("current_credit_cycle")) or normalise.mapping(body.get("current_credit_cycle"))
    return CreditUsage(counters, _moment(cycle.get("start_date")), _moment(cycle.get("end_date")))


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
