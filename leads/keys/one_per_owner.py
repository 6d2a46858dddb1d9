"""Of each owner the oldest lead alone: which leads of a selection an older one that stays in leaves out. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from integrations.vendors.persons_apart import owner_marks
from leads.facts.sources import name_of
from leads.keys.owner_keys import name_keys
from leads.models import ContactKey, Lead, LeadKey

_READ_AT_ONCE = 5_000  # rows
# Only keys that two of the selection's leads share can leave one out; a lead's rows come together, the oldest first.
_SHARED = """
    WITH picked(id) AS MATERIALIZED ({picked}),
         held AS (
            SELECT k.lead_id, k.key_id, k.role, k.position, count(*) OVER (PARTITION BY k.key_id) AS leads
              FROM picked p JOIN leads_leadkey k ON k.lead_id = p.id JOIN leads_contactkey c ON c.id = k.key_id
             WHERE NOT c.crowded AND (%s OR c.kind = %s))
    SELECT h.lead_id, h.key_id, h.role, h.position, l.owner_name, l.first_name, l.last_name, l.second_owner_name,
           l.owner_type
      FROM held h JOIN leads_lead l ON l.id = h.lead_id
     WHERE h.leads > 1
     ORDER BY h.lead_id
"""
_COLUMNS = ("owner_name", "first_name", "last_name", "second_owner_name", "owner_type")


def left_out(leads: QuerySet[Lead], *, contacts: bool) -> list[UUID]:
    """Those of these leads that share a key with an older one that stays in, the oldest first.

    One statement and one pass: a lead whose keys no older one that stays in has, stays in and takes its keys. So nobody
    is left out because of a lead that is left out itself. By name and mailing address only leads of one person join:
    Jr leaves Sr in, John A leaves John B in.
    """
    taken: set[tuple[int, tuple[str, ...]]] = set()
    out = []
    for lead_id, keys in _keys(leads, contacts=contacts):
        if taken.isdisjoint(keys):
            taken |= keys
        else:
            out.append(lead_id)
    return out


def _keys(leads: QuerySet[Lead], *, contacts: bool) -> Iterator[tuple[UUID, set[tuple[int, tuple[str, ...]]]]]:
    picked, params = leads.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            _SHARED.format(picked=picked),
            [*params, contacts, ContactKey.Kind.OWNER],
        )
        rows = iter(lambda: cursor.fetchmany(_READ_AT_ONCE), [])
        for lead_id, group in groupby((row for rows_ in rows for row in rows_), key=itemgetter(0)):
            held = list(group)
            marks = _marks(dict(zip(_COLUMNS, held[0][4:], strict=True)))
            yield (
                lead_id,
                {
                    (key_id, marks.get(position, ()) if role == LeadKey.Role.OWNER else ())
                    for _, key_id, role, position, *_ in held
                },
            )


def _marks(lead: dict[str, Any]) -> dict[int, tuple[str, ...]]:
    """By the place of each of a lead's owners among its keys, what tells that person from another of the name."""
    found: dict[str, tuple[str, ...]] = {}
    for line in filter(None, (name_of(lead), lead["second_owner_name"])):
        names = name_keys(line, owner_type=lead["owner_type"])
        marks = owner_marks(line)
        for place, name in enumerate(names):
            found.setdefault(name, marks[place] if len(marks) == len(names) else ())
    return dict(enumerate(found.values()))
