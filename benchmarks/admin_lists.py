"""The admin's lists and pages over a large table, by HTTP as a person's browser asks for them.

Measured: GET of every registered model's list, of the leads' list filtered and searched, and of the desk's own pages
(home, find, a bucket of all the leads, its quote, a lead), from the request to the last byte, over one kept connection,
as a superuser and as a member of staff who owns all the leads. The first answer is not counted. There is no baseline
but the second a person waits without losing the thread.
"""

from __future__ import annotations

import http.client
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Report
from benchmarks.place import Place

AIM = 1.0  # seconds
ITEMS = 100_000  # of a run, so that its list is long too


def measure(place: Place, *, samples: int) -> Report:
    from accounts.models import User
    from enrichment.options import RunOptions
    from enrichment.services import start_run

    boss = User.objects.filter(username="bench-boss").first() or User.objects.create_superuser("bench-boss")
    User.objects.filter(pk=place.user.pk).update(is_staff=True)
    run, _ = start_run(bucket=place.bucket, by=place.user, options=RunOptions(limit=min(ITEMS, place.leads // 2)))
    results: list[Report] = []
    try:
        with place.connect() as database:
            database.execute("ANALYZE enrichment_runitem")
        for who, user in (("superuser", boss), ("staff", place.user)):
            with signed_in(place.port, user) as browser:
                answers = ((path, browser.time(path, samples)) for path in _paths(place))
                results.extend(_row(who, path, times) for path, times in answers if times is not None)
    finally:
        with place.connect() as database:
            database.execute("TRUNCATE enrichment_runitem, enrichment_fairshare")
            database.execute("DELETE FROM enrichment_run WHERE id = %s", [run.pk])
            database.execute("UPDATE buckets_bucket SET queued_leads = 0 WHERE id = %s", [place.bucket.pk])
    results.sort(key=lambda row: -row["p50_ms"])
    slowest = max(row["worst_ms"] for row in results)
    return {
        "benchmark": "admin_lists",
        "what": f"{len(results)} lists and pages at {place.leads:,} leads and {run.total:,} run items, slowest first",
        "baseline": f"{AIM:.0f} s",
        "aim": f"each under {AIM:.0f} s; the slowest answer took {slowest / 1000:.2f} s",
        "results": results,
    }


def _row(who: str, path: str, times: list[float]) -> Report:
    median = statistics.median(times)
    return {
        "name": path.removeprefix("/admin/").split("?bucket=")[0] + (" of a bucket" if "?bucket=" in path else ""),
        "as": who,
        "p50_ms": round(1000 * median, 1),
        "worst_ms": round(1000 * max(times), 1),
        "ratio": round(median / AIM, 3),
        "samples": len(times),
    }


def _paths(place: Place) -> list[str]:
    from django.contrib import admin
    from django.urls import reverse

    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry]
    leads = reverse("admin:leads_lead_changelist")
    bucket, lead = place.bucket.pk, place.bucket.leads.order_by("pk").values_list("pk", flat=True)[0]
    return [
        *lists,
        f"{leads}?bucket={bucket}",
        f"{leads}?status=contacted",
        f"{leads}?enrichmentStatus=completed",
        f"{leads}?q=200000003",
        reverse("admin:index"),
        reverse("admin:buckets_bucket_changelist") + "find/",
        reverse("admin:buckets_bucket_change", args=[bucket]),
        reverse("admin:buckets_bucket_changelist") + f"{bucket}/enrich/",
        reverse("admin:leads_lead_change", args=[lead]),
    ]


@contextmanager
def signed_in(port: int, user: Any) -> Iterator[_Browser]:
    """This person's browser; pages find their style sheets meanwhile."""
    with _style_sheets():
        yield _Browser(port, _sign_in(user))


@contextmanager
def _style_sheets() -> Iterator[None]:
    """Production's pages name them by content."""
    from django.conf import settings
    from django.core.management import call_command

    static = Path(settings.STATIC_ROOT)
    made = not static.exists()
    if made:
        call_command("collectstatic", interactive=False, verbosity=0)
    try:
        yield
    finally:
        if made:
            shutil.rmtree(static)


def _sign_in(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class _Browser:
    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = cookie

    def time(self, path: str, samples: int) -> list[float] | None:
        """Seconds of each answer; None where this person has no such list."""
        times: list[float] = []
        self._connection.close()  # the server drops one that was silent for 2 s
        for number in range(samples + 1):
            begin = time.perf_counter()
            self._connection.request("GET", path, headers={"Cookie": self.cookie})
            answer = self._connection.getresponse()
            answer.read()
            spent = time.perf_counter() - begin
            if answer.status == 403:
                return None
            if answer.status != 200:
                raise AssertionError(f"{path} answered {answer.status}")
            if number:
                times.append(spent)
        return times
