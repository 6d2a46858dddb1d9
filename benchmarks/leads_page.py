"""A page of 50 leads of a bucket, the first and the 20,000th, with and without filters.

Measured: `GET /api/property/bucket/leads` over one kept loopback connection, from the request to the last byte. The
baseline fetches the same rows (and the same count, where there is a filter and a total) by psycopg, into Python's
values. Each is asked in turn, so that a busy moment of the machine falls on all. The rows of an answer are counted when
the clock has stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from benchmarks.harness import Report, by_latency
from benchmarks.place import Place

LIMIT = 50
FILTERS = {"propertyState": "WA", "estimatedValueMin": "300000", "absenteeOwner": "true"}
WHERE = "property_state = 'WA' AND estimated_value >= 300000 AND absentee_owner"


def measure(place: Place, *, samples: int) -> Report:
    from common.api.paging import page
    from leads.models import Lead

    database, client = place.connect(), place.client()
    bucket = place.bucket.pk
    deep = place.leads // LIMIT  # the last page: there are no more
    leads = Lead.objects.filter(bucket=bucket).order_by("pk")
    before = leads.values_list("pk", flat=True)[place.leads - 2 * LIMIT]  # one page and a row from the last
    cursor = page(leads.filter(pk__gte=before), limit=LIMIT, cursor=None)[1]  # the API's own word for the last page
    after = leads.values_list("pk", flat=True)[place.leads - LIMIT - 1]

    def api(**query: str | None) -> Callable[[], bytes]:
        asked = {name: value for name, value in query.items() if value is not None}
        path = "/api/property/bucket/leads?" + urlencode({"bucketId": str(bucket), "limit": LIMIT, **asked})
        return lambda: client.get(path)[1]

    def sql(where: str, *, counted: bool) -> Callable[[], list[Any]]:
        rows = f"SELECT * FROM leads_lead WHERE bucket_id = %s AND {where} ORDER BY id LIMIT {LIMIT}"
        count = f"SELECT count(*) FROM leads_lead WHERE bucket_id = %s AND {WHERE}"

        def ask() -> list[Any]:
            if counted:
                database.execute(count, [bucket]).fetchone()
            return database.execute(rows, [bucket]).fetchall()

        return ask

    pairs = {
        "page 1": (api(), sql("true", counted=False)),
        f"page {deep:,}": (api(cursor=cursor), sql(f"id > '{after}'", counted=False)),
        "page 1, three filters": (api(**FILTERS), sql(WHERE, counted=True)),
        "page 1, three filters, no total": (api(**FILTERS, total="false"), sql(WHERE, counted=False)),
    }
    contestants: dict[str, Callable[[], Any]] = {
        f"{end} {name}": pair[n] for name, pair in pairs.items() for n, end in enumerate(("GET", "SQL"))
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(samples + 10):
        for name, ask in contestants.items():
            begin = time.perf_counter()
            answer = ask()
            spent = time.perf_counter() - begin
            rows = len(json.loads(answer)["leads"] if isinstance(answer, bytes) else answer)
            if rows != LIMIT:
                raise AssertionError(f"{name} gave {rows} rows instead of {LIMIT}")
            if number >= 10:  # the first ten warm up
                seconds[name].append(spent)
    database.close()
    return {
        "benchmark": "leads_page",
        "what": f"{LIMIT} of the {place.leads:,} leads of one bucket",
        "aim": "p95 at most 3 × the SQL's + 5 ms",
        "results": by_latency(seconds, {f"GET {name}": f"SQL {name}" for name in pairs}),
    }
