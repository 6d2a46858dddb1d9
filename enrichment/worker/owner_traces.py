"""One skip trace for all of an owner's parcels of a run: by which question each is asked, and whom an answer serves.

A parcel can be asked about by itself (its `alone`), or with its owner's others by her name and mailing address (its
`shared`). The shared answer serves it only where the person found bears that name; else it is asked by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from django.db import connection

from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.lookups import owned as owned_answers
from integrations.lookups.answers import Copy, Owned
from integrations.models import Lookup, Operation
from integrations.vendors.contract import Query
from integrations.vendors.queries import bears_name, name_and_address
from leads.keys import contact_keys
from leads.keys.owner_keys import Key
from leads.models import LeadKey

K = TypeVar("K")
State = Lookup.State
_LOOKED_AT = 50  # of a run's other parcels that may be an owner's
UNDER_WAY = (State.BUYING, State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Owner:
    """The two questions about a parcel's owner. key: hers as leads have it. shared is None where nobody can share."""

    alone: Query
    shared: Query | None = None
    key: Key | None = None


class Item(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def lead_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What is bought or being bought about an owner: the row that serves a parcel for $0, and how each question is.

    bought: by the parcel's own question, or by the shared one where the name fits. is_unfit: the shared question has an
    answer that serves nobody.
    """

    bought: Lookup | None
    is_shared: bool = False
    is_unfit: bool = False
    alone_under_way: bool = False
    shared_under_way: bool = False

    def asked_as(self, owner: Owner) -> str:
        """The key of the question that is to be bought for it."""
        is_alone = owner.shared is None or self.is_unfit or self.alone_under_way
        return owner.alone.key if is_alone or owner.shared is None else owner.shared.key


def known(owners: Iterable[Owner]) -> dict[str, Known]:
    """What is known of these, by the key of `alone`. Two statements at most."""
    asked = {owner.alone.key: owner for owner in owners}
    operation, now = catalogue.operation("skip_trace"), database_now()
    shared = {owner.shared.key: owner.shared for owner in asked.values() if owner.shared is not None}
    queries = [*(owner.alone for owner in asked.values()), *shared.values()]
    rows = owned_answers.rows_of(operation, queries)
    fresh = operation.fresh_since(now)
    return {key: _known(operation, owner, rows, fresh) for key, owner in asked.items()}


def _known(operation: Operation, owner: Owner, rows: Mapping[str, Sequence[Lookup]], fresh: datetime) -> Known:
    own = rows.get(owner.alone.key, ())
    alone = owned_answers.serving(operation, owner.alone, own, fresh)
    if owner.shared is None or alone is not None:
        return Known(alone)
    others = rows.get(owner.shared.key, ())
    together = owned_answers.serving(operation, owner.shared, others, fresh)
    fits = together is not None and not together.category and bears_name(together.facts or {}, owner.shared)
    return Known(
        bought=together if fits else None,
        is_shared=fits,
        is_unfit=together is not None and not fits,
        alone_under_way=_is_under_way(own),
        shared_under_way=_is_under_way(others),
    )


def _is_under_way(rows: Sequence[Lookup]) -> bool:
    return any(row.state in UNDER_WAY for row in rows)


def shared_ones(owners: Iterable[Owner], found: Mapping[str, Known]) -> set[str]:
    """Which of these parcels are asked about by their owner's shared question, by the key of `alone`.

    Those of which another parcel asks the same one; none where the vendor would be asked the same for another person,
    as for Jr and Sr. The quote and the run both ask this.
    """
    parcels: dict[str, set[str]] = {}
    people: dict[tuple[str, str, str], set[str]] = {}
    for owner in owners:
        if owner.shared is None:
            continue
        people.setdefault(name_and_address(owner.shared), set()).add(owner.shared.key)
        at = found[owner.alone.key]
        if at.bought is None and at.asked_as(owner) == owner.shared.key:
            parcels.setdefault(owner.shared.key, set()).add(owner.alone.key)
    told_apart = {key for keys in people.values() if len(keys) == 1 for key in keys}
    return {alone for key, group in parcels.items() if key in told_apart and len(group) > 1 for alone in group}


def choose(
    owners: Mapping[int, Owner],
    items: Sequence[Item],
    owners_of: Callable[[Mapping[UUID, str]], Mapping[UUID, Owner]],
) -> dict[int, Query]:
    """By which question each item is asked now. owners_of: those of leads, by id and property id, that are known.

    1. By its own, where that is answered, being bought or in doubt, where none is shared, or where the shared answer is
       somebody else's or nobody's.
    2. By the shared one, where its answer fits, is being bought or in doubt.
    3. By the shared one, where another parcel of the run asks it too (`shared_ones`).
    4. By its own.
    """
    if not owners:
        return {}
    everyone = {owner.alone.key: owner for owner in (*owners_of(_beside(owners, items)).values(), *owners.values())}
    found = known(everyone.values())
    several = shared_ones(everyone.values(), found)
    chosen = {}
    for item_id, owner in owners.items():
        at = found[owner.alone.key]
        chosen[item_id] = owner.alone
        if owner.shared is None or at.alone_under_way or at.is_unfit or (at.bought is not None and not at.is_shared):
            continue
        if at.is_shared or at.shared_under_way or owner.alone.key in several:
            chosen[item_id] = owner.shared
    return chosen


def without_crowded(owners: Mapping[K, Owner]) -> dict[K, Owner]:
    """These, each by itself where more names share its owner's key than one person has. One statement at most."""
    keys = {owner.key for owner in owners.values() if owner.shared is not None and owner.key is not None}
    crowded = contact_keys.crowded_among(keys)
    return {
        name: replace(owner, shared=None) if owner.key and (owner.key.kind, owner.key.value) in crowded else owner
        for name, owner in owners.items()
    }


def _beside(owners: Mapping[int, Owner], items: Sequence[Item]) -> dict[UUID, str]:
    """The run's other leads that may be these owners': id -> property id, _LOOKED_AT of a key at most.

    The item of each lead is asked for as a value, which leaves the planner only the index: as a join it read all items
    of the run for each owner where the table's statistics were older than the run, 3.5 ms an owner of 1,000 leads.
    """
    mine = [item for item in items if item.id in owners and owners[item.id].shared is not None]
    if not mine:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.id, l.property_id
              FROM (SELECT DISTINCT k.key_id
                      FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
                     WHERE k.lead_id = ANY(%s) AND k.role = %s AND NOT c.crowded) w
              CROSS JOIN LATERAL (
                    SELECT k.lead_id FROM leads_leadkey k
                     WHERE k.key_id = w.key_id
                       AND (SELECT i.id FROM enrichment_runitem i
                             WHERE i.lead_id = k.lead_id
                               AND i.run_id = (SELECT run_id FROM enrichment_runitem WHERE id = %s)) IS NOT NULL
                     ORDER BY k.lead_id LIMIT %s) o
              CROSS JOIN LATERAL (SELECT id, property_id FROM leads_lead WHERE id = o.lead_id LIMIT 1) l
            """,
            [[item.lead_id for item in mine], LeadKey.Role.OWNER, mine[0].id, _LOOKED_AT],
        )
        ours = {item.lead_id for item in items}
        return {lead_id: property_id for lead_id, property_id in cursor.fetchall() if lead_id not in ours}


def unfit(owners: Mapping[int, Owner], asked: Mapping[int, str], answers: Mapping[str, Owned]) -> set[int]:
    """The items that asked by the shared question and are answered of somebody else, or of nobody."""
    found = set()
    for item_id, key in asked.items():
        owner = owners.get(item_id)
        if owner is None or owner.shared is None or owner.shared.key != key or key not in answers:
            continue
        answer = answers[key].answer
        if not (answer.found and bears_name(answer.facts, owner.shared)):
            found.add(item_id)
    return found


def copies(
    owners: Mapping[int, Owner], asked: Mapping[int, str], answers: Mapping[str, Owned], *, others_may_come: bool
) -> list[Copy]:
    """Under which further questions these answers are owned, where the person bears the name.

    A shared one under each parcel's own: who asks about that parcel alone is served. A parcel's own under the shared
    one only while others_may_come: leads of the run whose owner is not known yet may be hers too.
    """
    made = {}
    for item_id, key in asked.items():
        owner, owned = owners.get(item_id), answers.get(key)
        if owner is None or owner.shared is None or owned is None or not owned.answer.found:
            continue
        if (key == owner.shared.key or others_may_come) and bears_name(owned.answer.facts, owner.shared):
            to = owner.alone.key if key == owner.shared.key else owner.shared.key
            made[to] = Copy(to, owned.answer.facts, owned.fetched_at)
    return [made[key] for key in sorted(made)]
