"""Which leads of one bucket turn out to be one property: by an equal vendor id, or by an equal parcel number.

Never because two different vendor ids share an address, and never where units or house numbers contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from integrations.lookups.agreement import addresses_differ, parcels_differ
from integrations.lookups.identity import hash64, names_of
from integrations.lookups.stand_in_ids import APN, ASKED_BY, is_stand_in
from integrations.naming import places
from integrations.naming.street_lines import house_and_unit
from leads.merging.table import Merge
from leads.models import Lead, LeadName
from leads.registries import MERGE_STOPPERS

# What each lead that is called by an address or parcel number is known as, by the vendor's id: its names as they are
# known to everybody. Two ids: unclear, so none.
_KNOWN = """
    known AS MATERIALIZED (
        SELECT id, min(property_id) AS property_id FROM (
            SELECT l.id, n.property_id FROM leads_leadname m
              JOIN leads_lead l ON l.id = m.lead_id AND l.merged_into_id IS NULL AND strpos(l.property_id, ':') > 0
              JOIN integrations_propertyname n ON n.exact = m.exact AND n.exact <> 0 AND n.property_id <> ''
                   AND NOT (m.bare AND n.bare AND m.loose & 1 = 0)
             WHERE m.bucket_id = %(bucket)s {names}
            UNION ALL
            SELECT l.id, n.property_id FROM leads_lead l
              JOIN integrations_propertyname n ON n.name = l.property_id AND n.property_id <> ''
             WHERE l.bucket_id = %(bucket)s AND l.merged_into_id IS NULL AND strpos(l.property_id, ':') > 0 {leads}
        ) AS told GROUP BY id HAVING count(DISTINCT property_id) = 1)"""
_BY_ID = """
    WITH {known},
    called AS (
        SELECT id, property_id FROM known
        UNION
        SELECT o.id, o.property_id FROM leads_lead o JOIN known ON known.property_id = o.property_id
         WHERE o.bucket_id = %(bucket)s AND o.merged_into_id IS NULL)
    SELECT property_id, array_agg(id ORDER BY id) FROM called GROUP BY property_id HAVING count(*) > 1"""
# Equal names, and a bare parcel number with the one segmented one of its bucket that has its digits. Nothing is joined
# with `named`: of a bucket younger than its table's statistics PostgreSQL expects one row, and would go through all
# for each (20,000 leads: 60 s).
_BY_NAME = """
    WITH named AS MATERIALIZED (
        SELECT m.lead_id, m.exact, m.loose, m.bare FROM leads_leadname m WHERE m.bucket_id = %(bucket)s {names}),
    twice AS (
        SELECT exact AS key, array_agg(lead_id ORDER BY lead_id) AS leads FROM named GROUP BY exact HAVING count(*) > 1)
    SELECT key, leads, false FROM twice
    UNION ALL
    SELECT min(exact) FILTER (WHERE NOT bare), array_agg(DISTINCT lead_id ORDER BY lead_id), true FROM named
     WHERE loose & 3 = 1 GROUP BY loose
    HAVING count(DISTINCT lead_id) > 1
       AND count(DISTINCT exact) FILTER (WHERE NOT bare) = 1 AND count(DISTINCT exact) FILTER (WHERE bare) = 1
       AND NOT EXISTS (SELECT FROM integrations_propertyname n
                        WHERE n.loose = named.loose AND n.name LIKE 'apn:%%' AND NOT n.bare
                          AND n.exact <> min(named.exact) FILTER (WHERE NOT named.bare))"""


class Pair(NamedTuple):
    older: UUID
    younger: UUID
    why: str


def pairs_of(bucket_id: UUID, only: Sequence[UUID] | None = None) -> list[Pair]:
    """The pairs of a bucket's leads, or of these alone, that are one property and that no person keeps apart.

    One statement for each kind of evidence; what it finds is looked at in memory, group by group.
    """
    groups = [
        *((Merge.Why.PROPERTY_ID, None, ids) for _, ids in _rows(_BY_ID, bucket_id, only)),
        *((Merge.Why.APN, key, ids) for key, ids, _ in _rows(_BY_NAME, bucket_id, only)),
    ]
    leads = _loaded({lead_id for _, _, ids in groups for lead_id in ids})
    taught = _taught([one["id"] for one in leads.values() if not one["property_address"]])
    pairs: dict[tuple[UUID, UUID], Pair] = {}
    for why, key, ids in groups:
        group = [leads[lead_id] for lead_id in ids if lead_id in leads]
        if key is not None and not any(_is_parcel(lead, key) for lead in group):
            continue  # an address: two spellings of one are one name from the start
        for older, younger in _one_property(group):
            if _other_ids(older, younger) or parcels_differ(older["apn"], younger["apn"]):
                continue
            if key is None or _one_parcel(older, younger, taught):
                pairs.setdefault((older["id"], younger["id"]), Pair(older["id"], younger["id"], why.value))
    return _not_apart(list(pairs.values()))


def _rows(sql: str, bucket_id: UUID, only: Sequence[UUID] | None) -> list[tuple[Any, ...]]:
    names, leads = ("AND m.loose IN (SELECT loose FROM leads_leadname WHERE lead_id = ANY(%(only)s))",
                    "AND l.id = ANY(%(only)s)") if only is not None else ("", "")  # fmt: skip
    known = _KNOWN.format(names=names, leads=leads)
    text = sql.replace("{known}", known).replace("{names}", names)
    with connection.cursor() as cursor:
        cursor.execute(text, {"bucket": bucket_id, "only": list(only or ())})
        return list(cursor.fetchall())


def _loaded(ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = Lead.objects.filter(pk__in=list(ids)).values("id", "property_id", *ASKED_BY, "other_facts")
    return {row["id"]: row for row in rows}


def _is_parcel(lead: Mapping[str, Any], exact: int) -> bool:
    """Whether this name of a lead is a parcel number's, by what it shows or once showed."""
    property_id = lead["property_id"]
    if property_id.startswith(APN) and hash64(property_id) == exact:
        return True
    said = [lead]
    others = lead["other_facts"] or {}
    said += [{**lead, "apn": entry["value"]} for entry in others.get("apn", ())]
    return any(name.exact == exact and name.text.startswith(APN) for facts in said for name in names_of(facts))


