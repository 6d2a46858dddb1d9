"""What the commands that fill a bucket share: following the fill, or doing its work in this process."""

from __future__ import annotations

import threading
import time

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from buckets.filling.fills import continue_fill
from buckets.models import Fill
from common.commands.progress import LocalWorkers, Tick, follow
from common.db.clock import database_now

NOBODY_AFTER = 20.0  # seconds: beat rings for a fill every 10
LATER = "A worker saves the rest; bucket_status shows how far it is."


def add_following(parser: CommandParser) -> None:
    """`--wait` and `--here`."""
    parser.add_argument("--wait", action="store_true", help="Follow it until all ids are saved")
    parser.add_argument("--here", action="store_true", help="Save the ids in this process; needs no worker")


def follow_fill(fill: Fill, *, here: bool, out: OutputWrapper) -> None:
    """Until it is over. Raises CommandError where it failed or nobody works on it."""

    def work(stop: threading.Event) -> None:
        while continue_fill(fill.pk) and not stop.is_set():
            pass

    with LocalWorkers(*[work] if here else []) as local_workers:
        follow(_Watch(fill, local_workers).read, out=out, label="Saving ids")
    if fill.status == Fill.Status.FAILED:
        raise CommandError(f"It stopped after {fill.saved:,} ids: {fill.error} Bucket {fill.bucket_id}.")


class _Watch:
    """Looks at a fill, and says so when nobody works on it."""

    def __init__(self, fill: Fill, local_workers: LocalWorkers) -> None:
        self._fill, self._local_workers = fill, local_workers
        self._moved = time.monotonic()

    def read(self) -> Tick:
        fill = self._fill
        before = (fill.lease_until, fill.fetched, fill.attempts)
        fill.refresh_from_db()
        self._local_workers.check()
        now = database_now()
        waits = fill.not_before is not None and fill.not_before > now
        taken = fill.lease_until is not None and fill.lease_until > now
        if waits or taken or before != (fill.lease_until, fill.fetched, fill.attempts):
            self._moved = time.monotonic()
        over = fill.status in (Fill.Status.COMPLETED, Fill.Status.FAILED)
        if not over and time.monotonic() - self._moved > NOBODY_AFTER:
            raise CommandError(
                f"No worker is running: bucket {fill.bucket_id} is made, its ids wait. Start a worker, or use --here."
            )
        total = fill.found if fill.limit is None or fill.found is None else min(fill.limit, fill.found)
        return Tick(fill.fetched, total, fill.error, over)
