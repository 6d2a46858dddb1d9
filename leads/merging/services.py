"""Merging leads of a bucket that turn out to be one property, and separating them again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q
from redis.exceptions import RedisError

from accounts import audit
from accounts.models import User
from common.db.clock import database_now
from common.faultpoints import commit
from leads.counters import change_counters
from leads.keys import contact_keys
from leads.keys.owner_keys import READ
from leads.locks import hold_bucket, lock_leads_to_merge
from leads.merging.pairs import Pair, busy, changed_buckets, named_buckets, not_busy, pairs_of
from leads.merging.rows import Deltas, join, part, relatives, sum_of
from leads.merging.table import Merge
from leads.models import Lead

log = logging.getLogger(__name__)
SWEEP_SECONDS = 20.0  # of one sweep, which beat asks for every minute: no worker is kept from other work for long
# A bucket with a lead that came or changed so lately is looked through by each sweep. What is older than that when a
# sweep comes late, or changes no lead (names that others' purchases teach), is found once its bucket's time is over.
LATELY = timedelta(minutes=5)
SETTLED = 3600  # seconds at most that a bucket in which nothing is one property is left alone
_SETTLED = "merges-settled:%s"


class NotMerged(Exception):
    """The lead stands for no other one, and no other one stands for it."""


def sweep(seconds: float = SWEEP_SECONDS) -> int:
    """Merges what is one property in any bucket, for so many seconds. Returns how many leads were merged.

    In no order: where the time is too short for all buckets, the next sweep comes to others.
    """
    deadline, merges = time.monotonic() + seconds, 0
    buckets = _unsettled(named_buckets())
    random.shuffle(buckets)
    for bucket_id in buckets:
        if time.monotonic() >= deadline:
            break
        looked = _look(bucket_id, deadline)
        merges += looked.merges
        if not looked.pairs:
            _settle(bucket_id)
    return merges


def merge_bucket(bucket_id: UUID) -> int:
    """Merges its leads that are one property; returns how many. Killed in between, the rest is done later."""
    return _look(bucket_id).merges


class _Looked(NamedTuple):
    pairs: int  # those that wait for a vendor too
    merges: int


def _look(bucket_id: UUID, deadline: float | None = None) -> _Looked:
    """deadline: by `time.monotonic`, after which no further pair is begun."""
    merges, pairs = 0, pairs_of(bucket_id)
    for pair in not_busy(pairs):
        if deadline is not None and time.monotonic() >= deadline:
            break
        merges += _merge(bucket_id, pair)
    return _Looked(len(pairs), merges)


def _unsettled(buckets: list[UUID]) -> list[UUID]:
    """Those of these buckets that are to be looked through now; all of them where Redis is away."""
    try:
        settled = cache.get_many([_SETTLED % bucket_id for bucket_id in buckets])
    except RedisError as error:
        log.warning("Redis is away (%s): every bucket is looked through", type(error).__name__)
        return buckets
    changed = changed_buckets(LATELY) if settled else set[UUID]()
    return [one for one in buckets if one in changed or _SETTLED % one not in settled]


def _settle(bucket_id: UUID) -> None:
    """Leaves a bucket alone, each for a time of its own: not all are looked through in the same minute again."""
    with suppress(RedisError):
        cache.set(_SETTLED % bucket_id, 1, timeout=random.randint(SETTLED // 2, SETTLED))  # noqa: S311


def _merge(bucket_id: UUID, pair: Pair) -> bool:
    """Merges one pair, in a transaction of its own, if all that tells so still holds.

    1. Holds the bucket, then locks both leads and all that are merged into them, in the order of their ids.
    2. Looks again: both are shown, nothing is to come from a vendor, no person keeps them apart, they are one property.
    3. Those that the younger stood for are merged into the older as well: there is never a chain.
    """
    with commit("leads.merge"):
        hold_bucket(bucket_id)
        ids = relatives([pair.older, pair.younger])
        keys = keys_before(ids, to_merge=True)
        leads = {lead.pk: lead for lead in lock_leads_to_merge(ids)}
        older, younger = leads.get(pair.older), leads.get(pair.younger)
        if older is None or younger is None or older.merged_into_id or younger.merged_into_id:
            return False
        if busy(ids) or _kept_apart(ids) or pair not in pairs_of(bucket_id, [pair.older, pair.younger]):
            return False
        deltas, behind = [], _records(younger.pk)
        for record in reversed(behind):
            deltas.append(part(record, younger, leads[record.younger_id]))
            record.delete()
        deltas.append(join(older, younger, why=pair.why, at=database_now()))
        deltas += [join(older, leads[one.younger_id], why=one.why, at=database_now()) for one in behind]
        contact_keys.relink(ids, keys)
        after = {"merged": [younger.pk, *(one.younger_id for one in behind)], "why": pair.why}
        audit.record("leads.merged", by=None, team_id=older.team_id, about=older, after=after)
        change_counters(bucket_id, **sum_of(*deltas))
    return True


def keys_before(lead_ids: Sequence[UUID], *, to_merge: bool = False) -> contact_keys.Ids:
    """Holds the keys that leads may have once they are merged (to_merge: all of them) or taken apart. Before they are
    locked.

    lead_ids: with all their relatives. The lead that is shown takes the contacts of those merged into it, and gets back
    its own.
    """
    families: dict[UUID, dict[UUID, dict[str, Any]]] = {}
    for row in Lead.every.filter(pk__in=lead_ids).order_by("pk").values("pk", "merged_into_id", *READ):
        lead_id, older = row.pop("pk"), row.pop("merged_into_id")
        families.setdefault(lead_ids[0] if to_merge else older or lead_id, {})[lead_id] = row
    changes: dict[UUID, dict[str, Any]] = {}
    for family in families.values():
        if len(family) > 1:
            whole = {n: value for row in family.values() for n, value in row.items() if value is not None}
            changes |= {lead_id: dict(whole) for lead_id in family}
    for record in Merge.objects.filter(older__in=changes, state=Merge.State.MERGED).order_by("-merged_at"):
        changes[record.older_id] |= {name: value for name, value in record.before.items() if name in READ}
    return contact_keys.prepare(changes)


def _kept_apart(ids: Sequence[UUID]) -> bool:
    return Merge.objects.filter(state=Merge.State.APART, older__in=ids, younger__in=ids).exists()


def _records(older_id: UUID) -> list[Merge]:
    """What is merged into a lead, the first first."""
    return list(Merge.objects.filter(older=older_id, state=Merge.State.MERGED).order_by("merged_at", "pk"))


def merges_of(lead: Lead) -> list[Merge]:
    """What is merged into this lead, with the hidden leads, the first first."""
    rows = Merge.objects.filter(older=lead, state=Merge.State.MERGED).order_by("merged_at", "pk")
    hidden = Lead.every.in_bulk([record.younger_id for record in rows])
    for record in rows:
        record.younger = hidden[record.younger_id]
    return list(rows)


def separate(*, lead: Lead, by: User) -> list[UUID]:
    """Makes a lead and those merged into it leads of their own again; of a hidden one, this one alone.

    They are not merged again by themselves. Returns the ids of those that are shown again. Raises NotMerged. Marks that
    keep people from being called stay on all.
    """
    with commit("leads.separate"):
        hold_bucket(lead.bucket_id)
        ids = relatives([lead.pk])
        keys = keys_before(ids)
        leads = {one.pk: one for one in lock_leads_to_merge(ids)}
        wanted = [pk for pk, one in leads.items() if one.merged_into_id and lead.pk in (pk, one.merged_into_id)]
        if not wanted:
            raise NotMerged
        deltas = part_locked(leads, wanted)
        Merge.objects.filter(younger__in=wanted, state=Merge.State.MERGED).update(
            state=Merge.State.APART, parted_at=database_now(), parted_by=by
        )
        contact_keys.relink(ids, keys)
        after = {"separated": sorted(wanted)}
        audit.record("leads.separated", by=by, team_id=lead.team_id, about=lead, after=after)
        change_counters(leads[wanted[0]].bucket_id, **deltas)  # it may have been moved since `lead` was read
    return sorted(wanted)


def part_locked(leads: dict[UUID, Lead], wanted: Sequence[UUID]) -> Deltas:
    """Shows these hidden leads again, in the caller's transaction, which holds their bucket and all their relatives
    (`leads`, locked). Returns what the counters change by, to be written last. The records of them stay.

    Of several that are merged into one lead, those merged later are taken off before and put back after.
    """
    deltas = []
    for older_id in sorted({into for pk in wanted if (into := leads[pk].merged_into_id) is not None}):
        records, again = _records(older_id), []
        left = {pk for pk in wanted if leads[pk].merged_into_id == older_id}
        while left:
            record = records.pop()
            deltas.append(part(record, leads[older_id], leads[record.younger_id]))
            if record.younger_id in left:
                left.remove(record.younger_id)
            else:
                again.append(record)
        older = leads[older_id]
        deltas += [join(older, leads[one.younger_id], why=one.why, at=one.merged_at) for one in reversed(again)]
    return sum_of(*deltas)


def part_all(lead_ids: Sequence[UUID], keys: contact_keys.Ids) -> Deltas:
    """Undoes every merge of these leads before some of them are deleted, in the caller's transaction, which holds their
    bucket and has locked them with all their relatives. Returns what the counters change by, to be written last. keys:
    of `keys_before`.

    Those that stay are merged again by the next sweep.
    """
    leads = {one.pk: one for one in Lead.every.filter(pk__in=relatives(list(lead_ids)))}
    about = set(lead_ids)
    wanted = [pk for pk, one in leads.items() if one.merged_into_id and about & {pk, one.merged_into_id}]
    if not wanted:
        return {}
    apart = {*wanted, *(into for pk in wanted if (into := leads[pk].merged_into_id))}
    deltas = part_locked(leads, wanted)
    Merge.objects.filter(Q(younger__in=wanted), state=Merge.State.MERGED).delete()
    contact_keys.relink(apart, keys)
    return deltas
