"""The names a property is known by: learned from bought answers, so that it is bought once under all of them.

A name that two properties claim means neither: it is kept with an empty id, and joins nothing from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection
from django.db.models import Q

from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.locks import NAMES_IN_ORDER
from integrations.lookups.stand_in_ids import names_of
from integrations.models import Lookup, PropertyName
from integrations.vendors.contract import Answer


def learn_from(operation: str, answers: Mapping[str, Answer]) -> None:
    """`learn` from what an operation has just answered, by key. Inside the transaction that settles its call."""
    rows: list[tuple[str, Mapping[str, Any]]] = []
    asked: dict[str, str] = {}
    for key, answer in answers.items():
        if not answer.found:
            continue
        if operation == "property_search":
            rows += [(row["property_id"], row) for row in answer.facts.get("rows", ())]
        elif operation == "property_detail":
            rows.append((answer.also or key, answer.facts))
            if answer.also:
                asked[key] = answer.also
    learn(rows, asked=asked)


def learn(rows: Iterable[tuple[str, Mapping[str, Any]]], *, asked: Mapping[str, str] | None = None) -> None:
    """Keeps what these properties are called: rows of (property id, facts). asked: names they were asked for by.

    Names are written in their order, so that two workers that learn the same wait for each other and never in a circle.

    1. Collects the names; one that two of these properties claim is kept with an empty id.
    2. Inserts the new ones.
    3. Where some are known already: those known of another property get an empty id.
    """
    pairs = {(name, property_id) for property_id, facts in rows for name in names_of(facts)}
    pairs |= set((asked or {}).items())
    if not pairs:
        return
    found: dict[str, str] = {}
    for name, property_id in pairs:
        found[name] = property_id if found.setdefault(name, property_id) == property_id else ""
    names = sorted(found)
    values = ["\n".join(names), "\n".join([found[name] for name in names])]  # no name has a line break: folded text
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_propertyname (name, property_id)
            SELECT * FROM unnest(string_to_array(%s, chr(10)), string_to_array(%s, chr(10)))
            ON CONFLICT (name) DO NOTHING
            """,
            values,
        )
        if cursor.rowcount == len(names):
            return
        cursor.execute(
            f"""
            UPDATE integrations_propertyname n SET property_id = ''
              FROM (SELECT k.name FROM integrations_propertyname k
                      JOIN unnest(string_to_array(%s, chr(10)), string_to_array(%s, chr(10))) AS c(name, property_id)
                        ON c.name = k.name
                     WHERE k.property_id <> '' AND k.property_id <> c.property_id
                     {NAMES_IN_ORDER}) AS claimed
             WHERE n.name = claimed.name
            """,  # noqa: S608  # a constant
            values,
        )


def known(stand_ins: Iterable[str]) -> dict[str, str]:
    """The vendor's id of each property that is known by one of these names and by no other property's."""
    wanted = list(stand_ins)
    if not wanted:
        return {}
    rows = PropertyName.objects.filter(name__in=wanted).exclude(property_id="")
    return dict(rows.values_list("name", "property_id"))


def already_owned(property_ids: Iterable[str]) -> int:
    """How many of these properties were bought by address or parcel number although their detail was owned by id.

    Also counts details that are being bought by id this moment or are in doubt. Ask before the answers are written.
    """
    ids = list(property_ids)
    if not ids:
        return 0
    detail = catalogue.operation("property_detail")
    rows = Lookup.objects.filter(operation=detail, key__in=ids)
    paid = Q(state=Lookup.State.ANSWERED, cost__gt=0, fetched_at__gt=detail.fresh_since(database_now()))
    return rows.filter(paid | Q(state__in=[Lookup.State.BUYING, Lookup.State.IN_DOUBT])).count()
