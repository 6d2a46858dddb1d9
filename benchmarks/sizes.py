"""What people wait for, at a tenth of the leads and at all of them: `make bench SIZE=10m`.

One team holds all leads, in buckets of a tenth each, a third of them with facts. Measured: each operation as its own
benchmark does, over a kept loopback connection where it is a page or the API, from the request to the last byte; the
median of the samples after the first ones, which warm up. The baseline of each is itself at a tenth of the leads, in
the same database and on the same machine, before the other nine tenths are added.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

from benchmarks import dry_run
from benchmarks.admin_lists import signed_in
from benchmarks.harness import Report
from benchmarks.leads_page import FILTERS
from benchmarks.place import Place

AIM = 1.5
IDS = 100_000
CLAIMED = 250
_saved = count(1)
Operations = dict[str, Callable[[], object]]


def size_of(text: str) -> int:
    """10m, 300k or 1000000 leads. Raises ValueError."""
    number, factor = text.lower(), 1
    for letter, many in (("k", 1_000), ("m", 1_000_000)):
        if number.endswith(letter):
            number, factor = number.removesuffix(letter), many
    return int(number) * factor


def measure(place: Place, *, leads: int, samples: int) -> Report:
    """place: of a tenth of the leads."""
    few = place.leads
    with place.connect() as database:
        database.execute("UPDATE accounts_team SET lead_limit = %s", [2 * leads + 20 * IDS])
    _run(place)  # a quote passes the leads that wait in it
    before = _times(place, samples)
    place.grow(leads)
    after = _times(place, samples)
    results = [
        {
            "name": name,
            f"ms_at_{few:,}": round(1000 * before[name], 2),
            f"ms_at_{leads:,}": round(1000 * after[name], 2),
            "ratio": round(after[name] / before[name], 2),
        }
        for name in before
    ]
    missed = [str(row["name"]) for row in results if float(str(row["ratio"])) > AIM]
    return {
        "benchmark": "sizes",
        "what": f"each operation at {few:,} and at {leads:,} leads of one team",
        "aim": f"each within {AIM} × of its time at a tenth; {', '.join(missed) or 'none'} missed it",
        "results": results,
    }


def _times(place: Place, samples: int) -> dict[str, float]:
    """Seconds by operation: medians."""
    place.settle()
    type(place.user).objects.filter(pk=place.user.pk).update(is_staff=True)
    with signed_in(place.port, place.user) as browser:
        seconds = {name: _median(act, samples) for name, act in _asked(place).items()}
        seconds |= {name: statistics.median(browser.time(path, samples) or []) for name, path in _pages(place).items()}
    seconds |= {name: _median(act, 3) for name, act in (_dry_run(place) | _claim()).items()}
    return seconds | {f"save {IDS:,} ids": _saving(place)}


def _median(act: Callable[[], object], samples: int) -> float:
    spent = []
    for _ in range(samples + 2):
        begin = time.perf_counter()
        act()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent[2:])


def _asked(place: Place) -> Operations:
    client, bucket = place.client(), place.bucket.pk

    def get(path: str, **query: object) -> Callable[[], object]:
        address = f"{path}?{urlencode(query)}"

        def ask() -> object:
            status, text = client.get(address)
            if status != 200:
                raise AssertionError(f"{address} answered {status}: {text[:300]!r}")
            return json.loads(text)

        return ask

    page, team = "/api/property/bucket/leads", "/api/leads"
    return {
        "leads page": get(page, bucketId=bucket, limit=50),
        "leads page over all buckets": get(team, limit=50),
        "three filters with their total": get(page, bucketId=bucket, limit=50, **FILTERS),
        "has a phone, over all buckets, with its total": get(team, limit=50, hasPhone="true"),
        "search, one lead": get(team, limit=50, q="777 Main St"),
        "search, every third lead": get(team, limit=50, q="Lovelace"),
        "search, nothing": get(team, limit=50, q="zzzzz"),
        "quote": get(f"/api/property/bucket/{bucket}/quote", limit=1000),
        "suppression check": get("/api/suppressions/check", phone="+15125550100"),
    }


def _pages(place: Place) -> dict[str, str]:
    from django.urls import reverse

    return {
        "bucket page": reverse("admin:buckets_bucket_change", args=[place.bucket.pk]),
        "Home": reverse("admin:index"),
    }


def _dry_run(place: Place) -> Operations:
    """As `dry_run` has it."""
    from django.test import override_settings

    from accounts.access import own_access
    from campaigns.models import Campaign
    from campaigns.previews import making
    from campaigns.previews.asking import start_preview

    campaign, access = Campaign.objects.first(), own_access(place.user)
    if campaign is None:
        campaign, access = dry_run.campaign_of(place, dry_run.PEOPLE, datetime.now(UTC))

    def make() -> None:
        with override_settings(CAMPAIGN_CLOCK=dry_run.CLOCK):
            preview = start_preview(campaign=campaign, access=access)
            making.make_preview(preview.pk)
            preview.refresh_from_db()
        if preview.people != dry_run.PEOPLE:
            raise AssertionError(f"{preview.people} people, {preview.error}")

    return {f"dry run of {dry_run.PEOPLE:,} people": make}


def _run(place: Place) -> None:
    """Starts a run of a tenth of the leads, which nobody works on."""
    from enrichment.options import RunOptions
    from enrichment.services import start_run

    start_run(bucket=place.bucket, by=place.user, options=RunOptions(limit=min(IDS, place.leads // 10)))


def _claim() -> Operations:
    from django.db import transaction

    from enrichment.models import RunItem
    from enrichment.worker import queue

    def claim() -> None:
        with transaction.atomic():
            run = queue.next_run(RunItem.Stage.DETAIL, "property_detail")
            if run is None or len(queue.claim(run, RunItem.Stage.DETAIL, CLAIMED)) != CLAIMED:
                raise AssertionError("nothing to claim")
            transaction.set_rollback(True)

    return {f"claim {CLAIMED} leads of a run": claim}


def _saving(place: Place) -> float:
    """Seconds of the median request; what it saved is deleted again."""
    client, spent = place.client(), []
    with place.connect() as database:
        for _ in range(3):
            first = 1_000_000_000 + next(_saved) * IDS
            body = {"name": "Few", "propertyIds": [str(first + n * 7919 % IDS) for n in range(IDS)]}
            text = json.dumps(body).encode()
            begin = time.perf_counter()
            answer: Any = client.post("/api/property/bucket", text)
            spent.append(time.perf_counter() - begin)
            if answer["stats"]["inserted"] != IDS:
                raise AssertionError(f"{answer['stats']}")
            bucket = answer["bucket"]["id"]
            database.execute("DELETE FROM leads_lead WHERE bucket_id = %s", [bucket])
            database.execute("DELETE FROM buckets_bucket WHERE id = %s", [bucket])
            place.settle()
    return statistics.median(spent)
