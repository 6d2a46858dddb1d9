"""What can be done to buckets: make, change, add ids, count anew. What fills them later: `buckets.filling`; deleting
them: `buckets.deleting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import JSONObject

from accounts.access import team_of
from accounts.audit import record
from accounts.models import Team, User
from buckets.locks import lock_bucket
from buckets.models import Bucket, BucketShare
from common.db.direct import with_commit
from leads.models import Lead
from leads.privacy.filtering import kept_in
from leads.querysets import ENRICHED
from leads.registries import QUEUES
from leads.services import insert_ids


class TeamFull(ValueError):
    """The team holds as much as it may; the words say of what, and how many."""


class BucketGone(Exception):
    """The bucket was deleted at the same moment, or is another team's."""


def create_bucket(
    *,
    by: User,
    name: str,
    team_id: int | None = None,
    property_ids: Sequence[str] = (),
    description: str = "",
    source: str = Bucket.Source.REAL_ESTATE,
    filters: Mapping[str, Any] | None = None,
    signals: Mapping[str, Any] | None = None,
) -> tuple[Bucket, int]:
    """Makes a bucket of these property ids (checked by the caller; duplicates allowed).

    team_id: whose it is; None: her own. Returns it and how many were new.
    """
    with transaction.atomic():
        bucket = Bucket(
            owner=by,
            team_id=team_id if team_id is not None else team_of(by),
            source=source,
            signals=dict(signals or {}),
        )
        _say(bucket, {"name": name, "description": description, "filters": dict(filters or {})})
        bucket.save(force_insert=True)
        inserted = add_ids(bucket=bucket, property_ids=property_ids)
        record(
            "bucket.created", by=by, team_id=bucket.team_id, about=bucket, name=bucket.name, after={"leads": inserted}
        )
    return bucket, inserted


def add_ids(*, bucket: Bucket, property_ids: Sequence[str]) -> int:
    """Saves property ids to a bucket. The same ids again are free and change nothing. Returns how many were new.

    Raises TeamFull.
    """
    with transaction.atomic():
        inserted = insert_ids(
            bucket_id=bucket.pk,
            owner_id=bucket.owner_id,
            team_id=bucket.team_id,
            property_ids=property_ids,
            source=bucket.source,
        )
        if inserted:
            check_room(bucket.team_id)
    bucket.refresh_from_db()
    return inserted


def check_room(team_id: int) -> None:
    """Raises TeamFull where the team holds more leads than it may: in the transaction that has just added some, which
    then adds none. By the buckets' counters; of several transactions at once each sees its own leads alone.
    """
    team = Team.objects.only("lead_limit").get(pk=team_id)
    most = settings.LEADS_MAX if team.lead_limit is None else team.lead_limit
    if (Bucket.objects.filter(team_id=team_id).aggregate(held=Sum("total_leads"))["held"] or 0) > most:
        raise TeamFull(f"Your team may hold {most:,} leads. Delete leads, or ask for more.")


def edit_bucket(*, bucket: Bucket, changes: Mapping[str, Any], by: User | None = None) -> Bucket:
    """Changes `name`, `description`, `filters` or `signals`."""
    said = {field: changes[field] for field in ("name", "description", "filters", "signals") if field in changes}
    changed = sorted(field for field in said if getattr(bucket, field) != said[field])
    with transaction.atomic():
        _say(bucket, said)
        bucket.save(update_fields=[*said, "updated_at"])
        if changed:
            after = {"fields": changed}
            record("bucket.changed", by=by, team_id=bucket.team_id, about=bucket, name=bucket.name, after=after)
    return bucket


def _say(bucket: Bucket, said: Mapping[str, Any]) -> None:
    """In the transaction that saves it: nobody who is forgotten is named again."""
    for field, value in said.items():
        setattr(bucket, field, kept_in(bucket, field, value))


