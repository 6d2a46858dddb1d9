"""Files to import, and working one off as a worker would."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import timedelta

from buckets.imports import services
from buckets.models import Bucket, Import
from common.db.clock import database_now

HEADER = ("Address", "City", "State", "Zip", "Owner", "Phone")


def csv_of(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def homes(count: int, first: int = 1) -> list[list[str]]:
    """Addresses that differ by their house number."""
    return [[f"{first + n} Main St", "Elk Grove", "CA", "95757", "Ann Lee", "916-555-0123"] for n in range(count)]


def uploaded(bucket: Bucket, content: bytes, name: str = "list.csv") -> Import:
    return services.upload(bucket=bucket, file=io.BytesIO(content), name=name)


def work(job: Import) -> Import:
    """One worker after another until nothing is left."""
    while services.continue_import(job.pk):
        pass
    job.refresh_from_db()
    return job


def imported(bucket: Bucket, content: bytes) -> Import:
    return work(services.start_import(job=uploaded(bucket, content)))


def undone(job: Import) -> Import:
    return work(services.undo_import(job=job))


def totals(job: Import) -> tuple[int, int, int, int, int]:
    """read, new, already there, skipped, failed."""
    return job.read, job.new, job.already_there, job.skipped, job.failed


def time_passes() -> None:
    """A dead worker's lease is over."""
    Import.objects.update(lease_until=database_now() - timedelta(seconds=1))
