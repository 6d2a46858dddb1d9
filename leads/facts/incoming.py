"""New leads that come with facts of their own, and property ids that the vendor tells us later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from common.db.ids import uuid7s
from leads.counters import change_counters
from leads.facts.columns import OF_FILE, with_types
from leads.facts.sources import FILE, MAILING, NAMES, SLOTS
from leads.locks import LEADS_IN_ORDER, hold_bucket
from leads.models import Lead

_BOOKS = {"fact_sources": "jsonb", "other_facts": "jsonb"}
# Facts that a later purchase must not take for its own: the columns that hold one, by its name in `fact_sources`.
CONTACTS = {"owner_name": NAMES, "mailing_address": MAILING, "email": ("email",), **{slot: (slot,) for slot in SLOTS}}
# Property id, and facts by OF_FILE, each one clean line of text or a mark. Beside them `phone_extension`,
# `secondary_phone_extension`, and `more_phones`: [{"value", "type", "do_not_call", "extension"}],
# and `bought`, of what our own export says nobody but a vendor brought: {fact of CONTACTS: {"source", "at", "person"}}.
Incoming = tuple[str, Mapping[str, Any]]


def insert_leads(
    *, bucket_id: UUID, owner_id: int, source: str, leads: Sequence[Incoming], at: datetime | None = None
) -> list[UUID]:
    """Saves these as new leads of a bucket and counts them; a lead that is there already stays as it is, but for the
    do-not-call marks of numbers it has: listed once is listed.

    at: when the person brought the file, now if it is not said. Returns the ids of the new ones. The same property
    twice is one lead, the first. Must be inside a transaction.
    """
    names = ", ".join((*OF_FILE, *_BOOKS))
    said = {"source": FILE, "at": (at or timezone.now()).isoformat()}
    rows = list(zip(uuid7s(len(leads)), leads, strict=True))
    with connection.cursor() as cursor:
        kinds = ", ".join(f"{name} {kind}" for name, kind in (with_types(OF_FILE) | _BOOKS).items())
        cursor.execute(f"CREATE TEMPORARY TABLE incoming (id uuid, property_id text, {kinds}) ON COMMIT DROP")
        with cursor.copy(f"COPY incoming (id, property_id, {names}) FROM STDIN") as copy:
            copy.write("".join([_line(one, property_id, facts, said) for one, (property_id, facts) in rows]))
        hold_bucket(bucket_id)  # as `insert_ids` does, and for the same reason
        cursor.execute(
            f"""
            INSERT INTO leads_lead (id, bucket_id, owner_id, source, property_id, {names}, created_at, updated_at)
            SELECT id, %s, %s, %s, property_id, {names}, now(), now() FROM incoming ORDER BY id
            ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING id, phone IS NOT NULL
            """,  # noqa: S608  # names come from the constant above
            [bucket_id, owner_id, source],
        )
        new = cursor.fetchall()
        cursor.execute("DROP TABLE incoming")
    ids = {lead_id for lead_id, _ in new}
    if len(ids) < len(leads):
        _strengthen(bucket_id, [lead for one, lead in rows if UUID(str(one)) not in ids])
    change_counters(bucket_id, total_leads=len(new), phone_leads=sum(has_phone for _, has_phone in new))
    return [lead_id for lead_id, _ in new]


def _strengthen(bucket_id: UUID, leads: Sequence[Incoming]) -> None:
    """Marks the numbers that these rows say are not to be called, on the leads that have them already.

    Rows are locked in id order, as `save_facts` does. A lead nobody has edited still counts as such: undoing the import
    that brought it deletes it.
    """
    marks = [(property_id, number) for property_id, facts in leads for number in _listed(facts)]
    if not marks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH said AS MATERIALIZED (
                SELECT property_id, array_agg(number) AS numbers
                  FROM unnest(%s::text[], %s::text[]) AS m(property_id, number) GROUP BY property_id),
            held AS MATERIALIZED (
                SELECT l.id, said.numbers FROM leads_lead l JOIN said ON said.property_id = l.property_id
                 WHERE l.bucket_id = %s {LEADS_IN_ORDER})
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
            [[property_id for property_id, _ in marks], [number for _, number in marks], bucket_id],
        )


def _listed(facts: Mapping[str, Any]) -> Iterator[str]:
    """The numbers of a row that are not to be called."""
    for slot in SLOTS:
        if facts.get(slot) and facts.get(f"{slot}_do_not_call"):
            yield facts[slot]
    yield from (entry["value"] for entry in facts.get("more_phones", ()) if entry.get("do_not_call"))


def _line(one: str, property_id: str, facts: Mapping[str, Any], said: Mapping[str, str]) -> str:
    """A row for COPY. A clean line has no tab and no line break, so only the backslash is left to escape."""
    cells = [property_id, *(facts.get(name) for name in OF_FILE), *_books(facts, said)]
    texts = [str(cell).lower() if isinstance(cell, bool) else cell for cell in cells]
    return "\t".join([one, *(text.replace("\\", "\\\\") if text else "\\N" for text in texts)]) + "\n"


def _books(facts: Mapping[str, Any], said: Mapping[str, str]) -> Iterator[str | None]:
    """`fact_sources` and `other_facts` of a row, as JSON."""
    brought = [name for name, columns in CONTACTS.items() if any(facts.get(column) for column in columns)]
    bought = facts.get("bought", {})
    own = {name: _sold(bought[name], said) if name in bought else dict(said) for name in brought}
    for slot in SLOTS:
        if extension := facts.get(f"{slot}_extension"):
            own[slot]["extension"] = extension
    yield json.dumps(own) if own else None
    more = [_sold(entry, said) for entry in facts.get("more_phones", ())]
    yield json.dumps({"phone": more}) if more else None


def _sold(entry: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """With the file's source and time where it has none; nothing is younger than the file that tells of it."""
    whole = {**said, **entry}
    whole["at"] = min(whole["at"], said["at"], key=datetime.fromisoformat)
    return whole


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
