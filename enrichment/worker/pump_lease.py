"""The pumps of each worker host: which have their lease, and which host has to start one.

A worker host is a Celery worker, by the name that each has for itself alone. So many pumps a stage and host
(`settings.PUMPS_PER_STAGE`), because one process keeps one core busy; those of a stage without work are lent to one
that has some, the latest first, which finishes leads: with details bought, or without Apollo, a core would idle.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from common.db.clock import CLOCK, database_now
from common.db.direct import kept
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit, enqueue_to_worker
from enrichment.models import FOR_EVER, PumpLease, Run, RunItem

ALIVE = timedelta(minutes=1)  # since a worker's last sign of life; it is asked for one every ten seconds
KNOWN = timedelta(hours=1)  # a worker that was silent so long is forgotten, and makes itself known when it starts
STAGES = [stage for stage in RunItem.Stage.values if stage != RunItem.Stage.DONE]


def here() -> str:
    """The name of a process that pumps by itself, without Celery: `--here`, tests."""
    return f"{socket.gethostname()}:{os.getpid()}"


def acquire(stage: int, host: str) -> UUID | None:
    """Takes the lease of a new pump of this host. None: as many as it may have are at work."""
    numbers = range(1, _wanted().get(stage, settings.PUMPS_PER_STAGE) + 1)
    PumpLease.objects.bulk_create(
        [PumpLease(stage=stage, host=host, number=number) for number in numbers], ignore_conflicts=True
    )
    token = uuid7()
    for number in numbers:
        row = PumpLease.objects.filter(stage=stage, host=host, number=number)
        if row.take(_lease(), token=token, beat_at=CLOCK):
            return token
    return None


def _lease() -> timedelta:
    return timedelta(seconds=settings.PUMP_LEASE_SECONDS)


def keep(stage: int, token: UUID) -> bool:
    """Renews the lease of a pump. False: another pump has taken it, because this one was late, or it was lent by a
    stage that has work again.
    """
    now, most = database_now(), _wanted().get(stage, settings.PUMPS_PER_STAGE)
    row = PumpLease.objects.filter(stage=stage, token=token, number__lte=most)
    return bool(row.update(lease_until=now + _lease(), beat_at=now))


def leave(stage: int, token: UUID) -> None:
    """Frees the lease of a pump that ends, unless another pump has taken it."""
    PumpLease.objects.filter(stage=stage, token=token).update(token=None, lease_until=None)


def beat(host: str = "") -> None:
    """Notes that a worker is alive, with work or without: in its row of stage DONE, which has no pump."""
    PumpLease.objects.update_or_create(
        stage=RunItem.Stage.DONE, host=host, number=1, defaults={"beat_at": database_now()}
    )


def ask_other_workers(host: str) -> None:
    """Asks every other known worker for a sign of life; those that have been silent for long are forgotten."""
    now = database_now()
    PumpLease.objects.free(now).filter(beat_at__lt=now - KNOWN).delete()
    rows = PumpLease.objects.filter(stage=RunItem.Stage.DONE).exclude(host__in=["", host])
    for other in rows.values_list("host", flat=True):
        enqueue_to_worker(other, "enrichment.alive")


def has_work(stage: int) -> bool:
    """Whether a stage is one of `stages_with_work`."""
    return stage in stages_with_work()


def stages_with_work() -> list[int]:
    """At which stages an active run, of a user who is switched on, has an item that does not wait for a person's
    decision. An item that a worker has counts as well: its worker may have died.

    "BETWEEN" and the order leave the planner only the two indexes of these: by equality it read all items of the runs.
    """
    found = kept(
        """
        SELECT s.stage FROM unnest(%(stages)s::smallint[]) AS s(stage) WHERE EXISTS (
               SELECT FROM enrichment_run r JOIN accounts_user a ON a.id = r.owner_id AND a.is_active
                WHERE r.status = ANY(%(active)s)
                  AND ((SELECT i.stage FROM enrichment_runitem i
                         WHERE i.run_id = r.id AND i.stage BETWEEN s.stage AND s.stage
                           AND i.token IS NULL AND i.stage <> 0
                         ORDER BY i.stage LIMIT 1) IS NOT NULL
                    OR (SELECT i.stage FROM enrichment_runitem i
                         WHERE i.run_id = r.id AND i.stage BETWEEN s.stage AND s.stage
                           AND i.token IS NOT NULL AND i.lease_until <= clock_timestamp() + %(decided)s
                         ORDER BY i.stage LIMIT 1) IS NOT NULL))
         ORDER BY 1
        """,
        {"stages": STAGES, "active": [str(status) for status in Run.ACTIVE], "decided": FOR_EVER / 2},
    )
    return [stage for (stage,) in found]


def wake_if_idle(stage: int) -> bool:
    """Where a stage has work, enqueues the pumps that each worker host lacks. Returns whether all have them now."""
    wanted = _wanted().get(stage, 0)
    if not wanted:
        return False
    for host, number in _lacking(stage, wanted).items():
        for _ in range(number):
            if host:
                enqueue_to_worker(host, "enrichment.pump", stage=stage)
            else:
                enqueue_on_commit("enrichment.pump", stage=stage)
    return True


def _wanted() -> dict[int, int]:
    """How many pumps each stage that has work is to have on a host: its own, and up to as many of a stage without."""
    each, at_work = settings.PUMPS_PER_STAGE, stages_with_work()
    lent = (len(STAGES) - len(at_work)) * each
    wanted = {}
    for stage in reversed(at_work):
        wanted[stage] = each + min(each, lent)
        lent -= wanted[stage] - each
    return wanted


def _lacking(stage: int, wanted: int) -> dict[str, int]:
    """How many pumps of a stage each worker host lacks, where it lacks any. "": no host is known; one, anywhere."""
    at_work = list(PumpLease.objects.taken().filter(stage=stage).values_list("host", flat=True))
    beats = PumpLease.objects.exclude(host="").values("host").annotate(last=Max("beat_at"))
    announced = PumpLease.objects.filter(stage=RunItem.Stage.DONE).values("host")
    hosts = beats.filter(last__gt=database_now() - ALIVE, host__in=announced).values_list("host", flat=True)
    lacking = {host: wanted - at_work.count(host) for host in hosts}
    if not lacking and not at_work:
        return {"": 1}
    return {host: number for host, number in lacking.items() if number > 0}
