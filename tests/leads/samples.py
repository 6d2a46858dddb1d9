"""Buckets and leads for tests, and two things done at once over real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket
from leads.models import Lead


def make_leads(
    count: int = 1, *, by: User | None = None, name: str = "Leads", first: int = 1
) -> tuple[Bucket, list[Lead]]:
    """A bucket with the property ids first, first + 1, …; `by` defaults to a new user."""
    owner = by or User.objects.create_user("ann")
    bucket, _ = create_bucket(by=owner, name=name, property_ids=[str(first + n) for n in range(count)])
    return bucket, list(Lead.objects.filter(bucket=bucket).order_by("pk"))


def source_of(lead: Lead, column: str) -> Any:
    """Where what this column holds is from."""
    assert lead.fact_sources is not None
    return lead.fact_sources[column]


def make_lead(**values: Any) -> Lead:
    """One lead in a bucket of its own, with these columns."""
    _, (lead,) = make_leads(1)
    Lead.objects.filter(pk=lead.pk).update(**values)
    lead.refresh_from_db()
    return lead


def counters(bucket: Bucket) -> tuple[int, int, int, int]:
    """total, enriched, queued, contacted as stored."""
    bucket.refresh_from_db()
    return bucket.total_leads, bucket.enriched_leads, bucket.queued_leads, bucket.contacted_leads


def together(*works: Callable[[], Any]) -> list[Any]:
    """Runs each in a thread with a connection of its own, started at the same moment; results, or what was raised."""
    results: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(60)
            results[number] = works[number]()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "they wait for each other"
    return results
