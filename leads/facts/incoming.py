"""New leads that come with facts of their own, and property ids that the vendor tells us later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from common.db.ids import uuid7s
from integrations.lookups.identity import Name, possible_names_of
from integrations.lookups.stand_in_ids import is_stand_in
from leads.counters import change_counters
from leads.facts.columns import FILE_FACTS, OF_FILE, with_types
from leads.facts.doubts import identify
from leads.facts.extras import add_extras
from leads.facts.matching import Known, known_leads
from leads.facts.names import add_names, copy_names, names_of_row
from leads.facts.sources import FILE, MAILING, NAMES, SLOTS, TYPED
from leads.facts.sources import sold as _sold
from leads.keys import contact_keys
from leads.keys.owner_keys import Key, keys_of
from leads.locks import LEADS_IN_ORDER, hold_bucket, lock_leads
from leads.models import Lead
from leads.privacy.filtering import cleaned_rows

_BOOKS = {"fact_sources": "jsonb", "other_facts": "jsonb", "data": "jsonb", "custom": "jsonb"}
# Facts that a later purchase must not take for its own: the columns that hold one, by its name in `fact_sources`.
CONTACTS = {"owner_name": NAMES, "mailing_address": MAILING, "email": ("email",), **{slot: (slot,) for slot in SLOTS}}


# Property id, and facts by OF_FILE, each one clean line of text or a mark. Beside them `phone_extension`,
# `secondary_phone_extension`, and `more_phones`: [{"value", "type", "do_not_call", "extension"}],
# `more_emails`: [{"value"}], `data`: {column: text}, `custom`: {key: value}, `tags`, `status` and `notes` as `extras`
# has them, and `bought`, of what our own export says nobody but a vendor brought:
# {fact of CONTACTS: {"source", "at", "person"}}.
class Incoming(NamedTuple):
    """A row that is to be a lead. names: what the property is called, `identity.names_of` its facts. further, keys:
    `possible_names_of` and the owner's keys, where whoever reads the file has made them (`prepared`).
    """

    property_id: str
    facts: Mapping[str, Any]
    names: Sequence[Name] = ()
    further: Sequence[Name] | None = None
    keys: Sequence[Key] | None = None


def prepared(lead: Incoming) -> Incoming:
    """With all that follows from its facts alone."""
    return lead._replace(further=possible_names_of(lead.facts), keys=keys_of(contacts_of(lead)))


def insert_leads(
    *,
    bucket_id: UUID,
    owner_id: int,
    team_id: int,
    source: str,
    leads: Sequence[Incoming],
    at: datetime | None = None,
    update: Callable[[Sequence[tuple[UUID, Incoming]], contact_keys.Ids], None] | None = None,
    typed_by: str = "",
) -> list[UUID]:
    """Saves these as new leads of a bucket and counts them; a property that is there already, however it is called,
    stays as it is, but for the do-not-call marks of numbers it has: listed once is listed.

    at: when the person brought the file, now if it is not said. update: called with the rows whose lead was there
    before, each with that lead's id, and with the keys these may have then, once the new ones are in. typed_by: the
    user's name where a person typed the rows, which then are no file's. Returns the ids of the new ones. The same
    property twice is one lead, the first. Must be inside a transaction.

    1. Finds the vendor's ids of rows that bought answers know.
    2. Sorts the rows into new ones and those whose lead is there, in the bucket or further up.
    3. Inserts the new ones with their names; marks what must not be called on the others, which learn the names that
       their rows have besides.
    """
    at = at or timezone.now()
    said = {"source": FILE, "at": at.isoformat()}
    if typed_by:
        said |= {"source": TYPED, "by": typed_by}
    leads = [
        after if after is before else after._replace(further=None, keys=None)
        for before, after in zip(leads, cleaned_rows(leads), strict=True)
    ]
    hold_bucket(bucket_id)  # as `insert_ids` does, and for the same reason
    sorted_ = _sort(bucket_id, leads)
    brought = set().union(*(lead.facts for _, lead in sorted_.new))
    columns = [name for name in OF_FILE if name in brought]  # a file has a few of them
    names = ", ".join((*columns, *_BOOKS))
    with connection.cursor() as cursor:
        kinds = ", ".join(f"{name} {kind}" for name, kind in (with_types(columns) | _BOOKS).items())
        cursor.execute(f"CREATE TEMPORARY TABLE incoming (id uuid, property_id text, {kinds}) ON COMMIT DROP")
        with cursor.copy(f"COPY incoming (id, property_id, {names}) FROM STDIN") as copy:
            copy.write("".join([_line(one, lead, columns, said) for one, lead in sorted_.new]))
        cursor.execute(
            f"""
            INSERT INTO leads_lead
                   (id, bucket_id, owner_id, team_id, source, property_id, {names}, created_at, updated_at)
            SELECT id, %s, %s, %s, %s, property_id, {names}, now(), now() FROM incoming ORDER BY id
            ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING id, phone IS NOT NULL
            """,  # noqa: S608  # names come from OF_FILE
            [bucket_id, owner_id, team_id, source],
        )
        new = cursor.fetchall()
        cursor.execute("DROP TABLE incoming")
    ids = {lead_id.hex for lead_id, _ in new}
    added = [(one, lead) for one, lead in sorted_.new if one in ids]
    further = ((possible_names_of(lead.facts) if lead.further is None else lead.further) for _, lead in added)
    copy_names(bucket_id, [(one, (*lead.names, *more)) for (one, lead), more in zip(added, further, strict=True)])
    there = [(UUID(one), lead) for one, lead in sorted_.there if one not in ids] if update is not None else []
    changes = {one: contacts_of(lead) for one, lead in reversed(there)}  # of several rows of one lead the first
    keys = contact_keys.write(
        {UUID(one): contacts_of(lead) if lead.keys is None else lead.keys for one, lead in added}, changes
    )
    if sorted_.taught:  # all at once, in the order of their ids, as what follows locks some of them
        list(lock_leads({UUID(one) for one, _ in sorted_.there}).values_list("pk"))
    if update is not None:  # before the marks: it locks all of them, in the order of their ids
        update(there, keys)
    add_names([(UUID(one), name) for one, name in sorted_.taught])
    if sorted_.there:
        _strengthen(sorted_.there)
    contacted = add_extras(
        owner_id=owner_id, team_id=team_id, facts={UUID(one): lead.facts for one, lead in added}, at=at
    )
    phones = sum(has_phone for _, has_phone in new)
    change_counters(bucket_id, total_leads=len(new), phone_leads=phones, contacted_leads=contacted)
    return [lead_id for lead_id, _ in new]


@dataclass(slots=True)
class _Sorted:
    """Rows by what becomes of them. new: with the ids they get; there: with the ids of the leads they are. taught:
    names that these leads did not have. unsure: as `Register` has it.
    """

    new: list[tuple[str, Incoming]] = field(default_factory=list)
    there: list[tuple[str, Incoming]] = field(default_factory=list)
    taught: list[tuple[str, Name]] = field(default_factory=list)
    unsure: int = 0


def rows_there(bucket_id: UUID, leads: Sequence[Incoming]) -> tuple[int, int]:
    """How many of these rows are leads of the bucket already, as `insert_leads` would find them, and how many have an
    APN without separators that several parcels fit. Reads only.
    """
    sorted_ = _sort(bucket_id, leads)
    new = {one for one, _ in sorted_.new}
    return sum(one not in new for one, _ in sorted_.there), sorted_.unsure


def rows_in_doubt(leads: Sequence[Incoming]) -> int:
    """How many of these rows have an id, an APN and an address that bought answers know as those of two properties, or
    that contradict the one they are known as. Reads only.
    """
    return identify(leads).doubted


def _sort(bucket_id: UUID, leads: Sequence[Incoming]) -> _Sorted:
    """Which of these rows are leads of the bucket already, and which are one with a row before them.

    A row that is new although another property has its stand-in is called by the next of its names: one APN at two
    addresses is two leads. The lead that a row is learns the row's further names.
    """
    leads = [lead if lead.names else lead._replace(names=names_of_row(lead.property_id, lead.facts)) for lead in leads]
    known = identify(leads)
    called = known.called
    further = [() if is_stand_in(one) else known.bought.get(one, ()) for one in called]
    names = {name for lead in leads for name in lead.names}
    claimed = [leads[place].property_id for place in known.wrong]
    register = known_leads(bucket_id, [*called, *claimed], names, {row for rows in further for row in rows})
    register.claimed, register.parcels = known.known.claimed, known.known.parcels
    result = _Sorted()
    for one, lead, property_id, rows in zip(uuid7s(len(leads)), leads, called, further, strict=True):
        found = register.said_so(lead.property_id, lead.facts) if property_id != lead.property_id else None
        found = found or register.find(property_id, lead.names, lead.facts, rows)
        if found is not None:
            result.there.append((found.lead_id, lead))
            result.taught += [(found.lead_id, name) for name in register.call(found, lead.names, lead.facts)]
            continue
        if taken := register.by_id.get(property_id):
            property_id = register.free_id(lead.names, lead.facts)
            if not property_id:
                result.there.append((taken.lead_id, lead))
                continue
        if property_id != lead.property_id:
            lead = lead._replace(property_id=property_id)
        result.new.append((one, lead))
        known_as = Known.of_row(one, property_id, lead.facts)
        register.add(known_as, [(n.exact, n.possible, n.bare) for n in lead.names])
    result.unsure = register.unsure
    return result


def contacts_of(lead: Incoming) -> Mapping[str, Any]:
    """A row's facts as its lead has them, for the keys of its owner."""
    others = {"phone": lead.facts.get("more_phones") or (), "email": lead.facts.get("more_emails") or ()}
    return {**lead.facts, "other_facts": others}


