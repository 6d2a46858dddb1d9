"""Which leads of some buckets are the same property as a lead, and which are possibly: conditions in SQL.

The same: an equal property id, a name in common, or a name that everybody knows as the other's id. Possibly the same:
names that differ in the unit, a direction or the ZIP, or in that one parcel number came without separators
(`Name.loose`).

Where no bucket of an expression has names, ids are all there is to compare, as fast as ever. Each condition is told in
two ways. ALL: for all of a bucket's leads at once, by joins over the bucket's names. FEW: for a few leads in order,
each looked up by indexes; with the first and a LIMIT, PostgreSQL, whose statistics did not know a new bucket yet, ran
for minutes. `l` is the lead; its bucket is a parameter of ALL, like those of the others.
"""

# ruff: noqa: S608  # SQL of this file only: what a person gave is a parameter

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

_L = re.compile(r"\bl\.")

# --- Ids alone --------------------------------------------------------------------------------------------------------

_SAME_ID = "SELECT 1 FROM leads_lead o WHERE o.bucket_id = ANY(%({others})s) AND o.property_id = l.property_id"
_ID_ALL = f"EXISTS ({_SAME_ID})"
_ID_FEW = f"(({_SAME_ID} LIMIT 1) IS NOT NULL)"

# Of two equal names: no address and city of two records that have ZIPs, which are then two (`Name.bare`)
ONE_PLACE = "NOT ({one}.bare AND {other}.bare AND {one}.loose & 1 = 0)"

# --- Names of a few leads, by index ---------------------------------------------------------------------------------

# From the lead's own few names to those of the others, in this order: LATERAL with a LIMIT leaves PostgreSQL no other.
_OWN = "(SELECT exact, loose, bare FROM leads_leadname WHERE lead_id = l.id OFFSET 0) a"
_KNOWN = """CROSS JOIN LATERAL (SELECT property_id FROM integrations_propertyname
    WHERE exact = a.exact AND exact <> 0 AND property_id <> '' AND {one_place} OFFSET 0) n""".replace(
    "{one_place}", ONE_PLACE.format(one="a", other="integrations_propertyname")
)  # the vendor's ids it is known by
_CALLED_SO = """(SELECT exact, loose, bare FROM integrations_propertyname
    WHERE property_id = {id} AND exact <> 0 OFFSET 0) m"""
_NAMED_SO = """CROSS JOIN LATERAL (SELECT 1 FROM leads_leadname
    WHERE bucket_id = ANY(%({others})s) AND loose = {of}.loose{more} LIMIT 1) b"""


def may_be(one: str, other: str) -> str:
    """Two names with an equal `loose` are possibly one property's: APNs (odd) only if one came without separators,
    addresses of places that cannot be compared only if one is by city (`Name.possible`)."""
    apart = f"CASE WHEN {one}.loose & 2 = 0 THEN {one}.bare OR {other}.bare ELSE {one}.bare <> {other}.bare END"
    return f"({one}.loose & 1 = 0 OR {apart})"


def _named(of: str, *, exactly: bool = True) -> str:
    """One of the others has a name that `of` has, or one like it."""
    same = f"exact = {of}.exact AND {ONE_PLACE.format(one=of, other='leads_leadname')}"
    more = same if exactly else may_be(of, "leads_leadname")
    return _NAMED_SO.replace("{of}", of).replace("{more}", f" AND {more}")


_FEW = (
    # a name in common
    f"SELECT 1 FROM {_OWN} {_named('a')}",
    # a name of the lead's is known as another's id
    f"""SELECT 1 FROM {_OWN} {_KNOWN} CROSS JOIN LATERAL (SELECT 1 FROM leads_lead
         WHERE bucket_id = ANY(%({{others}})s) AND property_id = n.property_id LIMIT 1) o""",
    # a name of another's is known as the lead's id
    f"SELECT 1 FROM {_CALLED_SO.replace('{id}', 'l.property_id')} {_named('m')}",
    # a name of each is known as one id
    f"""SELECT 1 FROM {_OWN} {_KNOWN}
         CROSS JOIN LATERAL {_CALLED_SO.replace("{id}", "n.property_id")} {_named("m")}""",
)
_POSSIBLY_FEW = (
    f"SELECT 1 FROM {_OWN} {_named('a', exactly=False)}",
    f"SELECT 1 FROM {_CALLED_SO.replace('{id}', 'l.property_id')} {_named('m', exactly=False)}",
)

# --- Names of whole buckets, by joins ---------------------------------------------------------------------------------

