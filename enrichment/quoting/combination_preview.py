"""What a combination of buckets would hold and what its new leads would cost, before it is made. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from accounts.models import User
from buckets.filling.algebra import Sets, check_sets
from common.db.clock import database_now
from enrichment.quoting.quotes import QuoteLine
from integrations.ledger import catalogue
from integrations.ledger.budgets import ZERO
from integrations.models import Lookup


@dataclass(frozen=True, slots=True)
class Preview:
    """total = owned (a fresh detail serves it for $0) + stale (bought too long ago) + new (never bought).

    lines: what the new ones cost at most, contacts included. US dollars.
    """

    total: int
    owned: int
    stale: int
    new: int
    lines: tuple[QuoteLine, ...]
    stale_price: Decimal  # of buying the details of the stale ones again

    @property
    def price(self) -> Decimal:
        return sum((line.cost for line in self.lines), ZERO)


def preview(*, by: User, sets: Sets) -> Preview:
    """One statement over ids: a second or two where two buckets of a million meet. Raises buckets.algebra.SetError."""
    check_sets(by=by, sets=sets)
    detail, trace = catalogue.operation("property_detail"), catalogue.operation("skip_trace")
    since = detail.fresh_since(database_now())
    chosen, params = sets.sql("id, property_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE k.fetched_at > %s), count(*) FILTER (WHERE k.fetched_at <= %s)
              FROM ({chosen}) AS chosen
              LEFT JOIN integrations_lookup k
                     ON k.operation_id = %s AND k.key = chosen.property_id AND k.state <> %s
                        AND k.facts IS NOT NULL
            """,  # noqa: S608  # text of buckets.algebra only; what a person gave is a parameter
            [since, since, *params, detail.pk, Lookup.State.FREE],
        )
        total, owned, stale = cursor.fetchone() or (0, 0, 0)
    new, prices = total - owned - stale, {one.pk: one.setting("price") for one in (detail, trace)}
    lines = tuple(
        QuoteLine(one.vendor_id, one.name, 0, new, prices[one.pk], prices[one.pk] * new) for one in (detail, trace)
    )
    return Preview(total, owned, stale, new, lines, stale_price=prices[detail.pk] * stale)
