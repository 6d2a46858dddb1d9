"""The names a property is known by: learned from bought answers, so that it is bought once under all of them.

A name that two properties claim means neither: it is kept with an empty id, and joins nothing from then on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Q

from common.db.arrays import joined
from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.locks import NAMES_IN_ORDER
from integrations.lookups.agreement import contradict
from integrations.lookups.identity import Name, names_of
from integrations.lookups.stand_in_ids import APN
from integrations.models import Lookup, PropertyName
from integrations.vendors.contract import Answer

K = TypeVar("K")


def plain_name(text: str) -> Name:
    """A stand-in as a name of its own: one that was asked by, or that an earlier version spelled in its own way."""
    return Name(text, text, bare=text.startswith(APN) and text.rsplit(":", 1)[-1].isalnum())


# --- Learning --------------------------------------------------------------------------------------------------------


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
    """Keeps what these properties are called: rows of (property id, facts). asked: names they were asked for by."""
    claims = [(name, property_id) for property_id, facts in rows for name in names_of(facts)]
    claims += [(plain_name(text), property_id) for text, property_id in (asked or {}).items()]
    keep(claims)


def keep(claims: Iterable[tuple[Name, str]]) -> None:
    """Writes names with the property each is claimed for.

    Names are written in their order, so that two workers that learn the same wait for each other and never in a circle.

    1. Collects the names; one that two of these properties claim is kept with an empty id.
    2. Inserts the new ones; one that an earlier version wrote without its hashes gets them.
    3. Where some are known already: those known of another property get an empty id.
    """
    found: dict[str, tuple[Name, str]] = {}
    for name, property_id in claims:
        kept, known = found.setdefault(name.text, (name, property_id))
        found[name.text] = (kept, known if known == property_id else "")
    if not found:
        return
    names = [found[text] for text in sorted(found)]
    columns = [
        "\n".join([name.text for name, _ in names]),  # no name has a line break: folded text
        "\n".join([property_id for _, property_id in names]),
        joined(name.exact for name, _ in names),
        joined(name.possible for name, _ in names),
        joined(name.bare for name, _ in names),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO integrations_propertyname AS k (name, property_id, exact, loose, bare, learned_at)
            SELECT c.*, clock_timestamp() FROM {_CLAIMED}
            ON CONFLICT (name) DO NOTHING
            """,  # noqa: S608  # a constant
            columns,
        )
        if cursor.rowcount == len(names):
            return
        cursor.execute(
            f"""
            UPDATE integrations_propertyname n
               SET property_id = CASE WHEN n.property_id = claimed.claims THEN n.property_id ELSE '' END,
                   exact = claimed.exact, loose = claimed.loose, bare = claimed.bare,
                   learned_at = coalesce(n.learned_at, clock_timestamp())
              FROM (SELECT k.name, c.property_id AS claims, c.exact, c.loose, c.bare
                      FROM integrations_propertyname k JOIN {_CLAIMED} ON c.name = k.name
                     WHERE (k.property_id <> '' AND k.property_id <> c.property_id)
                        OR (k.exact, k.loose, k.bare) IS DISTINCT FROM (c.exact, c.loose, c.bare)
                           AND ((c.loose | 3) <> (c.exact | 3) OR k.exact = 0 OR (c.loose | 3) = (k.loose | 3))
                     {NAMES_IN_ORDER}) AS claimed
             WHERE n.name = claimed.name
            """,  # noqa: S608  # constants
            columns,
        )


_CLAIMED = """unnest(string_to_array(%s, chr(10)), string_to_array(%s, chr(10)), string_to_array(%s, ',')::bigint[],
    string_to_array(%s, ',')::bigint[], string_to_array(%s, ',')::boolean[])
    AS c(name, property_id, exact, loose, bare)"""


def hash_names(names: Sequence[Name]) -> None:
    """Gives names that an earlier version wrote their hashes, in the order of the names."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE integrations_propertyname n SET exact = held.exact, loose = held.loose, bare = held.bare
              FROM (SELECT k.name, c.exact, c.loose, c.bare FROM integrations_propertyname k
                      JOIN unnest(string_to_array(%s, chr(10)), %s::bigint[], %s::bigint[], %s::boolean[])
                           AS c(name, exact, loose, bare) ON c.name = k.name
                     {NAMES_IN_ORDER}) AS held
             WHERE n.name = held.name
            """,  # noqa: S608  # a constant
            [
                "\n".join([name.text for name in names]),
                [name.exact for name in names],
                [name.possible for name in names],
                [name.bare for name in names],
            ],
        )


# --- Asking ----------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A name as it was learned. property_id: "" where two properties claim it."""

    text: str
    property_id: str
    exact: int
    loose: int
    bare: bool