def share_bucket(*, bucket: Bucket, team: Team, by: User) -> BucketShare:
    """Lets another team look into a bucket; a second time changes nothing. Raises ValueError for its own team."""
    if team.pk == bucket.team_id:
        raise ValueError("This is the bucket's own team.")
    with transaction.atomic():
        share, made = BucketShare.objects.get_or_create(bucket=bucket, team=team, defaults={"by": by})
        if made:
            shared = {"team": team.pk}
            record("bucket.shared", by=by, team_id=bucket.team_id, about=bucket, name=bucket.name, after=shared)
    return share


def unshare_bucket(*, bucket: Bucket, team_id: int, by: User) -> bool:
    """Takes the look into a bucket away. False: it was not shared with this team."""
    with transaction.atomic():
        gone, _ = BucketShare.objects.filter(bucket=bucket, team_id=team_id).delete()
        if gone:
            shared = {"team": team_id}
            record("bucket.shared", by=by, team_id=bucket.team_id, about=bucket, name=bucket.name, before=shared)
    return bool(gone)


def add_to_counters(
    bucket_id: UUID, deltas: Mapping[str, int], sets: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> None:
    """Adds to what is stored of a bucket, for who changes its leads: see `leads.counters`. With the commit, because
    those who change one bucket wait for each other.

    sets: what else of it changes, as in an UPDATE, with its values; `the_bucket` is its id. A deleted one stays.
    """
    every = ", ".join([*(f"{name} = {name} + %({name})s" for name in deltas), *sets])
    sql = (
        f"UPDATE buckets_bucket SET {every} WHERE id = %(the_bucket)s"  # noqa: S608  # our own columns
        " AND id NOT IN (SELECT bucket_id FROM leads_bucketdeletion) RETURNING 1"
    )
    with_commit((sql, {**deltas, **(values or {}), "the_bucket": bucket_id}))


def recount(*, bucket_ids: Sequence[UUID] | None = None, mend: bool = True) -> dict[UUID, dict[str, tuple[int, int]]]:
    """Counts leads anew. Returns {bucket: {counter: (stored, real)}} for what differs, and corrects it if `mend`."""
    wrong: dict[UUID, dict[str, tuple[int, int]]] = {}
    chosen = Bucket.objects.all() if bucket_ids is None else Bucket.objects.filter(pk__in=bucket_ids)
    for bucket_id in chosen.order_by("pk").values_list("pk", flat=True).iterator():
        if differences := _differences(bucket_id):
            wrong[bucket_id] = _mend(bucket_id) if mend else differences
    return wrong


def _mend(bucket_id: UUID) -> dict[str, tuple[int, int]]:
    """Corrects the counters, with everybody who changes them kept waiting meanwhile. Returns what differed."""
    with transaction.atomic():
        lock_bucket(bucket_id)
        differences = _differences(bucket_id)
        Bucket.objects.filter(pk=bucket_id).update(**{name: real for name, (_, real) in differences.items()})
    return differences


def _differences(bucket_id: UUID) -> dict[str, tuple[int, int]]:
    """Stored and real, of one moment: a statement sees leads and the counters that changed with them together."""
    waits = reduce(or_, map(Q, QUEUES), Q())
    counted = {
        "total_leads": Count("pk"),
        "enriched_leads": Count("pk", filter=ENRICHED),
        "queued_leads": Count("pk", filter=waits),
        "contacted_leads": Count("pk", filter=~Q(status="new")),
        "detailed_leads": Count("enriched_at"),
        "phone_leads": Count("phone"),
    }
    leads = Lead.objects.filter(bucket=OuterRef("pk")).order_by().values("bucket")
    real = Subquery(leads.annotate(real=JSONObject(**counted)).values("real"))
    row = Bucket.objects.filter(pk=bucket_id).values(*counted, real=real).first() or {}
    pairs = {name: (row[name], (row["real"] or {}).get(name, 0)) for name in counted if row}
    return {name: (stored, found) for name, (stored, found) in pairs.items() if stored != found}
