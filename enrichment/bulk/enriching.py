"""Exactly these leads enriched: priced first, then a run in each bucket they lie in, once a person has said yes.

The leads are written down before they are priced, so that the price is asked of the leads that are bought.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.access import Access, Scope
from buckets.models import Bucket
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import Quote, quote
from enrichment.services import check_options, enrich_leads
from integrations.ledger.budgets import ZERO
from leads.bulk.kinds import Arguments, BulkError, Kind, said
from leads.bulk.services import agree_to, lead_ids_of
from leads.locks import hold_bucket, lock_bulk
from leads.models import BulkJob


@dataclass(frozen=True, slots=True)
class Price:
    """What a job of this kind costs at most, bucket by bucket. mark: names it, for who says yes to it."""

    parts: list[tuple[Bucket, Quote]]
    mark: str

    @property
    def leads(self) -> int:
        return sum(part.leads for _, part in self.parts)

    @property
    def at_most(self) -> Decimal:
        """US dollars: each bucket's job has the spending limit for itself."""
        return sum((part.at_most for _, part in self.parts), ZERO)


def _read(_access: Access, given: Mapping[str, Any]) -> Arguments:
    """What is bought is said with the price, not here."""
    said(given)
    return {}


def by_bucket(job: BulkJob) -> dict[UUID, list[UUID]]:
    """The job's leads that are there still, by their bucket."""
    found: dict[UUID, list[UUID]] = {}
    for pk, bucket_id in lead_ids_of(job).order_by("pk").values_list("pk", "bucket_id"):
        found.setdefault(bucket_id, []).append(pk)
    return found


def price_of(job: BulkJob, access: Access, options: RunOptions) -> Price:
    """The quotes of a job that asks. Raises BulkError, RunError."""
    if job.status != BulkJob.Status.ASKING:
        raise BulkError("NOT_ASKING", "This was decided before.")
    ids = by_bucket(job)
    parts, told = [], []
    for bucket in Bucket.objects.filter(pk__in=ids, team=access.team_id).select_related("team").order_by("pk"):
        part = replace(options, lead_ids=ids[bucket.pk])
        check_options(bucket=bucket, options=part)
        price = quote(bucket=bucket, by=access.user, options=part)
        parts.append((bucket, price))
        told += [part.fingerprint(bucket.pk), str(price.price)]
    return Price(parts, hashlib.sha256("|".join(told).encode()).hexdigest())


def start_runs_of(job: BulkJob, *, access: Access, options: RunOptions, mark: str) -> tuple[list[Run], bool]:
    """Starts the runs, all or none, where the price is still the one that was shown. Raises BulkError, RunError.

    Returns the runs, and whether this call started them: a second press, also at the same moment, gets the first's.
    """
    if not ENRICH.allows(access):
        raise BulkError("FORBIDDEN", "Your role does not let you do this: ask a manager of the team.")
    if (earlier := _started(job, mark)) is not None:
        return earlier, False
    price = price_of(job, access, options)
    if price.mark != mark:
        if (earlier := _started(job, mark)) is not None:  # by a press at once, whose runs change the price
            return earlier, False
        raise BulkError("PRICE_CHANGED", "Nothing is bought: the price or the leads have changed. Look again.", "quote")
    ids = by_bucket(job)
    with transaction.atomic():
        for bucket_id in sorted(ids):  # before the job, which comes before runs
            hold_bucket(bucket_id)
        locked = lock_bulk(job.pk, status=BulkJob.Status.ASKING)
        if locked is None:
            return _started(job, mark) or [], False
        chosen = [pk for some in ids.values() for pk in some]
        runs = enrich_leads(
            by=access.user, options=replace(options, lead_ids=chosen), idempotency_key=f"bulk {job.pk}",
            team_id=access.team_id,
        )  # fmt: skip
        locked.arguments = {"quote": mark, "runs": [str(run.pk) for run, _ in runs], "atMost": str(price.at_most)}
        agree_to(job=locked, access=access)
    return [run for run, _ in runs], True


def _started(job: BulkJob, mark: str) -> list[Run] | None:
    """The runs that were started for this price; None: the job asks still. Raises BulkError where it was decided
    otherwise. job: read again.
    """
    job.refresh_from_db()
    if job.status == BulkJob.Status.ASKING:
        return None
    if job.arguments.get("quote") != mark:
        how = "for another price: its page has the jobs" if "runs" in job.arguments else "before: nothing is bought"
        raise BulkError("NOT_ASKING", f"This was decided {how}.")
    return list(Run.objects.filter(pk__in=job.arguments["runs"]).order_by("pk"))


ENRICH = Kind("enrich", _read, None, (Scope.BUY,), whole_team=True, asks=True, most=settings.RUN_LIMIT_MAX)
