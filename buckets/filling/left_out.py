"""Which leads a combination leaves out because they are possibly on a list that it excludes, and why. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from accounts.access import team_of
from accounts.models import User
from buckets.filling.algebra import Sets, check_sets
from buckets.filling.identity import have_names, may_be
from integrations.naming import street_lines
from leads.models import Lead

SHOWN = 3  # leads of the excluded lists that one lead may be: a building has hundreds of units
HOUSE = "Same house and street; the unit, direction or suffix differs"
PARCEL = "Same digits of the parcel number; the separators differ"
ZEROS = "Same parcel number but for zeros around its parts"
PLACE = "Same house and street; the ZIP differs, or only one list has it"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """lead: of a bucket that leads are taken from. maybe: what it may be, on the excluded lists, at most SHOWN."""

    lead: Lead
    why: str
    maybe: list[Lead] = field(default_factory=list)


def left_out(
    *, by: User, sets: Sets, after: UUID | None, limit: int, team_id: int | None = None
) -> tuple[list[LeftOut], UUID | None]:
    """A page of them, the oldest first, and the id after which the next begins (None: this was the last).

    team_id: of whose buckets; None: her own. Raises buckets.algebra.SetError.

    All of them are found for each page, by joins, as the count of them is: in order, one by one, few among a million
    would take minutes.
    """
    check_sets(team_id=team_id if team_id is not None else team_of(by), sets=sets)
    if not sets.none_of or not have_names(list(sets.ids)):
        return [], None
    chosen, params = sets.sql("id", left_out=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS MATERIALIZED ({chosen})
            SELECT id FROM chosen WHERE id > %(after)s ORDER BY id LIMIT %(most)s
            """,  # noqa: S608  # text of buckets.algebra only; what a person gave is a parameter
            {**params, "after": after or UUID(int=0), "most": limit + 1},
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = _told(ids[:limit], sets)
    return rows, ids[limit - 1] if len(ids) > limit else None


def _told(ids: Sequence[UUID], sets: Sets) -> list[LeftOut]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH named AS (
                SELECT lead_id, loose, bare FROM leads_leadname WHERE lead_id = ANY(%(ids)s)
                UNION
                SELECT l.id, n.loose, n.bare
                  FROM leads_lead l JOIN integrations_propertyname n ON n.property_id = l.property_id
                 WHERE l.id = ANY(%(ids)s) AND n.exact <> 0)
            SELECT DISTINCT named.lead_id, b.lead_id FROM named
              JOIN leads_leadname b ON b.bucket_id = ANY(%(none_of)s) AND b.loose = named.loose
                   AND {may_be("named", "b")}
             ORDER BY 1, 2
            """,  # noqa: S608  # a condition of `identity`
            {"ids": list(ids), "none_of": list(sets.none_of)},
        )
        pairs: dict[UUID, list[UUID]] = {}
        for lead_id, other in cursor.fetchall():
            if len(pairs.setdefault(lead_id, [])) < SHOWN:
                pairs[lead_id].append(other)
    wanted = {*ids, *(other for others in pairs.values() for other in others)}
    leads = Lead.every.select_related("bucket").defer("apollo_data").in_bulk(wanted)
    rows = []
    for lead_id in ids:
        maybe = [leads[other] for other in pairs.get(lead_id, ()) if other in leads]
        rows.append(LeftOut(leads[lead_id], _why(leads[lead_id], maybe), maybe))
    return rows


def _why(lead: Lead, maybe: Sequence[Lead]) -> str:
    apns = [one.apn for one in maybe if one.apn and lead.apn]
    if any(_digits(apn) == _digits(lead.apn or "") for apn in apns):
        return PARCEL
    elsewhere = [one for one in maybe if (one.property_zip or None) != (lead.property_zip or None)]
    streets = [one.property_address for one in elsewhere if one.property_address]
    line = street_lines.read(lead.property_address or "")
    if line is not None and any(street_lines.read(street) == line for street in streets):
        return PLACE
    if any(_digits(apn).replace("0", "") == _digits(lead.apn or "").replace("0", "") for apn in apns):
        return ZEROS
    return HOUSE


def _digits(apn: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", apn.upper())
