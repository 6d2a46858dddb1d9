"""Claiming a request's worth of items at the start and at the end of a long run.

Measured: `queue.next_run` and `queue.claim`, what a step does under its locks to get its items. Between two claims the
items go the way of a run, taken by a call and ended, so that the last claims meet the dead rows of the ones before.
Autovacuum is off in this place; the table is vacuumed by hand at each fifth of the items. The baseline of the last
tenth is the first.
"""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks.harness import Report, by_latency
from benchmarks.place import Place

BATCH = 250
AIM = 1.5


def measure(place: Place, *, items: int, vacuum: bool = True) -> Report:
    """`vacuum`: as often as autovacuum would by its defaults; else never."""
    from django.db import transaction
    from django.test import override_settings

    from common.db.ids import uuid7
    from enrichment.models import RunItem
    from enrichment.options import RunOptions
    from enrichment.services import start_run
    from enrichment.worker import queue

    with override_settings(RUN_LIMIT_MAX=items):  # longer than a person may ask for
        run, _ = start_run(bucket=place.bucket, by=place.user, options=RunOptions(limit=items))
    if run.total != items:
        raise AssertionError(f"{run.total} items instead of {items}")
    seconds: list[float] = []
    upkeep = place.connect()
    upkeep.execute("ANALYZE enrichment_runitem")  # as autovacuum would within a minute
    try:
        while True:
            if vacuum and len(seconds) % max(1, items // BATCH // 5) == 0:  # its default: a fifth of the rows is dead
                upkeep.execute("VACUUM enrichment_runitem")
            with transaction.atomic():
                begin = time.perf_counter()
                next_run = queue.next_run(RunItem.Stage.DETAIL, "property_detail")
                claimed = queue.claim(next_run, RunItem.Stage.DETAIL, BATCH) if next_run else []
                seconds.append(time.perf_counter() - begin)
                if not claimed:
                    break
                ids = [item.id for item in claimed]
                queue.take(ids, uuid7(), timedelta(hours=1))
            with transaction.atomic():
                RunItem.objects.filter(pk__in=ids).update(stage=0, outcome=2, token=None, lease_until=None)
    finally:
        upkeep.close()
        with place.connect() as database:
            database.execute("TRUNCATE enrichment_runitem, enrichment_fairshare")
            database.execute("DELETE FROM enrichment_run WHERE id = %s", [run.pk])
            database.execute("UPDATE buckets_bucket SET queued_leads = 0 WHERE id = %s", [place.bucket.pk])
    claims = seconds[:-1]
    tenth = len(claims) // 10
    parts = {"first tenth": claims[:tenth], "last tenth": claims[-tenth:]}
    results = by_latency(parts, {"last tenth": "first tenth"})
    how = "vacuumed at each fifth" if vacuum else "never vacuumed"
    return {
        "benchmark": "claim",
        "what": f"{len(claims):,} claims of {BATCH} of {items:,} items, {how}",
        "baseline": "first tenth",
        "aim": f"the last tenth at most {AIM} × the first; {results[1]['ratio']} measured",
        "results": results,
    }
