"""Writing bought facts to leads: one statement for a whole batch, and no write where nothing changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

# column: SQL type, with its digits, so that a rounded value is no news the second time. What is not named here is not
# stored, whatever an answer holds.
_MAILING = {"mailing_address": "text", "mailing_city": "text", "mailing_state": "text", "mailing_zip": "text"}
_PHONES = {
    "phone": "text",
    "phone_type": "text",
    "phone_do_not_call": "boolean",
    "secondary_phone": "text",
    "secondary_phone_type": "text",
    "secondary_phone_do_not_call": "boolean",
    "email": "text",
}
_NAMES = {"first_name": "text", "last_name": "text"}
_PROPERTY = {
    "apn": "text",
    "fips": "text",
    "property_address": "text",
    "property_city": "text",
    "property_state": "text",
    "property_zip": "text",
    "property_county": "text",
    "property_type": "text",
    "bedrooms": "integer",
    "bathrooms": "numeric(6, 2)",
    "sqft": "integer",
    "year_built": "integer",
    "estimated_value": "bigint",
    "estimated_equity": "bigint",
    "equity_percent": "numeric(8, 2)",
    "latitude": "numeric(10, 7)",
    "longitude": "numeric(10, 7)",
    "owner_name": "text",
    "owner_type": "text",
    "owner_occupied": "boolean",
    "absentee_owner": "boolean",
    "pre_foreclosure": "boolean",
    "foreclosure": "boolean",
    "tax_lien": "boolean",
    "bankruptcy": "boolean",
    "vacant": "boolean",
    "high_equity": "boolean",
    "free_clear": "boolean",
}
SIGNALS = {  # what may make an owner sell: the columns of _PROPERTY, in the order and the words they are shown in
    "pre_foreclosure": "Pre-foreclosure",
    "foreclosure": "Foreclosure",
    "tax_lien": "Tax lien",
    "bankruptcy": "Bankruptcy",
    "vacant": "Vacant",
    "absentee_owner": "Absentee owner",
    "high_equity": "High equity",
    "free_clear": "Free and clear",
}
_APOLLO = {
    "apollo_person_id": "text",
    "apollo_org_id": "text",
    "apollo_title": "text",
    "apollo_company": "text",
    "apollo_industry": "text",
    "apollo_linkedin_url": "text",
    "apollo_employee_count": "integer",
    "apollo_data": "jsonb",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of answer. `replaces`: the newer fact wins. `fills`: only where there is none. `stamp`: when it came.

    `until_stamped`: these replace only as long as `later_stamp` is empty (a skip trace's mailing address outranks the
    detail's). What says something of a phone goes with that phone: a new number never inherits the old one's marks.
    """

    stamp: str
    replaces: Mapping[str, str]
    fills: Mapping[str, str]
    until_stamped: Mapping[str, str]
    later_stamp: str = ""


_GOES_WITH = {
    "phone_type": "phone",
    "phone_do_not_call": "phone",
    "secondary_phone_type": "secondary_phone",
    "secondary_phone_do_not_call": "secondary_phone",
}

PROPERTY = Source("enriched_at", {**_PROPERTY, **_NAMES}, {}, _MAILING, "skip_traced_at")
CONTACT = Source("skip_traced_at", {**_PHONES, **_MAILING}, _NAMES, {})
_APOLLO_FILLS = {k: _PHONES[k] for k in ("email", "phone", "phone_type", "phone_do_not_call")}
APOLLO = Source("apollo_enriched_at", _APOLLO, _APOLLO_FILLS, {})


@dataclass(frozen=True, slots=True)
class FactRow:
    lead_id: UUID
    facts: Mapping[str, Any]
    fetched_at: datetime


def save_facts(source: Source, rows: Sequence[FactRow]) -> int:
    """Writes a batch of answers to their leads; returns how many leads changed. In the caller's transaction.

    A fact the vendor does not know leaves what was known. Rows are locked in id order.
    """
    if not rows:
        return 0
    columns = {**source.replaces, **source.fills, **source.until_stamped}
    values = {
        **{c: _newer(c) for c in source.replaces},
        **{c: _older(c) for c in source.fills},
        **{
            c: f"CASE WHEN l.{source.later_stamp} IS NULL THEN coalesce(f.{c}, l.{c}) ELSE l.{c} END"
            for c in source.until_stamped
        },
        source.stamp: "f.fetched_at",
    }
    payload = [
        {"lead_id": str(row.lead_id), "fetched_at": row.fetched_at.isoformat()}
        | {c: row.facts[c] for c in columns if row.facts.get(c) is not None}
        for row in rows
    ]
    record = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM leads_lead WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [[r.lead_id for r in rows]]
        )
        cursor.execute(  # names and types come from the constants above, never from an answer
            f"""
            UPDATE leads_lead l
               SET {", ".join(f"{c} = {v}" for c, v in values.items())}, updated_at = clock_timestamp()
              FROM jsonb_to_recordset(%s::jsonb) AS f(lead_id uuid, fetched_at timestamptz, {record})
             WHERE l.id = f.lead_id
               AND ({", ".join(f"l.{c}" for c in values)}) IS DISTINCT FROM ({", ".join(values.values())})
            """,  # noqa: S608
            [json.dumps(payload, default=str)],
        )
        return int(cursor.rowcount)


def _newer(column: str) -> str:
    phone = _GOES_WITH.get(column)
    return (
        f"CASE WHEN f.{phone} IS NULL THEN l.{column} ELSE f.{column} END"
        if phone
        else f"coalesce(f.{column}, l.{column})"
    )


def _older(column: str) -> str:
    phone = _GOES_WITH.get(column)
    return (
        f"CASE WHEN l.{phone} IS NULL THEN f.{column} ELSE l.{column} END"
        if phone
        else f"coalesce(l.{column}, f.{column})"
    )
