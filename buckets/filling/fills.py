"""What saves ids into buckets in the background: all that a search finds, or a combination of other buckets. Free.

A fill's stack says what is left. It changes in the transaction that stores the ids it drops: a worker that dies loses
nothing, and two workers at once store nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.access import team_of
from accounts.models import User
from accounts.webhooks import emit
from buckets.filling import algebra
from buckets.filling.algebra import NAME_MAX, SetError, Sets, check_sets, copy_piece, in_words
from buckets.locks import lock_fill
from buckets.models import Bucket, Fill
from buckets.rules import IDS_PER_REQUEST, Slice, halves
from buckets.services import BucketGone, check_room, create_bucket
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from common.faultpoints import commit
from common.values.backoff import backoff
from integrations import services as vendors
from integrations.vendors.errors import Category
from leads.locks import hold_bucket
from leads.services import insert_ids

FILL_LEASE = timedelta(seconds=90)
FIRST_WAIT = timedelta(seconds=2)
MAX_ATTEMPTS = 8  # with waits that double: about four minutes of a vendor that is away
AT_ONCE = 10_000  # leads of a combination in one transaction, the first within the maker's request
DESCRIPTION_MAX = 2000


class _Overtaken(Exception):
    """Another worker has gone on with the fill since, or its bucket is gone: nothing of ours may be written."""


def create_bucket_from_search(
    *, by: User, name: str, criteria: Mapping[str, Any], limit: int | None = None, **options: Any
) -> tuple[Bucket, Fill]:
    """Makes an empty bucket and has a worker save what the search finds into it. `options` as for `create_bucket`."""
    with transaction.atomic():
        bucket, _ = create_bucket(by=by, name=name, **({"filters": criteria} | options))
        return bucket, start_fill(bucket=bucket, criteria=criteria, limit=limit)


def start_fill(
    *, bucket: Bucket, criteria: Mapping[str, Any], limit: int | None = None, once: UUID | None = None
) -> Fill:
    """Has a worker save everything a search finds into the bucket, by free ids, in the background."""
    slices = [Slice(dict(criteria)).as_json()]
    fill = Fill.objects.create(bucket=bucket, criteria=dict(criteria), limit=limit, pending_slices=slices, once=once)
    enqueue_on_commit("buckets.fill", fill_id=str(fill.pk))
    return fill


def save_search(
    *,
    by: User,
    criteria: Mapping[str, Any],
    press: UUID,
    bucket: Bucket | None = None,
    name: str = "",
    limit: int | None = None,
    team_id: int | None = None,
) -> Fill:
    """Saves what a search finds to a bucket of this team (None: her own), or to a new one called `name`.

    Raises BucketGone. press: as for `combine`.
    """
    team_id = team_id if team_id is not None else team_of(by)
    if bucket is not None and bucket.team_id != team_id:
        raise BucketGone

    def make(once: UUID | None) -> Fill:
        into = bucket or create_bucket(by=by, name=name, filters=criteria, team_id=team_id)[0]
        return start_fill(bucket=into, criteria=criteria, limit=limit, once=once)

    try:
        return _once(team_id, press, [by.pk, criteria, str(bucket.pk) if bucket else name, limit], make)
    except IntegrityError as error:
        raise BucketGone from error


def combine(*, by: User, name: str, sets: Sets, press: UUID | None = None, team_id: int | None = None) -> Fill:
    """Makes a bucket of the properties of an expression over a team's buckets (None: her own), for $0. Raises SetError.

    Up to AT_ONCE leads are there when it returns; a worker copies the rest, as the buckets are then. press: names the
    press of the button. The same press with the same wishes makes one bucket, however often and closely it comes.
    """
    if not 1 <= len(name.strip()) <= NAME_MAX:
        raise SetError("INVALID", f"A bucket's name has 1 to {NAME_MAX} characters.", "name")

    team_id = team_id if team_id is not None else team_of(by)

    def make(once: UUID | None) -> Fill:
        names = check_sets(team_id=team_id, sets=sets)
        words = in_words(sets, names)[:DESCRIPTION_MAX]
        bucket, _ = create_bucket(by=by, name=name.strip(), description=words, team_id=team_id)
        fill = _copies(bucket, sets, once)
        if not fill.fetched:
            raise SetError("EMPTY", f"No property is in this combination: no bucket was made.{_left_out(fill)}")
        return fill

    return _once(team_id, press, [by.pk, name, sets.as_json()], make)


def _left_out(fill: Fill) -> str:
    """How many leads were left out because nobody is sure, as a sentence to add; "" where there were none."""
    if not fill.left_out:
        return ""
    return f" {fill.left_out:,} {'was' if fill.left_out == 1 else 'were'} left out as possibly the same."


def duplicate(*, bucket: Bucket, name: str = "", press: UUID | None = None, by: User | None = None) -> Fill:
    """Makes another bucket of the same property ids in the same team, for $0. As `combine`, but it may be empty.

    by: who asks, by default the owner of the first.
    What people did with the leads stays in the first; facts that were bought serve the copy for $0 while fresh.
    """
    sets, title = Sets(all_of=(bucket.pk,)), (name or f"Copy of {bucket.name}")[:NAME_MAX]
    maker = by or bucket.owner
    kept = {part: getattr(bucket, part) for part in ("description", "source", "filters", "signals")}

    def make(once: UUID | None) -> Fill:
        check_sets(team_id=bucket.team_id, sets=sets)
        copy, _ = create_bucket(by=maker, name=title, team_id=bucket.team_id, **kept)
        return _copies(copy, sets, once)

    return _once(bucket.team_id, press, [maker.pk, title, sets.as_json()], make)


def _copies(bucket: Bucket, sets: Sets, once: UUID | None) -> Fill:
    """A fill of the bucket with the first leads of the expression; a worker copies the others."""
    parts = [{"part": part, "after": None} for part in reversed(range(sets.parts))]
    fill = Fill.objects.create(bucket=bucket, sets=sets.as_json(), pending_slices=parts, once=once)
    while fill.pending_slices and fill.fetched < AT_ONCE:
        _copy(fill)
    if fill.pending_slices:
        enqueue_on_commit("buckets.fill", fill_id=str(fill.pk))
    bucket.refresh_from_db()
    return fill


def _once(team_id: int, press: UUID | None, wishes: Sequence[Any], make: Callable[[UUID | None], Fill]) -> Fill:
    """What `make` makes in one transaction; what it made before for the same press with the same wishes.

    Of two at the same moment, the fill's unique `once` undoes the later with all that it made.
    """
    once = press and uuid5(press, json.dumps([team_id, *wishes], sort_keys=True))
    mine = Fill.objects.filter(once=once, bucket__team=team_id).select_related("bucket")
    if once and (fill := mine.first()):
        return fill
    try:
        with transaction.atomic():
            return make(once)
    except IntegrityError:
        if once and (fill := mine.first()):
            return fill
        raise


def continue_fill(fill_id: UUID) -> bool:
    """Works on a fill for one lease, unless another worker has it. Returns whether there is more to do."""
    fill = _take(fill_id)
    if fill is None:
        return False
    deadline = database_now() + timedelta(seconds=settings.PUMP_SECONDS)
    try:
        while fill.pending_slices and database_now() < deadline:
            _next_slice(fill)
    except vendors.NotNow as refusal:
        _postpone(fill, refusal)
        return False
    except _Overtaken:
        return False
    except ValueError as unaskable:  # also TooManyAlike, SetError, TeamFull
        _fail(fill, str(unaskable))
        return False
    Fill.objects.filter(pk=fill.pk).update(lease_until=None)
    return bool(fill.pending_slices)


def _take(fill_id: UUID) -> Fill | None:
    due = Fill.objects.due().filter(pk=fill_id, status__in=[Fill.Status.QUEUED, Fill.Status.RUNNING])
    if not due.take(FILL_LEASE, status=Fill.Status.RUNNING):
        return None
    return Fill.objects.select_related("bucket").filter(pk=fill_id).first()


def _next_slice(fill: Fill) -> None:
    """Saves what is on top of the stack, or cuts it. The stack changes with the leads, or not at all."""
    if fill.sets is not None:
        _copy(fill)
        return
    top = Slice.from_json(fill.pending_slices[-1])
    rest = fill.pending_slices[:-1]
    user_id = fill.bucket.owner_id
    count = vendors.count_properties(top.request(), user_id=user_id, by_worker=True)
    found = count if fill.found is None else fill.found
    if count > IDS_PER_REQUEST:
        parts = [part.as_json() for part in reversed(halves(top))]
        _store(fill, stack=[*rest, *parts], ids=[], found=found)
        return
    ids = vendors.property_ids(top.request(), user_id=user_id, by_worker=True).ids if count else ()
    if fill.limit is not None:
        ids = ids[: max(fill.limit - fill.fetched, 0)]
        rest = rest if fill.fetched + len(ids) < fill.limit else []
    _store(fill, stack=rest, ids=ids, found=found)


def _store(fill: Fill, *, stack: list[Any], ids: Sequence[str], found: int) -> None:
    with _storing(fill) as mine:
        if ids:
            bucket = fill.bucket
            mine.saved += insert_ids(
                bucket_id=bucket.pk,
                owner_id=bucket.owner_id,
                team_id=bucket.team_id,
                property_ids=ids,
                source=bucket.source,
            )
            check_room(bucket.team_id)
        mine.pending_slices, mine.found = stack, found
        mine.fetched += len(ids)


def _copy(fill: Fill) -> None:
    """Copies the next leads of a combination; a part that has no more is done."""
    sets, top, rest = Sets.from_json(fill.sets or {}), fill.pending_slices[-1], fill.pending_slices[:-1]
    found = algebra.count(sets) if fill.lease_until and fill.found is None else fill.found
    left_out = fill.left_out if fill.fetched else algebra.count_left_out(sets)
    with _storing(fill) as mine:
        after = UUID(top["after"]) if top["after"] else None
        copied = copy_piece(bucket=fill.bucket, sets=sets, part=top["part"], after=after, most=AT_ONCE)
        more = [] if copied.leads < AT_ONCE else [top | {"after": str(copied.last)}]
        if copied.saved:
            check_room(fill.bucket.team_id)
        mine.fetched += copied.leads
        mine.saved += copied.saved
        mine.left_out = left_out
        mine.pending_slices = [*rest, *more]
        mine.found = found if mine.pending_slices else mine.fetched


@contextmanager
def _storing(fill: Fill) -> Iterator[Fill]:
    """The fill's row, held, to be changed with the leads in one transaction. Raises _Overtaken."""
    with commit("fill.store"):
        hold_bucket(fill.bucket_id)
        mine = lock_fill(fill.pk, pending_slices=fill.pending_slices)
        if mine is None:
            raise _Overtaken
        yield mine
        mine.attempts, mine.error = 0, ""
        mine.status = Fill.Status.RUNNING if mine.pending_slices else Fill.Status.COMPLETED
        mine.lease_until = fill.lease_until and database_now() + FILL_LEASE
        mine.save()
        if mine.status == Fill.Status.COMPLETED:
            told = {"bucketId": str(mine.bucket_id), "fillId": str(mine.pk), "found": mine.found, "saved": mine.saved}
            emit("bucket.filled", team_id=fill.bucket.team_id, object_id=mine.bucket_id, data=told)
            enqueue_on_commit("leads.merge_bucket", bucket_id=str(mine.bucket_id))
    mine.bucket = fill.bucket
    fill.__dict__.update(mine.__dict__)


