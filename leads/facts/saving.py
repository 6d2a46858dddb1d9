"""Writing bought facts to leads: one statement for a whole batch, and no write where nothing changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from common.db.arrays import joined, recordset
from leads.facts import columns, sources
from leads.facts.names import NAMED_BY, write_bought_names
from leads.keys import contact_keys
from leads.keys.owner_keys import READ
from leads.locks import LEADS_IN_ORDER
from leads.privacy.filtering import cleaned
from leads.privacy.owners import forget_owners
from leads.privacy.person import OWNER_FORGOTTEN


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of answer. `replaces`: the newer fact wins. `fills`: only where there is none. `stamp`: when it came.

    What says something of a phone goes with that phone: a new number never inherits the old one's marks.
    `touches`: where one of these has a value already, values are weighed against each other (`leads.sources`).
    """

    name: str
    stamp: str
    replaces: tuple[str, ...]
    fills: tuple[str, ...]
    touches: tuple[str, ...]

    @property
    def types(self) -> dict[str, str]:
        """Its columns, each with SQL's type."""
        return columns.with_types((*self.replaces, *self.fills))


_GOES_WITH = {
    "phone_type": "phone",
    "phone_do_not_call": "phone",
    "secondary_phone_type": "secondary_phone",
    "secondary_phone_do_not_call": "secondary_phone",
    "contact_name": "phone, f.email",
    "contact_is_other": "phone, f.email",
}
_BOOKS = {"fact_sources": "jsonb", "other_facts": "jsonb"}

PROPERTY = Source(
    sources.DETAIL,
    "enriched_at",
    (*columns.PROPERTY, *columns.PARTS_OF_NAME, *sources.MAILING),
    (),
    ("enriched_at", *sources.NAMES, *sources.MAILING, "apn", "fips", "property_address", "property_city",
     "property_state", "property_zip", "property_county"),
)  # fmt: skip
CONTACT = Source(
    sources.TRACE,
    "skip_traced_at",
    (*columns.CONTACTS, *sources.TRACED, *columns.PERSON),
    columns.PARTS_OF_NAME,
    ("skip_traced_at", "phone", "secondary_phone", "email"),
)
APOLLO = Source(
    sources.APOLLO,
    "apollo_enriched_at",
    (*columns.APOLLO, *columns.CONTACTS),
    (),
    ("skip_traced_at", "apollo_enriched_at", "phone", "secondary_phone", "email"),
)
# What is read of a lead whose values must be weighed.
_WEIGHED = (
    "created_at", "enriched_at", "skip_traced_at", "apollo_enriched_at", "contact_name", "contact_is_other",
    *_BOOKS, *columns.CONTACTS, *sources.TRACED, *sources.MAILING, *columns.PARTS_OF_NAME, *columns.PROPERTY,
)  # fmt: skip
# What a lead is called by, as a purchase found it and as it left it.
_NAMED_BEFORE, _NAMED_NOW = (", ".join(f"{row}.{column}" for column in NAMED_BY) for row in ("old", "new"))


@dataclass(frozen=True, slots=True)
class FactRow:
    """An answer for a lead. ends: nothing more is bought for it, so that it has a phone now or none was found."""

    lead_id: UUID
    facts: Mapping[str, Any]
    fetched_at: datetime
    ends: bool = False


@dataclass(slots=True)
class Saved:
    """What came of a batch. grown: by how many the counters of each bucket grow, for `leads.counters.count_facts`."""

    changed: int = 0
    grown: dict[UUID, dict[str, int]] = field(default_factory=dict)


def save_facts(source: Source, rows: Sequence[FactRow]) -> Saved:
    """Writes a batch of answers to their leads, in the caller's transaction.

    A fact the vendor does not know leaves what was known. Rows are locked in id order, their keys before them. Leads
    that hold nothing the answers could meet are changed by the one UPDATE; the others are weighed in memory first. What
    a detail calls its property becomes the lead's names, and ends those of a file that it contradicts.
    """
    if not rows:
        return Saved()
    rows = [
        row if facts is row.facts else replace(row, facts=facts)
        for row, facts in zip(rows, cleaned([row.facts for row in rows]), strict=True)
    ]
    types = source.types
    # Its keys follow from these: not from where a traced person gets mail.
    keyed = [name for name in READ if name in types]
    keys = contact_keys.prepare({row.lead_id: {name: row.facts.get(name) for name in keyed} for row in rows})
    met = _lock(source, [row.lead_id for row in rows])
    types |= _BOOKS if met else {}
    payload = []
    for row in rows:
        facts = _weighed(source, met[row.lead_id], row) if row.lead_id in met else _facts(source, row)
        said = {c: value for c in types if (value := facts.get(c)) is not None}
        payload.append({"lead_id": str(row.lead_id), "fetched_at": row.fetched_at.isoformat(), "ends": row.ends} | said)
    values = {
        **{c: _newer(c) for c in types if c not in source.fills},
        **{c: _older(c) for c in source.fills},
        source.stamp: "f.fetched_at",
        **(_ended(_newer("phone") if "phone" in types else "l.phone") if any(row.ends for row in rows) else {}),
    }
    record = ", ".join(f"{name} {kind}" for name, kind in types.items())
    with connection.cursor() as cursor:
        cursor.execute(  # names and types come from the constants above, never from an answer
            f"""
            WITH changed AS (
                UPDATE leads_lead l
                   SET {", ".join(f"{c} = {v}" for c, v in values.items())}, updated_at = clock_timestamp()
                  FROM jsonb_to_recordset(%s::jsonb)
                       AS f(lead_id uuid, fetched_at timestamptz, ends boolean, {record})
                 WHERE l.id = f.lead_id
                   AND ({", ".join(f"l.{c}" for c in values)}) IS DISTINCT FROM ({", ".join(values.values())})
                RETURNING new.id, new.bucket_id, old.enriched_at IS NULL AND new.enriched_at IS NOT NULL AS detailed,
                          old.phone IS NULL AND new.phone IS NOT NULL AS phoned,
                          (new.enrichment_status = 'completed')::int - (old.enrichment_status = 'completed')::int
                              AS completed,
                          ({_NAMED_BEFORE}) IS DISTINCT FROM ({_NAMED_NOW}) AS named)
            SELECT bucket_id, count(*), count(*) FILTER (WHERE detailed), count(*) FILTER (WHERE phoned),
                   sum(completed), coalesce(array_agg(id) FILTER (WHERE named), '{{}}')
              FROM changed GROUP BY bucket_id ORDER BY bucket_id
            """,  # noqa: S608
            [recordset(payload)],
        )
        saved, named = Saved(), set[UUID]()
        for bucket_id, changed, detailed, phoned, completed, renamed in cursor.fetchall():
            saved.changed += changed
            saved.grown[bucket_id] = {
                "detailed_leads": detailed,
                "phone_leads": phoned,
                "enriched_leads": completed,
            }
            named |= {*renamed}
    if source is PROPERTY:
        write_bought_names(met, {row.lead_id: row.facts for row in rows if row.lead_id in named})
        forget_owners([row.lead_id for row in rows if row.facts.get(OWNER_FORGOTTEN)])
    contact_keys.relink([row.lead_id for row in rows], keys)
    return saved


