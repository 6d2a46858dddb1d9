"""New leads that come with facts of their own, and property ids that the vendor tells us later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from common.db.ids import uuid7s
from integrations.lookups.identity import Name
from integrations.lookups.stand_in_ids import is_stand_in
from leads.counters import change_counters
from leads.facts.batches import LEAD, Batch, Incoming, contacts_of, met
from leads.facts.doubts import identify
from leads.facts.extras import add_extras
from leads.facts.matching import Known, found_of, known_leads
from leads.facts.names import add_names, copy_lines, names_of_row
from leads.facts.sources import FILE, SLOTS, TYPED
from leads.keys import contact_keys
from leads.locks import LEADS_IN_ORDER, hold_bucket, lock_leads
from leads.models import Lead
from leads.privacy.filtering import anybody_forgotten, cleaned_rows

__all__ = [
    "Batch",
    "Incoming",
    "contacts_of",
    "insert_leads",
    "rows_in_doubt",
    "rows_there",
    "said_by_file",
    "take_vendor_ids",
]
_OWNED = ("bucket_id", "owner_id", "team_id", "source", "created_at", "updated_at")  # of every lead of a batch
_ONCE = "lead_once_per_bucket"
# For what a statement's triggers are shown of its rows: a piece of a file is 7 MB of leads, and what is more than
# `work_mem`, 4 MB as PostgreSQL has it, goes through a file on the disk.
_MEMORY = "32MB"
_TRIES = 5  # of rows whose ids purchases give to leads of the bucket in that very moment


def insert_leads(
    *,
    bucket_id: UUID,
    owner_id: int,
    team_id: int,
    source: str,
    leads: Sequence[Incoming] | Batch,
    at: datetime | None = None,
    update: Callable[[Sequence[tuple[UUID, Incoming]], contact_keys.Ids], None] | None = None,
    typed_by: str = "",
) -> list[str]:
    """Saves these as new leads of a bucket and counts them; a property that is there already, however it is called,
    stays as it is, but for the do-not-call marks of numbers it has: listed once is listed.

    leads: or a `Batch` of them, made for this bucket of what a file said `at`. at: when the person brought the file,
    now if it is not said. update: called with the rows whose lead was there before, each with that lead's id, and with
    the keys these may have then, once the new ones are in. typed_by: the user's name where a person typed the rows,
    which then are no file's. Returns the ids of the new ones. The same property twice is one lead, the first. Must be
    inside a transaction.

    1. Leaves out who is forgotten.
    2. Sorts the rows into new ones and those whose lead is there, in the bucket or further up; inserts the new ones.
    3. Writes their names and keys; marks what must not be called on the others, which learn the names that their rows
       have besides.
    """
    at = at or timezone.now()
    said = said_by_file(at)
    if typed_by:
        said |= {"source": TYPED, "by": typed_by}
    batch = leads if isinstance(leads, Batch) else Batch.of(leads, bucket_id=bucket_id, said=said)
    if anybody_forgotten():
        rows = batch.rows()
        cleaned = cleaned_rows(rows)
        if any(after is not before for after, before in zip(cleaned, rows, strict=True)):
            batch = Batch.of(cleaned, bucket_id=bucket_id, said=said)
    hold_bucket(bucket_id)  # as `insert_ids` does, and for the same reason
    sorted_ = _insert(batch, bucket_id, f"{bucket_id}\t{owner_id}\t{team_id}\t{source}")
    new = sorted_.new
    copy_lines([batch.names[place].replace(LEAD, one) for one, place, _ in new])
    ids = [one for one, _, _ in new]
    made = {*ids} if sorted_.there else set[str]()
    there = [(UUID(one), lead) for one, lead in sorted_.there if one not in made] if update is not None else []
    changes = {one: contacts_of(lead) for one, lead in reversed(there)}  # of several rows of one lead the first
    keys = contact_keys.write_rows(ids, batch.keys, [batch.keys.rows[place] for _, place, _ in new], changes)
    if sorted_.taught:  # all at once, in the order of their ids, as what follows locks some of them
        list(lock_leads({UUID(one) for one, _ in sorted_.there}).values_list("pk"))
    if update is not None:  # before the marks: it locks all of them, in the order of their ids
        update(there, keys)
    add_names([(UUID(one), name) for one, name in sorted_.taught])
    if sorted_.there:
        _strengthen(sorted_.there)
    contacted = 0
    if with_extras := set(batch.with_extras):
        rows = batch.rows()
        facts = {UUID(one): rows[place].facts for one, place, _ in new if place in with_extras}
        contacted = add_extras(owner_id=owner_id, team_id=team_id, facts=facts, at=at)
    phones = sum(batch.phones[place] for _, place, _ in new)
    change_counters(bucket_id, total_leads=len(new), phone_leads=phones, contacted_leads=contacted)
    return ids


def said_by_file(at: datetime) -> dict[str, str]:
    """What `fact_sources` says of a file that a person brought then."""
    return {"source": FILE, "at": at.isoformat()}


def _insert(batch: Batch, bucket_id: UUID, owned: str) -> _Sorted:
    """Sorts the rows, and inserts the new ones. owned: bucket, owner, team and source, as COPY takes them.

    A purchase may give a lead of the bucket a row's id meanwhile, which nobody's hold keeps it from: COPY waits for it
    and fails, and the row is that lead once the rows are sorted again.
    """
    tries = 0
    while True:
        tries += 1
        sorted_ = _sort(bucket_id, batch)
        try:
            if sorted_.new:
                _copy(batch, sorted_.new, owned)
        except IntegrityError as error:
            once = isinstance(error.__cause__, UniqueViolation) and error.__cause__.diag.constraint_name == _ONCE
            if tries == _TRIES or not once:
                raise
        else:
            return sorted_


def _copy(batch: Batch, new: Sequence[tuple[str, int, str]], owned: str) -> None:
    columns = ", ".join(("id", "property_id", *_OWNED, *batch.columns))
    with transaction.atomic(), connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.execute("SELECT now(), set_config('work_mem', %s, true)", [_MEMORY])
        ((now, _),) = cursor.fetchall()
        between = f"{owned}\t{now.isoformat()}\t{now.isoformat()}"
        rows = [f"{one}\t{property_id}\t{between}\t{batch.lines[place]}\n" for one, place, property_id in new]
        with cursor.copy(f"COPY leads_lead ({columns}) FROM STDIN") as copy:
            copy.write("".join(rows))


@dataclass(slots=True)
class _Sorted:
    """Rows by what becomes of them. new: the ids they get, their places, and what they are called; there: with the ids
    of the leads they are. taught: names that these leads did not have. unsure: as `Register` has it.
    """

    new: list[tuple[str, int, str]] = field(default_factory=list)
    there: list[tuple[str, Incoming]] = field(default_factory=list)
    taught: list[tuple[str, Name]] = field(default_factory=list)
    unsure: int = 0


def rows_there(bucket_id: UUID, leads: Sequence[Incoming]) -> tuple[int, int]:
    """How many of these rows are leads of the bucket already, as `insert_leads` would find them, and how many have an
    APN without separators that several parcels fit. Reads only.
    """
    sorted_ = _compare(bucket_id, list(enumerate(leads)), uuid7s(len(leads)))
    new = {one for one, _, _ in sorted_.new}
    return sum(one not in new for one, _ in sorted_.there), sorted_.unsure


def rows_in_doubt(leads: Sequence[Incoming]) -> int:
    """How many of these rows have an id, an APN and an address that bought answers know as those of two properties, or
    that contradict the one they are known as. Reads only.
    """
    return identify(leads).doubted


def _sort(bucket_id: UUID, batch: Batch) -> _Sorted:
    """Which rows of a batch are leads of the bucket already. Most are not, share no id and no name with another row or
    with what is known, and are new as they stand; the others are compared.
    """
    ids = uuid7s(len(batch))
    compared = batch.together | _met(bucket_id, batch)
    if not compared:
        return _Sorted(new=list(zip(ids, range(len(ids)), batch.ids, strict=True)))
    rows = batch.rows()
    result = _compare(bucket_id, [(place, rows[place]) for place in sorted(compared)], ids)
    result.new += [(ids[n], n, one) for n, one in enumerate(batch.ids) if n not in compared]
    result.new.sort(key=itemgetter(1))
    return result


def _met(bucket_id: UUID, batch: Batch) -> set[int]:
    """The places of rows of which the bucket, or what was bought, may know an id or a name."""
    found = found_of(bucket_id, batch.asked)
    if found is None:
        return set(range(len(batch)))
    return {place for place, lead in enumerate(batch.rows()) if met(lead, found)} if found else set()


def _compare(bucket_id: UUID, rows: Sequence[tuple[int, Incoming]], ids: Sequence[str]) -> _Sorted:
    """Which of these rows, each with its place, are leads of the bucket already, and which are one with a row before
    them. ids: of new leads, by place.

    A row that is new although another property has its stand-in is called by the next of its names: one APN at two
    addresses is two leads. The lead that a row is learns the row's further names.
    """
    leads = [
        lead if lead.names else lead._replace(names=names_of_row(lead.property_id, lead.facts)) for _, lead in rows
    ]
    known = identify(leads)
    called = known.called
    further = [() if is_stand_in(one) else known.bought.get(one, ()) for one in called]
    names = {name for lead in leads for name in lead.names}
    claimed = [leads[place].property_id for place in known.wrong]
    register = known_leads(bucket_id, [*called, *claimed], names, {row for rows in further for row in rows})
    register.claimed, register.parcels = known.known.claimed, known.known.parcels
    result = _Sorted()
    for (place, _), lead, property_id, more in zip(rows, leads, called, further, strict=True):
        found = register.said_so(lead.property_id, lead.facts) if property_id != lead.property_id else None
        found = found or register.find(property_id, lead.names, lead.facts, more)
        if found is not None:
            result.there.append((found.lead_id, lead))
            result.taught += [(found.lead_id, name) for name in register.call(found, lead.names, lead.facts)]
            continue
        if taken := register.by_id.get(property_id):
            property_id = register.free_id(lead.names, lead.facts)
            if not property_id:
                result.there.append((taken.lead_id, lead))
                continue
        result.new.append((ids[place], place, property_id))
        known_as = Known.of_row(ids[place], property_id, lead.facts)
        register.add(known_as, [(n.exact, n.possible, n.bare) for n in lead.names])
    result.unsure = register.unsure
    return result


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
