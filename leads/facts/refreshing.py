"""The names of leads are made anew where the rules for them have changed: see `integrations.lookups.refreshing`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from integrations.lookups import refreshing
from integrations.lookups.agreement import addresses_differ, parcels_differ
from integrations.lookups.identity import Name, names_of, possible_names_of
from leads.facts.names import NAMED_BY, copy_names, names_of_lead
from leads.facts.sources import FILE, Row
from leads.locks import LEADS_IN_ORDER
from leads.merging.table import Merge
from leads.models import LeadName

LEADS_AT_ONCE = 5_000
_READ = ("id", "bucket_id", "property_id", "enriched_at", "other_facts", *NAMED_BY)
_COLUMNS = ", ".join(f"l.{column}" for column in _READ)
_Called = dict[int, tuple[Name, str]]
_CONTRADICTS: Mapping[str, Callable[[Any, Any], bool]] = {"apn": parcels_differ, "property_address": addresses_differ}


def refresh_names() -> dict[str, int]:
    """Brings the names of bought properties and of leads up to date. Returns in how many batches; 0: they were.

    Restartable, and safe while others work: a batch is a transaction.
    """
    return {
        refreshing.PROPERTIES: refreshing.refresh_property_names(),
        refreshing.LEADS: refreshing.in_batches(refreshing.LEADS, _next_leads),
    }


def _next_leads(after: str) -> str | None:
    """Writes the names of the next leads that have an APN or an address, in place of those they had. Returns the last
    one's id; None: there is none.

    A lead is called by the names of those merged into it as well; hidden leads have none. Merging and separating wait
    for the lead that is shown, which is locked here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM leads_lead l
             WHERE l.id > %s AND l.merged_into_id IS NULL
               AND (l.apn IS NOT NULL OR l.property_address IS NOT NULL OR strpos(l.property_id, ':') > 0)
             {LEADS_IN_ORDER} LIMIT %s
            """,  # noqa: S608  # names come from the constant above
            [after or UUID(int=0), LEADS_AT_ONCE],
        )
        leads = {row[0]: _row(row) for row in cursor.fetchall()}
        if not leads:
            return None
        cursor.execute("DELETE FROM leads_leadname WHERE lead_id = ANY(%s)", [list(leads)])
        cursor.execute(
            f"SELECT {_COLUMNS} FROM leads_lead l WHERE l.merged_into_id = ANY(%s)",  # noqa: S608
            [list(leads)],
        )
        hidden = {row[0]: _row(row) for row in cursor.fetchall()}
    called = {lead_id: _called(lead) for lead_id, lead in leads.items()} | _with_hidden(leads, hidden)
    by_source: dict[tuple[UUID, str], list[tuple[str, list[Name]]]] = {}
    for lead_id, lead in leads.items():
        for source in LeadName.Source.values:
            names = [name for name, said_by in called[lead_id].values() if said_by == source]
            by_source.setdefault((lead["bucket_id"], source), []).append((lead_id.hex, names))
    for (bucket_id, said_by), written in by_source.items():
        copy_names(bucket_id, written, said_by)
    return str(max(leads))


def _row(row: Sequence[Any]) -> Row:
    lead = dict(zip(_READ, row, strict=True))
    lost = lead["other_facts"]
    return lead | {"other_facts": json.loads(lost) if isinstance(lost, str) else lost}


def _called(lead: Row) -> _Called:
    """The names of a lead by their hashes, each with who says it: by what it shows, and by what its file said."""
    source: str = LeadName.Source.VENDOR if lead["enriched_at"] else LeadName.Source.FILE
    facts = {column: lead[column] for column in NAMED_BY}
    called = {name.exact: (name, source) for name in _names(lead["property_id"], facts)}
    for name in _of_the_file(facts, lead["other_facts"] or {}):
        called.setdefault(name.exact, (name, LeadName.Source.FILE.value))
    return called


def _names(property_id: str, facts: Mapping[str, Any]) -> list[Name]:
    return [*names_of_lead(property_id, facts), *possible_names_of(facts)]


def _with_hidden(leads: Mapping[UUID, Row], hidden: Mapping[UUID, Row]) -> dict[UUID, _Called]:
    """The names of leads that others are merged into, with the names of those, which `Merge` keeps for the day they
    part: which of them the lead did not have by itself is told by what it was before.
    """
    merges: dict[UUID, list[Merge]] = {}
    for record in Merge.objects.filter(younger__in=hidden, state=Merge.State.MERGED).order_by("merged_at", "pk"):
        merges.setdefault(record.older_id, []).append(record)
    found = {}
    for lead_id, records in merges.items():
        alone = dict(leads[lead_id])
        for record in reversed(records):
            alone |= {c: record.before[c] for c in _READ if c in record.after and alone[c] == record.after[c]}
        own = _called(alone)
        for record in records:
            lead = hidden[record.younger_id]
            names = _called({**lead, "property_id": record.after.get("property_id", lead["property_id"])})
            record.names = [[e, n.possible, n.bare, by, e not in own] for e, (n, by) in sorted(names.items())]
            own = {**names, **own}
        found[lead_id] = {**own, **_called(leads[lead_id])}
        Merge.objects.bulk_update(records, ["names"])
    return found


def _of_the_file(facts: Mapping[str, Any], lost: Mapping[str, Any]) -> Iterator[Name]:
    """What a lead's file called it, where bought data says it in other words and does not contradict it."""
    for column, differ in _CONTRADICTS.items():
        for entry in lost.get(column, ()):
            if entry["source"] == FILE and not differ(entry["value"], facts[column]):
                other = {name: None for name in _CONTRADICTS if name != column}
                yield from names_of({**facts, **other, column: entry["value"]})