@dataclass(slots=True)
class Known:
    """What some records are known to be. ids: the vendor's, by what was asked.

    doubted: of what was asked, that whose names say two properties, or one which they contradict: it is neither's.
    called: what these properties are called. claimed: hashes of names that two properties claim. parcels: hashes of the
    segmented APNs of bought properties, by the hash of their digits.
    """

    ids: dict[Any, str] = field(default_factory=dict)
    doubted: set[Any] = field(default_factory=set)
    called: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    parcels: dict[int, set[int]] = field(default_factory=dict)


def known_ids(asked: Mapping[K, Sequence[Name]]) -> dict[K, str]:
    """The vendor's id of each record whose names say, without contradiction, which property it is: see `look_up`."""
    return look_up(asked).ids


def look_up(asked: Mapping[K, Sequence[Name]]) -> Known:
    """What bought answers know of records by their names, the surest name first: two queries, whatever is asked.

    1. Finds the names among the learned ones; APNs also by their digits, for the rule of those without separators.
    2. A record is the one property that its names say, unless it contradicts what else the property is called:
       another parcel number of that county, house number, unit, street or ZIP. Where they say two, it is neither.
    """
    learned = _learned({name for names in asked.values() for name in names}, {n[0].text for n in asked.values() if n})
    known = Known(claimed=learned.claimed, parcels=learned.parcels)
    if not learned.by_text:
        return known
    candidates: dict[K, list[str]] = {}
    for key, names in asked.items():
        if ids := list(dict.fromkeys(filter(None, map(learned.said, names)))):
            candidates[key] = ids
    known.called = names_by_id({property_id for ids in candidates.values() for property_id in ids})
    for key, ids in candidates.items():
        texts = [row.text for row in known.called.get(ids[0], ())]
        if len(ids) > 1 or contradict(asked[key], texts):
            known.doubted.add(key)
        else:
            known.ids[key] = ids[0]
    return known


@dataclass(slots=True)
class _Learned:
    """Learned names. by_digits: parcel numbers by the digits that a bare one and its segmented one share."""

    by_text: dict[str, Row] = field(default_factory=dict)
    by_digits: dict[int, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def claimed(self) -> set[int]:
        return {row.exact for row in self.by_text.values() if not row.property_id}

    @property
    def parcels(self) -> dict[int, set[int]]:
        return {digits: {row.exact for row in same.values() if not row.bare} for digits, same in self.by_digits.items()}

    def said(self, name: Name) -> str:
        """The id of the property a name means; "" where nobody says, or an APN could be two parcels'."""
        row = self.by_text.get(name.text)
        if not name.text.startswith(APN):
            return row.property_id if row and not (name.bare and row.bare) else ""
        same = self.by_digits.get(name.possible, {}).values()
        segmented = [one for one in same if not one.bare]
        bare = [one for one in same if one.bare]
        if not name.bare:
            if row is not None:
                return row.property_id
            return bare[0].property_id if bare and not segmented else ""
        if len(segmented) > 1:
            return ""
        ids = {one.property_id for one in same if one.property_id}
        return ids.pop() if len(ids) == 1 and all(one.property_id for one in same) else ""


def _learned(names: Iterable[Name], own: Iterable[str]) -> _Learned:
    """The learned names that these records' names need. own: those that they would be asked by; what was asked by one
    of them has its answer's id.
    """
    wanted = list(names)
    learned = _Learned()
    if not wanted:
        return learned
    parcels = list({name.possible for name in wanted if name.text.startswith(APN)})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT name, property_id, exact, loose, bare FROM integrations_propertyname
             WHERE exact = ANY(string_to_array(%s, ',')::bigint[])
            UNION
            SELECT name, property_id, exact, loose, bare FROM integrations_propertyname
             WHERE loose = ANY(string_to_array(%s, ',')::bigint[]) AND name LIKE 'apn:%%'
            """,
            [joined(name.exact for name in wanted), joined(parcels)],
        )
        for row in map(Row._make, cursor.fetchall()):
            learned.by_text[row.text] = row
            if row.text.startswith(APN):
                learned.by_digits[row.loose][row.text] = row
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), key__in=list(own))
    asked = details.filter(state=Lookup.State.ANSWERED, category="").values_list("key", "facts__property_id")
    for text, property_id in asked:
        if property_id and text not in learned.by_text:
            learned.by_text[text] = Row(text, property_id, 0, 0, bare=False)
    return learned


def names_by_id(property_ids: Iterable[str]) -> dict[str, list[Row]]:
    """What these properties are called, by the vendor's id."""
    wanted = list(property_ids)
    found: dict[str, list[Row]] = {}
    if not wanted:
        return found
    rows = PropertyName.objects.filter(property_id__in=wanted)
    for row in map(Row._make, rows.values_list("name", "property_id", "exact", "loose", "bare")):
        found.setdefault(row.property_id, []).append(row)
    return found


def known(texts: Iterable[str]) -> dict[str, str]:
    """The vendor's id of each property that is known by one of these very texts and by no other property's."""
    wanted = list(texts)
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