def _other_ids(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Two different vendor ids are two properties, whatever else they share."""
    ids = {lead["property_id"] for lead in (one, other)}
    return len(ids) == 2 and not any(map(is_stand_in, ids))


def _taught(lead_ids: Sequence[UUID]) -> dict[UUID, set[int]]:
    """The names of addresses that leads without one have all the same: of hidden ones, or of rows of files."""
    found: dict[UUID, set[int]] = {}
    if not lead_ids:
        return found
    rows = LeadName.objects.filter(lead__in=lead_ids).values_list("lead_id", "exact", "loose")
    for lead_id, exact, loose in rows:
        if loose & 1 == 0:
            found.setdefault(lead_id, set()).add(exact)
    return found


def _one_parcel(one: Mapping[str, Any], other: Mapping[str, Any], taught: Mapping[UUID, set[int]]) -> bool:
    """Whether two leads that share a parcel number are all of it, or one and the same part: a house is not one of its
    units, and a lead without an address is at the one that its names say.
    """
    (house, unit), (other_house, other_unit) = (house_and_unit(x["property_address"] or "") for x in (one, other))
    if house and other_house:
        return bool(unit) == bool(other_unit)
    for lead, at in ((one, other), (other, one)):
        said = taught.get(lead["id"])
        if said and at["property_address"] and said.isdisjoint(name.exact for name in names_of(at)):
            return False
    return True


# --- Units and house numbers ------------------------------------------------------------------------------------------


def _one_property(group: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Of leads that share a name, oldest first: each with the oldest that it does not contradict.

    Where several units (houses, ZIPs) share a parcel number, a lead without one may be any of them: it is left alone.
    """
    parts = {lead["id"]: _parts(lead) for lead in group}
    several = [len({known[part] for known in parts.values() if known[part]}) > 1 for part in range(3)]
    shown: dict[tuple[str, ...], dict[str, Any]] = {}
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for lead in group:
        known = parts[lead["id"]]
        if any(many and not part for many, part in zip(several, known, strict=True)):
            continue
        place = tuple(part if many else "" for many, part in zip(several, known, strict=True))
        if place in shown:
            if not addresses_differ(shown[place]["property_address"], lead["property_address"]):
                found.append((shown[place], lead))
        else:
            shown[place] = lead
    return found


def _parts(lead: Mapping[str, Any]) -> tuple[str, str, str]:
    """The house number, unit and ZIP of a lead's address, "" for what it has not."""
    house, unit = house_and_unit(lead["property_address"] or "")
    zip_code = lead["property_zip"] if house else None
    return house, unit, (places.zip5(zip_code) or "") if zip_code else ""


# --- What may be merged now -------------------------------------------------------------------------------------------


def _not_apart(pairs: Sequence[Pair]) -> list[Pair]:
    """Without those a person keeps apart."""
    if not pairs:
        return []
    ids = {lead_id for pair in pairs for lead_id in pair[:2]}
    apart = set(
        Merge.objects.filter(state=Merge.State.APART, younger__in=ids, older__in=ids).values_list("older", "younger")
    )
    return [pair for pair in pairs if (pair.older, pair.younger) not in apart]


def not_busy(pairs: Sequence[Pair]) -> list[Pair]:
    """Without those with a lead for which something is still to come from a vendor."""
    waiting = busy({lead_id for pair in pairs for lead_id in pair[:2]})
    return [pair for pair in pairs if not {pair.older, pair.younger} & waiting]


def busy(lead_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these leads that have an open item, request or phone to come."""
    ids = list(lead_ids)
    if not MERGE_STOPPERS or not ids:
        return set()
    stopped = Q(MERGE_STOPPERS[0])
    for condition in MERGE_STOPPERS[1:]:
        stopped |= Q(condition)
    return set(Lead.every.filter(stopped, pk__in=ids).values_list("pk", flat=True))


# --- Where to look ----------------------------------------------------------------------------------------------------


def named_buckets() -> list[UUID]:
    """The buckets with leads that have names, by steps over the index: ids alone are never one property twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE step AS (
                (SELECT bucket_id FROM leads_leadname ORDER BY bucket_id LIMIT 1)
                UNION ALL
                SELECT (SELECT m.bucket_id FROM leads_leadname m WHERE m.bucket_id > step.bucket_id
                         ORDER BY m.bucket_id LIMIT 1)
                  FROM step WHERE step.bucket_id IS NOT NULL)
            SELECT bucket_id FROM step WHERE bucket_id IS NOT NULL
            """
        )
        return [row[0] for row in cursor.fetchall()]


def changed_buckets(within: timedelta) -> set[UUID]:
    """The buckets with a lead that came or changed so lately, by the teams' records of changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH told AS MATERIALIZED (
                SELECT c.bucket_id, c.ids FROM accounts_team t
                 CROSS JOIN LATERAL (SELECT bucket_id, ids FROM leads_change
                                      WHERE team_id = t.id AND at >= clock_timestamp() - make_interval(secs => %s)) c)
            SELECT bucket_id FROM told WHERE bucket_id IS NOT NULL
            UNION
            SELECT l.bucket_id FROM told CROSS JOIN LATERAL unnest(told.ids) AS i(id) JOIN leads_lead l ON l.id = i.id
            """,
            [within.total_seconds()],
        )
        return {row[0] for row in cursor.fetchall()}