# (lead, id): what the leads of some buckets are known as, besides what they are called.
_IDS_OF = """SELECT a.lead_id, n.property_id FROM leads_leadname a
               JOIN integrations_propertyname n ON n.exact = a.exact AND n.exact <> 0 AND n.property_id <> ''
                    AND {one_place}
              WHERE a.bucket_id = ANY(%({buckets})s)""".replace("{one_place}", ONE_PLACE.format(one="a", other="n"))
_CALLED = "SELECT o.property_id FROM leads_lead o WHERE o.bucket_id = ANY(%({others})s)"
_OTHERS_IDS = f"{_CALLED} UNION ALL SELECT k.property_id FROM ({_IDS_OF.replace('{buckets}', '{others}')}) k"
_ALL = (
    f"""SELECT 1 FROM leads_leadname a
         JOIN leads_leadname b ON b.bucket_id = ANY(%({{others}})s) AND b.exact = a.exact
              AND {ONE_PLACE.format(one="a", other="b")}
        WHERE a.bucket_id = %({{own}})s AND a.lead_id = l.id""",
    f"""SELECT 1 FROM ({_IDS_OF.replace("ANY(%({buckets})s)", "%({own})s")}) k
         JOIN ({_OTHERS_IDS}) o ON o.property_id = k.property_id WHERE k.lead_id = l.id""",
    f"""SELECT 1 FROM ({_IDS_OF.replace("{buckets}", "{others}")}) k WHERE k.property_id = l.property_id""",
)
_POSSIBLY_ALL = (
    f"""SELECT 1 FROM leads_leadname a
         JOIN leads_leadname b ON b.bucket_id = ANY(%({{others}})s) AND b.loose = a.loose AND {may_be("a", "b")}
        WHERE a.bucket_id = %({{own}})s AND a.lead_id = l.id""",
    f"""SELECT 1 FROM leads_leadname b
         JOIN integrations_propertyname n ON n.loose = b.loose AND n.exact <> 0 AND n.property_id <> ''
              AND {may_be("b", "n")}
        WHERE b.bucket_id = ANY(%({{others}})s) AND n.property_id = l.property_id""",
)


@dataclass(frozen=True, slots=True)
class Matching:
    """How leads are compared. few: each by itself, in order; else all of a bucket. named: whether any has names."""

    few: bool
    named: bool

    def same(self, own: str, others: str) -> str:
        """The lead's property is in one of these buckets. own, others: names of parameters."""
        conditions = self._same(own, others)
        if self.few or len(conditions) == 1:
            return f"({' OR '.join(conditions)})"
        ids = f"SELECT x.id FROM leads_lead x WHERE x.bucket_id = %({own})s"
        found = " UNION ALL ".join(f"({ids} AND {_L.sub('x.', one)})" for one in conditions)
        return f"EXISTS (SELECT 1 FROM ({found}) same WHERE same.id = l.id)"

    def not_same(self, own: str, others: str) -> str:
        """The lead's property is surely in none of these buckets, as far as anybody knows."""
        return " AND ".join(f"NOT {one}" for one in self._same(own, others))

    def not_possibly(self, own: str, others: str) -> str:
        """Nor possibly; "" where there are no names that could be alike."""
        if not self.named:
            return ""
        return " AND ".join(f"NOT {one}" for one in self._possibly(own, others))

    def possibly(self, own: str, others: str) -> str:
        """The lead's property is possibly in one of these buckets, or surely."""
        return f"({' OR '.join(self._possibly(own, others))})" if self.named else "false"

    def _possibly(self, own: str, others: str) -> list[str]:
        return self._told(_POSSIBLY_FEW, _POSSIBLY_ALL, own, others)

    def _same(self, own: str, others: str) -> list[str]:
        ids = (_ID_FEW if self.few else _ID_ALL).format(others=others)
        return [ids, *(self._told(_FEW, _ALL, own, others) if self.named else [])]

    def _told(self, few: Sequence[str], whole: Sequence[str], own: str, others: str) -> list[str]:
        if self.few:
            return [f"(({one.format(others=others)} LIMIT 1) IS NOT NULL)" for one in few]
        return [f"EXISTS ({one.format(own=own, others=others)})" for one in whole]


def have_names(bucket_ids: Sequence[UUID]) -> bool:
    """Whether any of these buckets' leads has a name beside its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM unnest(%s::uuid[]) AS b(id) "
            "WHERE EXISTS (SELECT FROM leads_leadname m WHERE m.bucket_id = b.id))",
            [list(bucket_ids)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
