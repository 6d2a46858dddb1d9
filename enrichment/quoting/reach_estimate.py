"""How many owners a run can be expected to reach by phone, from what look-ups have brought before. Reads only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.fields.json import KT

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Run
from enrichment.rules import SAMPLES_MIN, share_between
from integrations.models import Lookup, Operation, VendorCall
from leads.models import Lead
from leads.selection.filters import matching

CALLS_MOST = 1000  # latest requests looked at; 10 ms
SAMPLES_MOST = 5000  # answers of theirs: a share of a half is known to 1.2 points
GUARDED_MOST = 2000  # leads whose facts say how many pass a guard
UNKNOWN = "unknown yet: no history"


@dataclass(frozen=True, slots=True)
class Reachable:
    """Leads with a phone after the run: between `low` and `high` with 90 % confidence. None: nothing is known yet.

    basis: what it was told from, in words. blocked: leads of the quote that are do-not-call or suppressed already,
    whatever is bought for them; taken off both.
    """

    low: int | None
    high: int | None
    basis: str
    blocked: int = 0


def expected(
    *, bucket: Bucket, by: User, trace: Operation, to_trace: int, owned: int, guard: Mapping[str, Any], blocked: int = 0
) -> Reachable:
    """What tracing `to_trace` owners will bring, on top of the `owned` ones who are known to have a phone.

    blocked: leads of them that must not be called; taken off both ends.
    """
    share, basis = (0.0, 0.0), "all of it is owned"
    if to_trace:
        found, samples, whose = hit_rate(trace, bucket, by)
        if samples < SAMPLES_MIN:
            return Reachable(None, None, UNKNOWN, blocked)
        share = share_between(found, samples)
        basis = f"{found:,} of the last {samples:,} owners asked about {whose} had a phone"
    passing = (1.0, 1.0)
    if guard:
        passing, words = _passing(bucket, guard)
        basis = f"{basis}; {words}"
    low, high = (share[end] * to_trace + owned for end in (0, 1))
    low, high = max(low * passing[0] - blocked, 0), max(high * passing[1] - blocked, 0)
    return Reachable(math.floor(low), math.ceil(high), basis, blocked)


def reachable_in_words(reachable: Reachable) -> str:
    """Expected with a phone: 41 to 49 leads (…); 3 more are do-not-call or suppressed."""
    more = f"; {reachable.blocked:,} more are do-not-call or suppressed" if reachable.blocked > 1 else ""
    more = "; 1 more is do-not-call or suppressed" if reachable.blocked == 1 else more
    if reachable.low is None or reachable.high is None:
        return f"Expected with a phone: {reachable.basis}{more}"
    between = f"{reachable.low:,}" if reachable.low == reachable.high else f"{reachable.low:,} to {reachable.high:,}"
    return f"Expected with a phone: {between} leads ({reachable.basis}){more}"


def hit_rate(trace: Operation, bucket: Bucket, by: User) -> tuple[int, int, str]:
    """How many of this vendor's latest answers had a phone: (with one, answers, whose they were).

    This bucket's own where there are enough, else this user's, else everybody's: shares only, nobody's leads.
    """
    runs = Run.objects.filter(bucket=bucket).order_by("-pk").values_list("pk", flat=True)[:CALLS_MOST]
    found, samples = 0, 0
    for asked, whose in (
        (Q(run_id__in=list(runs)), "for this bucket"),
        (Q(user=by), f"for {by.get_username()}"),
        (Q(), "by anybody here"),
    ):
        found, samples = _answers(trace, asked)
        if samples >= SAMPLES_MIN:
            return found, samples, whose
    return found, samples, "by anybody here"


def _answers(trace: Operation, asked: Q) -> tuple[int, int]:
    calls = VendorCall.objects.filter(asked, operation=trace, state=VendorCall.State.SETTLED).order_by("-pk")
    answers = Lookup.objects.filter(
        operation=trace, call__in=list(calls.values_list("pk", flat=True)[:CALLS_MOST]), state=Lookup.State.ANSWERED
    )
    has_phone = ExpressionWrapper(Q(number__isnull=False), output_field=BooleanField())  # the number itself stays there
    latest = answers.annotate(number=KT("facts__phone")).order_by("-call_id")
    hits = list(latest.values_list(has_phone, flat=True)[:SAMPLES_MOST])
    return sum(hits), len(hits)


def _passing(bucket: Bucket, guard: Mapping[str, Any]) -> tuple[tuple[float, float], str]:
    """Which share of this bucket's leads passes a guard, by those whose facts are known."""
    ids = latest_with_facts(bucket.pk, GUARDED_MOST)
    if len(ids) < SAMPLES_MIN:
        return (0.0, 1.0), "how many pass the guard is unknown yet"
    passed = matching(Lead.objects.filter(pk__among=ids), guard, time_zone=bucket.owner.time_zone).count()
    return share_between(passed, len(ids)), f"{passed:,} of {len(ids):,} known leads pass the guard"


def latest_with_facts(bucket_id: UUID, most: int) -> list[UUID]:
    """The latest leads of a bucket whose facts were bought, newest first.

    A query a status: each walks its own end of `lead_by_enrichment`, however many leads wait between. It has
    pending leads only where their detail was bought; of the failed ones it has all, so only the latest are looked at.
    "BETWEEN" and the order by status leave the planner only this index: by equality it walked the primary key where a
    bucket holds most of the table, past each of its leads (1.2 s of a million that wait).
    """
    ids: list[UUID] = []
    for status in Lead.Enrichment:
        leads = Lead.objects.filter(bucket=bucket_id, enrichment_status__range=(status, status))
        leads = leads.order_by("-enrichment_status", "-pk")
        if status == Lead.Enrichment.PENDING:
            leads = leads.filter(enriched_at__isnull=False)
        latest = leads.values_list("pk", "enriched_at")[:most]
        ids += [pk for pk, enriched_at in latest if enriched_at or status != Lead.Enrichment.FAILED]
    return sorted(ids, reverse=True)[:most]
