"""What the rooms above add to leads: each registers it in its `apps.ready()`, so that nothing here looks upwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, Expression, Q, QuerySet

from accounts.access import Access


@dataclass(frozen=True, slots=True)
class Judge:
    """Who says which leads may be contacted. The first four are conditions about a lead's row, made anew at each query
    (rules change); suppressed_since: since when, null where she is not.

    checked: a registry was looked at for the best phone, which is on none where `do_not_call` does not pass.

    usable: those of a lead's phones and e-mails that this team may use at this moment, by hand.
    """

    ready_to_call: Callable[[], Q]
    suppressed: Callable[[], Q]
    do_not_call: Callable[[], Q]
    checked: Callable[[], Q]
    suppressed_since: Callable[[], Expression]
    usable: Callable[[Any, Any], Collection[str]]


Writer = Callable[[UUID, Mapping[str, int]], None]
COUNTER_WRITERS: list[Writer] = []
KEEPERS: list[tuple[str, Exists]] = []
QUEUES: list[Exists] = []
MERGE_STOPPERS: list[Exists] = []
_buckets: list[Callable[[Any], QuerySet[Any]]] = []
OnSuppressed = Callable[[Collection[int], str], None]
_on_suppressed: list[OnSuppressed] = []
_judges: list[Judge] = []


def write_counters_with(writer: Writer) -> None:
    """Registers who adds deltas, by counter, to what is stored of a bucket, in the caller's transaction."""
    COUNTER_WRITERS.append(writer)


def keeps_lead(reason: str, condition: Exists) -> None:
    """Registers why a lead must stay when the import that added it is undone. `condition` is about a lead's `pk`."""
    KEEPERS.append((reason, condition))


def counts_as_queued(condition: Exists) -> None:
    """Registers what a lead waits in. `condition` is about a lead's `pk`."""
    QUEUES.append(condition)


def keeps_from_merging(condition: Exists) -> None:
    """Registers what must be over before a lead is merged with another. `condition` is about a lead's `pk`."""
    MERGE_STOPPERS.append(condition)


def find_buckets_with(buckets_of: Callable[[Any], QuerySet[Any]]) -> None:
    """Registers which buckets a person may see; the queryset tells those of other teams apart by `shared_with`."""
    _buckets.append(buckets_of)


def shared_buckets(access: Access) -> QuerySet[Any]:
    """The buckets that other teams share with hers."""
    rows: Any = _buckets[0](access)
    shared: QuerySet[Any] = rows.shared_with(access)
    return shared


def buckets_of(access: Access) -> QuerySet[Any]:
    """The buckets whose leads this person may see."""
    return _buckets[0](access)


LeadsGo = Callable[[Collection[UUID]], object]
_leads_go: list[LeadsGo] = []


def before_leads_go(callback: LeadsGo) -> None:
    """Registers what happens in the transaction that deletes leads, before it locks them: (their ids)."""
    _leads_go.append(callback)


def tell_leads_go(lead_ids: Collection[UUID]) -> None:
    """Calls what is registered."""
    for callback in _leads_go:
        callback(lead_ids)


LeadsMove = Callable[[Collection[UUID]], object]
_leads_move: list[LeadsMove] = []


def before_leads_move(callback: LeadsMove) -> None:
    """Registers what happens in the transaction that moves leads to other buckets, before it locks them: (their
    ids)."""
    _leads_move.append(callback)


def tell_leads_move(lead_ids: Collection[UUID]) -> None:
    """Calls what is registered."""
    for callback in _leads_move:
        callback(lead_ids)


def on_suppressed(callback: OnSuppressed) -> None:
    """Registers what happens in the transaction that suppresses keys, which holds them: (ids of keys, reason)."""
    _on_suppressed.append(callback)


def tell_suppressed(key_ids: Collection[int], reason: str) -> None:
    """Calls what is registered."""
    for callback in _on_suppressed:
        callback(key_ids, reason)


def judge_contacts_with(judge: Judge) -> None:
    """Registers who says which leads may be contacted; without one a lead's own columns are all there is."""
    _judges[:] = [judge]


def judge() -> Judge | None:
    """Who is registered."""
    return _judges[0] if _judges else None


@dataclass(frozen=True, slots=True)
class Talks:
    """Who knows what was said with a lead's owner. The first two are conditions about a lead's row; last_outcome: of
    these codes; outcomes: (code, words) of a team, to choose from.
    """

    new_replies: Callable[[], Q]
    last_outcome: Callable[[Sequence[str]], Q]
    outcomes: Callable[[int | None], list[tuple[str, str]]]


_talks: list[Talks] = []


def tell_talks_with(talks: Talks) -> None:
    """Registers who knows; without one nobody has replied, and no call has an outcome."""
    _talks[:] = [talks]


def talks() -> Talks | None:
    """Who is registered."""
    return _talks[0] if _talks else None
