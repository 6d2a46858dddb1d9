"""Lists compared: what two share, and what each reachable owner of a list has cost. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from accounts.access import Access
from buckets.filling.algebra import Sets
from buckets.models import Bucket
from common.contact_access import told
from enrichment.models import Run
from integrations.ledger.budgets import ZERO
from leads.models import ContactKey, Lead
from leads.querysets import HAS_PHONE, do_not_call
from operations.reports.spend import CENT, may_see

LISTS_SHOWN = 200  # newest lists with the most leads; the total is of these
_OWNER = Q(keys__key__kind=ContactKey.Kind.OWNER)


class NoSuchList(ValueError):
    """It does not exist, or is another team's. `field`: which of the two."""

    def __init__(self, field: str, words: str = "There is no such bucket.") -> None:
        super().__init__(words)
        self.field = field


class SameList(NoSuchList):
    """Both are one."""


@dataclass(frozen=True, slots=True)
class Size:
    """A list: its leads, and the owners it knows, who are known once property data was purchased."""

    id: UUID
    name: str
    leads: int
    owners: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Properties and owners that are on both lists. A property is the same by `buckets.filling.identity`."""

    a: Size
    b: Size
    properties: int
    owners: int

    def share(self, of: Size) -> Decimal | None:
        """Of a list's leads, 0 to 1; None: it is empty."""
        return (Decimal(self.properties) / of.leads).quantize(Decimal("0.0001")) if of.leads else None


def overlap(access: Access, a: UUID, b: UUID) -> Overlap:
    """What two lists of her team share. Raises NoSuchList."""
    found = {one.pk: one for one in Bucket.objects.filter(team=access.team_id or 0, pk__in=[a, b])}
    if not may_see(access) or a not in found:
        raise NoSuchList("a")
    if b not in found:
        raise NoSuchList("b")
    if a == b:
        raise SameList("b", "Choose two different buckets.")
    sizes = [Size(pk, str(told(found[pk].name)), found[pk].total_leads, _owners(pk)) for pk in (a, b)]
    return Overlap(sizes[0], sizes[1], _properties(a, b), _shared_owners(a, b))


def _properties(a: UUID, b: UUID) -> int:
    sql, params = Sets(all_of=(a, b)).sql("id")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) shared", params)  # noqa: S608  # our own SQL
        return int(cursor.fetchone()[0])


_OWNERS_OF = """
    SELECT k.key_id FROM leads_lead l JOIN leads_leadkey k ON k.lead_id = l.id AND k.role = 4
     WHERE l.bucket_id = %s AND l.merged_into_id IS NULL"""


def _owners(bucket_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(DISTINCT key_id) FROM ({_OWNERS_OF}) own", [bucket_id])  # noqa: S608  # constants
        return int(cursor.fetchone()[0])


def _shared_owners(a: UUID, b: UUID) -> int:
    """Owners by their key (name and mailing address): one that is too common to be one person joins nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*) FROM (
                    SELECT key_id FROM ({_OWNERS_OF}) a INTERSECT SELECT key_id FROM ({_OWNERS_OF}) b) s
                  JOIN leads_contactkey c ON c.id = s.key_id AND NOT c.crowded""",  # noqa: S608  # constants
            [a, b],
        )
        return int(cursor.fetchone()[0])


# --- Cost per reachable owner -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """Of a list, since it was made. with_phone: leads. reachable: owners with a phone whom nothing keeps from being
    called (do-not-call, suppressed, litigator); one who owns several of its properties once. spent: US dollars, by its
    enrichment jobs.
    """

    id: UUID
    name: str
    leads: int
    with_phone: int
    reachable: int
    spent: Decimal

    @property
    def per_owner(self) -> Decimal | None:
        """US dollars; None: nobody is reachable."""
        return (self.spent / self.reachable).quantize(CENT) if self.reachable else None


def reach_by_list(access: Access) -> list[Reach]:
    """Her team's lists with a phone or with money spent, the dearest owner first; those without an owner last."""
    if not may_see(access) or access.team_id is None:
        return []
    buckets = list(Bucket.objects.filter(team=access.team_id).order_by("-total_leads", "-pk")[:LISTS_SHOWN])
    ids = [one.pk for one in buckets]
    spent: dict[UUID, Decimal] = {}
    runs: Any = Run.objects.with_money().filter(bucket__in=ids)
    for bucket_id, dollars in runs.values_list("bucket_id", "spent"):
        spent[bucket_id] = spent.get(bucket_id, ZERO) + dollars
    owners = _reachable([one.pk for one in buckets if one.phone_leads])
    found = [
        Reach(
            one.pk,
            str(told(one.name)),
            one.total_leads,
            one.phone_leads,
            owners.get(one.pk, 0),
            spent.get(one.pk, ZERO),
        )
        for one in buckets
        if one.phone_leads or spent.get(one.pk)
    ]
    return sorted(found, key=lambda one: (one.per_owner is None, -(one.per_owner or ZERO), one.name))


def _reachable(ids: Sequence[UUID]) -> dict[UUID, int]:
    """Owners by list: of leads whose owner has a key, the keys; each of the others is its own."""
    if not ids:
        return {}
    leads = Lead.objects.filter(HAS_PHONE, ~do_not_call(), bucket__in=ids).order_by()
    known = Count("pk", distinct=True, filter=_OWNER)
    rows = leads.values("bucket_id").annotate(
        many=Count("pk", distinct=True), known=known, owner_keys=Count("keys__key_id", distinct=True, filter=_OWNER)
    )
    return {row["bucket_id"]: row["owner_keys"] + row["many"] - row["known"] for row in rows}