def _postpone(fill: Fill, refusal: vendors.NotNow) -> None:
    attempts = fill.attempts + 1
    if refusal.category in (Category.AUTH_ERROR, Category.INVALID_DATA) or attempts >= MAX_ATTEMPTS:
        _fail(fill, f"{refusal.category}: {refusal.reason}")
        return
    Fill.objects.filter(pk=fill.pk).update(
        attempts=attempts,
        lease_until=None,
        not_before=database_now() + backoff(attempts, first=FIRST_WAIT),
        error=f"{refusal.category}: {refusal.reason}"[:300],
    )


def _fail(fill: Fill, reason: str) -> None:
    Fill.objects.filter(pk=fill.pk).update(status=Fill.Status.FAILED, lease_until=None, error=reason[:300])


def retry_fill(*, fill: Fill) -> Fill:
    """Goes on with a fill that failed, where it stopped."""
    if Fill.objects.filter(pk=fill.pk, status=Fill.Status.FAILED).update(
        status=Fill.Status.QUEUED, attempts=0, not_before=None, error=""
    ):
        enqueue_on_commit("buckets.fill", fill_id=str(fill.pk))
    fill.refresh_from_db()
    return fill


def open_fills() -> list[UUID]:
    """Fills with work that no worker has and that are due."""
    rows = Fill.objects.free().due().filter(status__in=[Fill.Status.QUEUED, Fill.Status.RUNNING])
    return list(rows.values_list("pk", flat=True))
