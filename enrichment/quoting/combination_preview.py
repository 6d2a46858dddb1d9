"""What a combination of buckets would hold and what its new leads would cost, before it is made. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from accounts.access import team_of
from accounts.models import User
from buckets.filling.algebra import Sets, check_sets, count_left_out
from buckets.filling.identity import have_names
from common.db.clock import database_now
from enrichment.quoting.quotes import QuoteLine
from integrations.ledger import catalogue
from integrations.ledger.budgets import ZERO
from integrations.models import Lookup

# When the detail of each lead was bought by the vendor's id that one of its names is known as: of one id, or of none.
# An APN without separators is known as the one with them that has its digits, if there is exactly one.
_BY_NAME = """
    LEFT JOIN (SELECT a.lead_id, max(b.fetched_at) AS fetched_at
                 FROM (SELECT m.lead_id, n.property_id
                         FROM leads_leadname m
                         JOIN integrations_propertyname n ON n.exact = m.exact AND n.exact <> 0 AND n.property_id <> ''
                        WHERE m.bucket_id = ANY(%(sources)s)
                        UNION ALL
                       SELECT m.lead_id, n.property_id
                         FROM leads_leadname m
                         JOIN integrations_propertyname n
                              ON n.loose = m.loose AND n.name LIKE 'apn:%%' AND n.bare <> m.bare AND n.property_id <> ''
                        WHERE m.bucket_id = ANY(%(sources)s) AND m.loose & 1 = 1
                          AND NOT EXISTS (SELECT FROM integrations_propertyname o
                                           WHERE o.loose = m.loose AND o.name LIKE 'apn:%%' AND NOT o.bare
                                             AND o.exact <> CASE WHEN m.bare THEN n.exact ELSE m.exact END)) a
                 LEFT JOIN integrations_lookup b
                        ON b.operation_id = %(detail)s AND b.key = a.property_id AND b.state <> %(free)s
                           AND b.facts IS NOT NULL
                GROUP BY a.lead_id HAVING count(DISTINCT a.property_id) = 1) s ON s.lead_id = chosen.id"""


@dataclass(frozen=True, slots=True)
class Preview:
    """total = owned (a fresh detail serves it for $0) + stale (bought too long ago) + new (never bought).

    A property is owned under whichever name it was bought by. left_out: leads that are missing because they are
    possibly on a list that is excluded. lines: what the new ones cost at most, contacts included. US dollars.
    """

    total: int
    owned: int
    stale: int
    new: int
    left_out: int
    lines: tuple[QuoteLine, ...]
    stale_price: Decimal  # of buying the details of the stale ones again

    @property
    def price(self) -> Decimal:
        return sum((line.cost for line in self.lines), ZERO)


def preview(*, by: User, sets: Sets, team_id: int | None = None) -> Preview:
    """One statement over ids: a second or two where two buckets of a million meet. Raises buckets.algebra.SetError."""
    check_sets(team_id=team_id if team_id is not None else team_of(by), sets=sets)
    detail, trace = catalogue.operation("property_detail"), catalogue.operation("skip_trace")
    since = detail.fresh_since(database_now())
    chosen, params = sets.sql("id, property_id")
    by_name = have_names(list(sets.ids))
    owned_as, joined = ("greatest(k.fetched_at, s.fetched_at)", _BY_NAME) if by_name else ("k.fetched_at", "")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE {owned_as} > %(since)s),
                   count(*) FILTER (WHERE {owned_as} <= %(since)s)
              FROM ({chosen}) AS chosen
              LEFT JOIN integrations_lookup k
                     ON k.operation_id = %(detail)s AND k.key = chosen.property_id AND k.state <> %(free)s
                        AND k.facts IS NOT NULL
              {joined}
            """,  # noqa: S608  # text of buckets.algebra and of this file; what a person gave is a parameter
            {
                **params,
                "since": since,
                "detail": detail.pk,
                "free": Lookup.State.FREE,
                "sources": [*sets.all_of, *sets.any_of],
            },
        )
        total, owned, stale = cursor.fetchone() or (0, 0, 0)
    new, prices = total - owned - stale, {one.pk: one.setting("price") for one in (detail, trace)}
    lines = tuple(
        QuoteLine(one.vendor_id, one.name, 0, new, prices[one.pk], prices[one.pk] * new) for one in (detail, trace)
    )
    return Preview(total, owned, stale, new, count_left_out(sets), lines, stale_price=prices[detail.pk] * stale)
