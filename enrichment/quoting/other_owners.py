"""Leads whose own file names another owner than the property's newest detail: a skip trace asks for the latter."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from integrations.ledger import catalogue
from integrations.lookups import stand_in_ids
from integrations.models import Lookup
from leads.facts.sources import DETAIL, PERSONS, name_of, same_name
from leads.models import Lead

CHUNK = 2000
_NAMES = ("property_id", "owner_name", "first_name", "last_name", "other_facts")


def in_words(lead_ids: Sequence[UUID]) -> list[str]:
    """What a quote over these leads says of it; nothing where there is none, or no detail is owned yet."""
    count = sum(_other_owners(lead_ids[start : start + CHUNK]) for start in range(0, len(lead_ids), CHUNK))
    if not count:
        return []
    leads = "1 lead has" if count == 1 else f"{count:,} leads have"
    words = "another owner in your file than on record: a skip trace asks for the owner of record"
    return [f"{leads} {words}"]


def _other_owners(lead_ids: Sequence[UUID]) -> int:
    own = Lead.objects.filter(pk__among=lead_ids, fact_sources__owner_name__source__in=PERSONS)
    rows = list(own.values(*_NAMES))
    if not rows:
        return 0
    keys = {row["property_id"]: stand_in_ids.key_of(row["property_id"]) for row in rows}
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), key__among=list(keys.values()))
    bought = dict(details.filter(state=Lookup.State.ANSWERED).values_list("key", "facts"))
    count = 0
    for row in rows:
        lost = [e["value"] for e in (row["other_facts"] or {}).get("owner_name", []) if e["source"] == DETAIL]
        record = name_of(bought.get(keys[row["property_id"]]) or {}) or next(iter(lost), "")
        count += bool(record) and not same_name(name_of(row), record)
    return count