def _strengthen(leads: Sequence[tuple[str, Incoming]]) -> None:
    """Marks the numbers that these rows say are not to be called, on the leads that have them already: by their ids.

    Rows are locked in id order, as `save_facts` does. A lead nobody has edited still counts as such: undoing the import
    that brought it deletes it.
    """
    marks = [(lead_id, number) for lead_id, lead in leads for number in _listed(lead.facts)]
    if not marks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH said AS MATERIALIZED (
                SELECT lead_id, array_agg(number) AS numbers
                  FROM unnest(%s::uuid[], %s::text[]) AS m(lead_id, number) GROUP BY lead_id),
            held AS MATERIALIZED (
                SELECT l.id, said.numbers FROM leads_lead l JOIN said ON said.lead_id = l.id {LEADS_IN_ORDER})
            UPDATE leads_lead l
               SET phone_do_not_call = CASE
                       WHEN l.phone = ANY(held.numbers) THEN true ELSE l.phone_do_not_call END,
                   secondary_phone_do_not_call = CASE
                       WHEN l.secondary_phone = ANY(held.numbers) THEN true ELSE l.secondary_phone_do_not_call END,
                   other_facts = CASE WHEN l.other_facts ? 'phone' THEN jsonb_set(l.other_facts, '{{phone}}', (
                       SELECT jsonb_agg(CASE WHEN o.entry ->> 'value' = ANY(held.numbers)
                                             THEN o.entry || '{{"do_not_call": true}}' ELSE o.entry END
                                        ORDER BY o.place)
                         FROM jsonb_array_elements(l.other_facts -> 'phone') WITH ORDINALITY AS o(entry, place)))
                       ELSE l.other_facts END,
                   updated_at = CASE
                       WHEN l.updated_at = l.created_at THEN l.updated_at ELSE clock_timestamp() END
              FROM held
             WHERE l.id = held.id
               AND ((l.phone = ANY(held.numbers) AND l.phone_do_not_call IS NOT TRUE)
                    OR (l.secondary_phone = ANY(held.numbers) AND l.secondary_phone_do_not_call IS NOT TRUE)
                    OR EXISTS (SELECT FROM jsonb_array_elements(l.other_facts -> 'phone') e
                                WHERE e ->> 'value' = ANY(held.numbers)
                                  AND e ->> 'do_not_call' IS DISTINCT FROM 'true'))
            """,  # noqa: S608  # a constant
            [[lead_id for lead_id, _ in marks], [number for _, number in marks]],
        )


def _listed(facts: Mapping[str, Any]) -> Iterator[str]:
    """The numbers of a row that are not to be called."""
    for slot in SLOTS:
        if facts.get(slot) and facts.get(f"{slot}_do_not_call"):
            yield facts[slot]
    yield from (entry["value"] for entry in facts.get("more_phones", ()) if entry.get("do_not_call"))


def _line(one: str, lead: Incoming, columns: Sequence[str], said: Mapping[str, str]) -> str:
    """A row for COPY. A clean line has no tab and no line break, so only the backslash is left to escape."""
    cells = [one, lead.property_id, *map(lead.facts.get, columns), *_books(lead.facts, said)]
    texts = [cell if type(cell) is str else "\\N" if cell is None else str(cell).lower() for cell in cells]
    line = "\t".join([text or "\\N" for text in texts])
    if line.count("\\") > texts.count("\\N") + texts.count(""):
        line = "\t".join([text.replace("\\", "\\\\") if text and text != "\\N" else "\\N" for text in texts])
    return f"{line}\n"


def _books(facts: Mapping[str, Any], said: Mapping[str, str]) -> Iterator[str | None]:
    """`fact_sources`, `other_facts`, `data` and `custom` of a row, as JSON. The tags of a file are told from a person's
    by it.
    """
    told = [name for name, columns in CONTACTS.items() if any(map(facts.get, columns))]
    bought = facts.get("bought", {})
    tags = facts.get("tags")
    facts_of_file = [name for name in FILE_FACTS if facts.get(name) is not None]
    if bought or tags or "by" in said or any(facts.get(f"{slot}_extension") for slot in SLOTS):
        own = {name: _sold(bought[name], said) if name in bought else dict(said) for name in told}
        for slot in SLOTS:
            if slot in own and (extension := facts.get(f"{slot}_extension")):
                own[slot]["extension"] = extension
        own |= {name: dict(said) for name in facts_of_file}
        if tags:
            own["tags"] = {**said, "value": [tag.lower() for tag in tags]}
        yield json.dumps(own)
    else:
        yield _all_of_file((*told, *facts_of_file), said["source"], said["at"])
    if not facts.keys() & {"more_phones", "more_emails", "data", "custom"}:
        yield from (None, None, None)
        return
    others = {
        "phone": [_sold(entry, said) for entry in facts.get("more_phones", ())],
        "email": [_sold(entry, said) for entry in facts.get("more_emails", ())],
    }
    kept = {name: entries for name, entries in others.items() if entries}
    yield json.dumps(kept) if kept else None
    for name in ("data", "custom"):
        told_so = facts.get(name)
        yield json.dumps(told_so) if told_so else None


@lru_cache(maxsize=256)  # the rows of a file say much the same
def _all_of_file(names: Sequence[str], source: str, at: str) -> str | None:
    return json.dumps({name: {"source": source, "at": at} for name in names}) if names else None


def take_vendor_ids(ids: Mapping[UUID, str]) -> None:
    """Gives leads the property id the vendor has told us since. In the caller's transaction.

    A lead whose bucket has another of that id keeps its own: it is the same property twice, and both may have been
    worked on. A savepoint each, because only the unique index knows who comes first.
    """
    for lead_id, property_id in sorted(ids.items()):
        try:
            with transaction.atomic():
                Lead.objects.filter(pk=lead_id).exclude(property_id=property_id).update(property_id=property_id)
        except IntegrityError:
            continue
