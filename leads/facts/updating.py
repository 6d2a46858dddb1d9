"""A person's corrected file changes the leads that are there, and undoing it changes them back.

    replaces   what an older file said, and what was bought of the owner and how to reach them
    fills      what nobody has said
    stays      what a person typed, and what was bought about the house: the file's value is kept among the others
    only grows do-not-call, litigator and do-not-mail marks, tags, notes

One SELECT and one UPDATE for a piece of a file, in the caller's transaction, which holds the bucket.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from common.db.arrays import recordset
from leads.counters import change_counters
from leads.facts import added, sources
from leads.facts.columns import CONTACTS, OF_FILE, PERSON, with_types
from leads.facts.extras import label_ids
from leads.facts.incoming import Incoming, contacts_of
from leads.facts.names import rename
from leads.facts.sources import (
    FILE,
    MAILING,
    NAMES,
    PERSONS,
    SLOTS,
    Entry,
    Row,
    Sheet,
    never_weaker,
    outranked,
    same_value,
    sold,
)
from leads.keys import contact_keys
from leads.locks import LEADS_IN_ORDER
from leads.models import Lead
from leads.privacy.filtering import cleaned_rows

MARKS = ("litigator", "do_not_mail")  # of the lead, not of a number: once listed is listed
_BOOKS = {"fact_sources": "jsonb", "other_facts": "jsonb", "data": "jsonb", "custom": "jsonb"}
# Facts of one column each, about the house.
_HOUSE = tuple(name for name in OF_FILE if name not in (*NAMES, *MAILING, *CONTACTS, *PERSON, *MARKS))
WRITTEN = tuple(dict.fromkeys((*NAMES, *MAILING, *CONTACTS, *_HOUSE, *MARKS, "status", "status_label_id", *_BOOKS)))
_READ = (
    "created_at", "enriched_at", "skip_traced_at", "apollo_enriched_at", "contact_name", "contact_is_other", *WRITTEN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What a row changed of a lead: {column: value}, as `to_jsonb` writes values. after["+tags"], after["+notes"]: ids
    of the tags and the notes it was given.
    """

    lead_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def update_leads(
    *,
    bucket_id: UUID,
    owner_id: int,
    team_id: int,
    leads: Iterable[tuple[UUID, Incoming]],
    at: datetime,
    but: Set[UUID] = frozenset(),
    keys: contact_keys.Ids | None = None,
) -> list[Change]:
    """Has these rows change the leads they name; of several rows of one lead the first. at: when the file came. but:
    leads that stay as they are, and are locked with the others. keys: of `contact_keys.prepare`, if that is done.

    Returns what has changed; a lead that said all of it already is not among it. Must be inside a transaction.
    """
    rows: dict[UUID, Incoming] = {}
    for lead_id, lead in leads:
        rows.setdefault(UUID(str(lead_id)), lead)
    if not rows:
        return []
    rows = dict(zip(rows, cleaned_rows(list(rows.values())), strict=True))
    said = {"source": FILE, "at": at.isoformat()}
    if keys is None:
        keys = contact_keys.prepare({one: contacts_of(lead) for one, lead in rows.items()})
    there = {one: lead for one, lead in lock_as_json(list(rows), _READ).items() if one not in but}
    labels = label_ids(team_id) if any(row.facts.get("status_label") for row in rows.values()) else {}
    wanted = {one: w for one, lead in there.items() if (w := _wanted(lead, rows[one].facts, said, labels))}
    after = write_leads({one: {name: there[one][name] for name in WRITTEN} | new for one, new in wanted.items()})
    gained = added.add(owner_id=owner_id, team_id=team_id, facts={one: rows[one].facts for one in there}, at=at)
    contact_keys.relink(after, keys)
    count_changes(bucket_id, there, after)
    rename(there, after)
    changes = []
    for one in there:
        names = list(wanted.get(one, ()))
        before = {name: there[one][name] for name in names}
        left = {name: after[one][name] for name in names} | gained.get(one, {})
        if left:
            changes.append(Change(one, before, left))
    return changes