def _lock(source: Source, lead_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Locks the leads in id order; returns those that an answer of this source has to be weighed against."""
    meets = ", ".join((*_BOOKS, *source.touches))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH held AS MATERIALIZED (
                SELECT id, {", ".join(_WEIGHED)} FROM leads_lead l
                 WHERE id = ANY(string_to_array(%s, ',')::uuid[]) {LEADS_IN_ORDER})
            SELECT id, to_jsonb(held) FROM held WHERE num_nonnulls({meets}) > 0
            """,  # noqa: S608  # names come from the constants above
            [joined(lead_ids)],
        )
        return {lead_id: json.loads(row) if isinstance(row, str) else row for lead_id, row in cursor.fetchall()}


def _facts(source: Source, row: FactRow) -> Mapping[str, Any]:
    """An answer's facts by the lead's columns: where a traced person gets mail is no assessor's word."""
    if source is not CONTACT:
        return row.facts
    return {**row.facts, **{to: row.facts.get(of) for to, of in zip(sources.TRACED, sources.MAILING, strict=True)}}


def _weighed(source: Source, lead: Mapping[str, Any], row: FactRow) -> dict[str, Any]:
    """An answer's facts once they are weighed against what the lead shows: what is to be written of them."""
    sheet, facts = sources.Sheet(lead), dict(_facts(source, row))
    new: dict[str, Any] = {"source": source.name, "at": row.fetched_at.isoformat()}
    if source is PROPERTY:
        sheet.weigh_property([c for c in columns.PROPERTY if c != "owner_name"], facts, new)
        sheet.weigh_group(sources.NAMES, facts, new)
        sheet.weigh_group(sources.MAILING, facts, new)
        return sheet.changes()
    stamp = new["at"] if source is CONTACT else str(lead["skip_traced_at"] or "")
    if source is CONTACT:
        if facts.get("contact_is_other"):
            new["person"] = facts.get("contact_name") or "somebody else"
        sheet.weigh_group(sources.TRACED, facts, new)
        _keep_a_persons_name(lead, facts)
        if not facts.get("phone") and not facts.get("email"):  # else they go with what was brought
            facts |= {column: lead[column] for column in columns.PERSON}
    sheet.weigh_email(facts.pop("email", None), new)
    sheet.weigh_phones(sources.phone_entries(facts, new), stamp)
    rest = {column: facts.get(column) for column in source.types if column not in (*columns.CONTACTS, *sources.TRACED)}
    return {**rest, **sheet.changes()}


def _keep_a_persons_name(lead: Mapping[str, Any], facts: dict[str, Any]) -> None:
    """A trace fills a name that nobody knows; it completes one that a person gave only where it is the same."""
    shown, told = sources.name_of(lead), sources.name_of({c: facts.get(c) for c in columns.PARTS_OF_NAME})
    said = shown and sources.source_of(lead, "owner_name")["source"] in sources.PERSONS
    if facts.get("contact_is_other") or (said and not sources.same_name(shown, told)):
        for column in columns.PARTS_OF_NAME:
            facts.pop(column, None)


def _newer(column: str) -> str:
    phone = _GOES_WITH.get(column)
    return (
        f"CASE WHEN num_nonnulls(f.{phone}) = 0 THEN l.{column} ELSE f.{column} END"
        if phone
        else f"coalesce(f.{column}, l.{column})"
    )


def _ended(phone: str) -> dict[str, str]:
    """How buying ended, written with its last answer: as `leads.services.finish_leads`, which finds nothing left to
    write then. phone: what the lead's phone will be. One merged into another stays as it was.
    """
    ends = "f.ends AND l.merged_into_id IS NULL"
    status = f"CASE WHEN ({phone}) IS NULL THEN 'partial' ELSE 'completed' END"
    return {
        "enrichment_status": f"CASE WHEN {ends} THEN {status} ELSE l.enrichment_status END",
        "enrichment_error": f"CASE WHEN {ends} THEN NULL ELSE l.enrichment_error END",
    }


def _older(column: str) -> str:
    """Of another person's contacts no name is filled."""
    return f"CASE WHEN f.contact_is_other THEN l.{column} ELSE coalesce(l.{column}, f.{column}) END"
