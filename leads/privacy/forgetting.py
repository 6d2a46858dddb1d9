"""Forgetting a person: the preview, the first transaction, and the job that does the rest.

preview        counts alone: leads by team, purchased data, activities
forget_person  her hashes are written, and from then on nothing of her is stored; the file beside the database
continue_job   every place, row by row; may be killed at any point and run twice
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import record
from accounts.models import Team, User
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from leads.keys import key_secrets
from leads.keys.owner_keys import EMAIL, OWNER, PHONE
from leads.locks import lock_forgetting
from leads.models import Forgetting, Suppression
from leads.privacy import listing
from leads.privacy.finding import EVERYWHERE, Asked, Found, activities_of, find
from leads.privacy.listing import Line
from leads.privacy.places import Her, Piece, places
from leads.privacy.texts import Value

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=120)  # a piece takes less than a second
SECONDS = 45.0  # of one task, whose limit is 90
AGAIN = "leads again"
_KINDS = {PHONE: "phones", EMAIL: "emails", OWNER: "names"}


class NotTyped(ValueError):
    """What was typed to confirm is not the name (or the phone, the e-mail) that is to be forgotten."""


class MayNotForget(PermissionError):
    """Only operators and superusers forget people."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts of what would be blanked, and no contact. teams: (team's name, leads), the most first.

    several_names: the number or address stands beside several names, so that it goes and names stay.
    shared: phones and e-mails of theirs that several other owners have: they go from this person's leads alone.
    """

    teams: tuple[tuple[str, int], ...]
    leads: int
    lookups: int
    activities: int
    several_names: bool
    shared: int
    to_type: str


def preview(*, by: User, asked: Asked) -> Preview:
    """What forgetting this person would change. Raises MayNotForget."""
    _refuse_others(by)
    found = find(asked, within=EVERYWHERE)
    names = dict(Team.objects.filter(pk__in=found.teams).values_list("pk", "name"))
    teams = sorted(found.teams.items(), key=lambda team: (-team[1], team[0]))
    return Preview(
        tuple((names[pk], leads) for pk, leads in teams),
        len(found.leads),
        len(found.lookups),
        activities_of(found),
        found.several_names,
        len(found.shared),
        asked.to_type,
    )


def forget_person(*, by: User, asked: Asked, typed: str) -> Forgetting:
    """Forgets her from now on; the job blanks what there is. Raises NotTyped, MayNotForget.

    Nobody has to be found: who is not here yet stays out. Again, or twice at once, changes nothing more.
    """
    _refuse_others(by)
    if not asked.is_typed(typed):
        raise NotTyped("Type exactly what is to be forgotten.")
    found = find(asked, within=EVERYWHERE)
    with transaction.atomic():
        job = Forgetting.objects.create(by_id=by.pk)
        _suppress(job, found.values)
        record("person.forgotten", by=by, about=job, after=_counts(found))
        enqueue_on_commit("leads.forget", job_id=str(job.pk))
    if not transaction.get_connection().in_atomic_block:
        _keep_on_file(job)
    return job


def replay(lines: Iterable[Line]) -> Forgetting | None:
    """Forgets who stands on a list but is not known to be forgotten here: after a backup was restored. None: nobody.

    Raises OSError where FORGOTTEN_FILE cannot be written.
    """
    wanted = {(line.kind, line.digest): line for line in lines}
    listing.keep(wanted.values())  # the list of another host is this one's from here on, whoever is known here
    known = {(kind, bytes(one)) for kind, one in _erased().values_list("kind", "digest")}
    new = [line for key, line in wanted.items() if key not in known]
    if not new:
        return None
    with transaction.atomic():
        job = Forgetting.objects.create()
        _write(job, [(line.kind, line.digest, line.at) for line in new], None)
        record("person.forgotten", by=None, about=job, name="replayed", after={"keys": len(new)})
        enqueue_on_commit("leads.forget", job_id=str(job.pk))
    return job


def may_forget(user: User) -> bool:
    return user.is_active and (user.is_superuser or user.is_operator)


def _refuse_others(by: User) -> None:
    if not may_forget(by):
        raise MayNotForget("Only operators and superusers can forget a person.")


def _counts(found: Found) -> dict[str, int]:
    kinds = {name: sum(one == kind for one, _ in found.values) for kind, name in _KINDS.items()}
    return {"leads": len(found.leads), "teams": len(found.teams), "lookups": len(found.lookups), **kinds}


def _suppress(job: Forgetting, values: set[Value]) -> None:
    secret, now = key_secrets.listed()[0], timezone.now()
    _write(job, [(kind, key_secrets.digest(secret, kind, value), now) for kind, value in values], job.by_id)


def _write(job: Forgetting, keys: Iterable[tuple[int, bytes, datetime]], by_id: int | None) -> None:
    Suppression.objects.bulk_create(
        [
            Suppression(
                id=uuid7(), kind=kind, digest=digest, reason=Suppression.Reason.ERASED, source=job.source, by_id=by_id,
                created_at=at,
            )
            for kind, digest, at in sorted(keys, key=lambda key: (key[0], key[1]))
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _erased() -> QuerySet[Suppression]:
    return Suppression.objects.filter(reason=Suppression.Reason.ERASED)


# --- The job ---------------------------------------------------------------------------------------------------------


def open_jobs() -> list[UUID]:
    return list(Forgetting.objects.filter(status="running").free().order_by("pk").values_list("pk", flat=True))


def continue_job(job_id: UUID, *, seconds: float = SECONDS) -> bool:
    """Takes the job and does its next pieces. Returns whether some are left.

    1. The file beside the database, first: what it cannot hold is said on the job, and tried again.
    2. Waits for transactions that may not have seen her hashes: what they store is found by the search.
    3. Every place, a piece a transaction.
    """
    jobs = Forgetting.objects.filter(pk=job_id, status="running")
    if not jobs.take(LEASE):
        return False
    until = time.monotonic() + seconds
    job: Forgetting | None = jobs.first()
    try:
        while job is not None and time.monotonic() < until:
            job = _step(job)
    finally:
        jobs.update(lease_until=None)
    return jobs.exists()


def _step(job: Forgetting) -> Forgetting | None:
    """One piece. None: the job is done, or has to wait."""
    if not job.place and job.barrier is None:  # not each time it has waited
        try:
            _keep_on_file(job)
        except OSError as error:
            log.error("The forgotten list cannot be written: %s", type(error).__name__)
            Forgetting.objects.filter(pk=job.pk).update(error="The forgotten list (FORGOTTEN_FILE) cannot be written")
            return None
    names = list(places())
    with transaction.atomic():
        held = lock_forgetting(job.pk)
        if held is None or (held.place, held.after) != (job.place, job.after):
            return held  # another worker has done this piece
        rows = Suppression.objects.filter(source=held.source).values_list("kind", "digest")
        her = Her(((kind, bytes(one)) for kind, one in rows), since=held.created_at)
        place = held.place or names[0]
        if held.barrier is None:
            held.barrier = _now_under_way()[1]
        if _now_under_way()[0] < held.barrier:
            held.save(update_fields=["barrier"])
            waits = True
        else:
            waits = False
            _move(held, names, place, places()[place](held.after, her))
    if waits:
        time.sleep(0.2)
        return held
    return held if held.status == "running" else None


def _move(job: Forgetting, names: list[str], place: str, piece: Piece) -> None:
    job.looked_at += piece.looked_at
    job.changed = {**job.changed, place: job.changed.get(place, 0) + piece.changed}
    job.place, job.after, job.error = place, piece.after or "", ""
    if piece.after is None:
        rest = names[names.index(place) + 1 :] if place in names else []
        job.place = rest[0] if rest else place
        job.barrier = None if job.place == AGAIN else job.barrier  # copies of leads that were under way
        job.status = job.Status.RUNNING if rest else job.Status.COMPLETED
    job.lease_until = timezone.now() + LEASE
    job.save()


def _keep_on_file(job: Forgetting) -> None:
    rows = Suppression.objects.filter(source=job.source).order_by("pk").values_list("kind", "digest", "created_at")
    listing.keep(Line(kind, bytes(one), at) for kind, one, at in rows)


def _now_under_way() -> tuple[int, int]:
    """The oldest other transaction of this database that is under way and may write (else the next one's number), and
    that number. Others that the server has are none of ours, and may be long.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_snapshot_xmax(s)::text::bigint - coalesce((
                       SELECT max(age(a.backend_xid)) FROM pg_stat_activity a
                        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()), 0),
                   pg_snapshot_xmax(s)::text::bigint
              FROM pg_current_snapshot() s
            """
        )
        oldest, following = cursor.fetchone()
    return oldest, following