def lock_as_json(lead_ids: Sequence[UUID], columns: Sequence[str]) -> dict[UUID, dict[str, Any]]:
    """These leads, locked in the order of their ids, each by column as PostgreSQL's JSON has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH held AS MATERIALIZED (
                SELECT id, {", ".join(columns)} FROM leads_lead l WHERE id = ANY(%s) {LEADS_IN_ORDER})
            SELECT id, to_jsonb(held) FROM held
            """,  # noqa: S608  # names come from constants
            [list(lead_ids)],
        )
        return {lead_id: json.loads(row) if isinstance(row, str) else row for lead_id, row in cursor.fetchall()}


def write_leads(rows: Mapping[UUID, Mapping[str, Any]]) -> dict[UUID, dict[str, Any]]:
    """Writes all of WRITTEN of these leads, and returns it as it is then."""
    if not rows:
        return {}
    types = with_types(WRITTEN) | _BOOKS
    record = ", ".join(f"{name} {kind}" for name, kind in types.items())
    payload = [{"lead_id": str(one)} | {n: v for n, v in row.items() if v is not None} for one, row in rows.items()]
    told = ", ".join(f"'{name}', new.{name}" for name in WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE leads_lead l SET {", ".join(f"{name} = f.{name}" for name in WRITTEN)},
                   updated_at = clock_timestamp()
              FROM jsonb_to_recordset(%s::jsonb) AS f(lead_id uuid, {record})
             WHERE l.id = f.lead_id RETURNING new.id, jsonb_build_object({told})
            """,  # noqa: S608  # names and types come from constants
            [recordset(payload)],
        )
        return {lead_id: json.loads(row) if isinstance(row, str) else row for lead_id, row in cursor.fetchall()}


def count_changes(bucket_id: UUID, before: Mapping[UUID, Row], after: Mapping[UUID, Row]) -> None:
    def gained(name: str, *values: str) -> int:
        def has(row: Row) -> bool:
            return row[name] in values if values else row[name] is not None

        return sum(has(after[one]) - has(before[one]) for one in after)

    phones, contacted = gained("phone"), gained("status", *Lead.CONTACTED_STATUSES)
    if phones or contacted:
        change_counters(bucket_id, phone_leads=phones, contacted_leads=contacted)


# --- Weighing one row -------------------------------------------------------------------------------------------------


def _wanted(lead: Row, facts: Row, said: Mapping[str, str], labels: Mapping[tuple[str, str], UUID]) -> dict[str, Any]:
    """The columns that a row changes of a lead. labels: as `label_ids` has them."""
    sheet = Sheet({**lead, "fact_sources": lead["fact_sources"] or {}, "other_facts": lead["other_facts"] or {}})
    bought = facts.get("bought", {})

    def entry_of(fact: str) -> Entry:
        return sold(bought[fact], said) if fact in bought else dict(said)

    for columns, main in ((NAMES, NAMES), (MAILING, MAILING[:1])):
        _group(sheet, columns, main, facts, entry_of(columns[0]))
    _phones(sheet, facts, {slot: entry_of(slot) for slot in SLOTS}, said)
    _emails(sheet, facts, entry_of("email"), said)
    for column in _HOUSE:
        if facts.get(column) is not None:
            _house(sheet, column, facts[column], dict(said))
    for column in MARKS:
        if (mark := never_weaker(lead[column], facts.get(column))) is not lead[column]:
            sheet.values[column] = mark
            sheet.sources[column] = dict(said)
    new = {name: value for name, value in sheet.changes().items() if value != lead[name] or name in _BOOKS}
    for name in ("data", "custom"):
        held = {**(lead[name] or {}), **facts.get(name, {})}
        new |= {name: held} if held != (lead[name] or {}) else {}
    if lead["status"] == Lead.Status.NEW and (status := facts.get("status")):
        label = labels.get((status, facts["status_label"])) if "status_label" in facts else None
        if status != Lead.Status.NEW or (label and not lead["status_label_id"]):
            new |= {"status": status, "status_label_id": str(label) if label else None}
    return new


def _keep(sheet: Sheet, fact: str, value: object, entry: Row) -> None:
    """Among the values that are not shown, unless it is there from the same source: the same file changes nothing."""
    if not any(e["value"] == value and e["source"] == entry["source"] for e in sheet.others.get(fact, [])):
        sheet.loses(fact, value, entry)


def _house(sheet: Sheet, column: str, value: Any, new: Entry) -> None:
    """What was typed, bought, or said by a younger file stays."""
    old = sheet.lead[column]
    entry = sources.source_of(sheet.lead, column)
    if old is not None and same_value(old, value):
        return
    if old is not None and (entry["source"] != FILE or outranked(new, entry)):
        _keep(sheet, column, value, new)
        return
    sheet.values[column] = value
    sheet.sources[column] = new
    sheet.wins(column, value)
    if old is not None:
        _keep(sheet, column, old if isinstance(old, str | bool | int) else str(old), entry)


def _group(sheet: Sheet, columns: tuple[str, ...], main: tuple[str, ...], facts: Row, new: Entry) -> None:
    """A name or a mailing address, whole: the parts of another one must not stay beside it. main: without one of these
    a row tells nothing that could replace the whole.
    """
    told = {column: facts[column] for column in columns if facts.get(column)}
    tell = sources.name_of if columns is NAMES else sources.mailing_of
    old, value, entry = tell(sheet.lead), tell(told), sources.source_of(sheet.lead, columns[0])
    if not value or (old and not any(column in told for column in main)):
        return
    differs = old and not (sources.same_name(old, value) if columns is NAMES else same_value(old, value))
    if old == value and entry["source"] in PERSONS and all(sheet.lead[column] == told[column] for column in told):
        return
    if differs and outranked(new, entry):
        _keep(sheet, columns[0], value, new)
        return
    sheet.weigh_group(columns, told, new)
    if differs:
        sheet.values |= {column: told.get(column) for column in columns}


def _emails(sheet: Sheet, facts: Row, new: Entry, said: Row) -> None:
    value, old = facts.get("email"), sheet.lead["email"]
    entry = sources.source_of(sheet.lead, "email")
    if value and value != old and old and outranked(new, entry):
        _keep(sheet, "email", value, new)
    elif value and (value != old or entry["source"] not in PERSONS):
        sheet.weigh_email(value, new)
    for more in facts.get("more_emails", ()):
        if more["value"] not in (old, sheet.values.get("email")):
            _keep(sheet, "email", more["value"], sold(more, said))


def _phones(sheet: Sheet, facts: Row, own: Mapping[str, Entry], said: Row) -> None:
    """A file's number takes the place of the older file's in the same column, which stays among the others."""
    new = [
        _tidy({**own[slot], "value": facts[slot], "slot": slot, "type": facts.get(f"{slot}_type"),
               "do_not_call": facts.get(f"{slot}_do_not_call"), "extension": facts.get(f"{slot}_extension")})
        for slot in SLOTS if facts.get(slot)
    ]  # fmt: skip
    new += [sold(entry, said) for entry in facts.get("more_phones", ())]
    there = sheet.phones()
    if not new or all(_is_known(sheet, entry, there) for entry in new):
        return
    typed = [entry for entry in there if entry["source"] == sources.TYPED]
    rest = [entry for entry in there if entry["source"] != sources.TYPED]
    numbers = {entry["value"] for entry in new}
    places = {entry["slot"] for entry in new if "slot" in entry and entry["source"] == FILE}
    behind = [
        entry for entry in rest
        if entry["source"] == FILE and entry.get("slot") in places and entry["value"] not in numbers
        and not outranked(said, entry)
    ]  # fmt: skip
    traced = str(sheet.lead["skip_traced_at"] or "")
    sheet.place_phones([*typed, *new, *(entry for entry in rest if entry not in behind)], traced)
    for entry in behind:
        entry.pop("slot")
        sheet.others["phone"] = [*sheet.others.get("phone", []), _tidy(entry)][: sources.OTHERS_MOST]


def _is_known(sheet: Sheet, new: Entry, there: Sequence[Entry]) -> bool:
    """Whether a number is there with all that the file says of it."""
    entry = next((one for one in there if one["value"] == new["value"]), None)
    if entry is None or (entry["source"] not in PERSONS and new["source"] in PERSONS):
        return False
    slot = new.get("slot")
    placed = not slot or sheet.lead[slot] == new["value"] or sources.source_of(sheet.lead, slot)["source"] != FILE
    mark = never_weaker(entry.get("do_not_call"), new.get("do_not_call"))
    said = all(entry.get(part) or not new.get(part) for part in ("type", "extension"))
    return placed and said and mark is entry.get("do_not_call")


def _tidy(entry: Row) -> Entry:
    return {name: part for name, part in entry.items() if part is not None and part != ""}
