"""What a person with a slow line waits for: pages' weight on the wire and their first paint, in a throttled Chromium.

Measured: a first visit (nothing cached) and a second one of the desk's pages, at 1.6 Mbit/s down, 750 kbit/s up and
150 ms there and back, which is what browsers' tools call a slow mobile connection. Bytes are those that Chromium counts
on the wire, headers included; the first paint is its own First Contentful Paint. Production's settings and static
files. Each visit has a window of its own. The limits are the baseline.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.admin_lists import signed_in
from benchmarks.harness import Report
from benchmarks.place import Place
from devtools.chromium import CHROMIUM, MISSING, launch
from devtools.process import LocalError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

# Chrome's and Lighthouse's "slow 4G"
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
PAINT_MOST = 1_500  # ms until something stands on the page
HTML_MOST = 25_000  # bytes on the wire of a page of 50 leads
LEADS = "leads, 50 rows"
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def measure(place: Place, *, samples: int) -> Report:
    from playwright.sync_api import sync_playwright

    from accounts.models import User

    if not CHROMIUM.exists():
        raise LocalError(MISSING)
    User.objects.filter(pk=place.user.pk).update(is_staff=True)
    paths = _paths(place)  # Playwright's loop would keep Django from asking
    with signed_in(place.port, place.user) as person, sync_playwright() as playwright:
        place.restart_web()
        browser = launch(playwright)
        name, _, value = person.cookie.partition("=")
        cookie = {"name": name, "value": value, "url": f"http://127.0.0.1:{place.port}"}
        results = [_row(name, path, _visits(browser, cookie, path, samples)) for name, path in paths.items()]
        browser.close()
    leads = next(row for row in results if row["name"] == LEADS)
    slowest = max(row["paint_ms"] for row in results)
    return {
        "benchmark": "pages",
        "what": f"weight and first paint at 1.6 Mbit/s and 150 ms, median of {samples} visits",
        "aim": f"{LEADS} under {HTML_MOST:,} bytes of HTML: {_met(leads['html'], HTML_MOST)}; "
        f"each page's first paint under {PAINT_MOST:,} ms: {_met(slowest, PAINT_MOST)}",
        "results": results,
    }


def _met(figure: int, most: int) -> str:
    return f"{'met' if figure < most else 'MISSED'} ({figure:,})"


def _paths(place: Place) -> dict[str, str]:
    bucket = place.bucket.pk
    lead = place.bucket.leads.filter(skip_traced_at__isnull=False).order_by("pk").values_list("pk", flat=True)[0]
    return {
        LEADS: f"/admin/leads/lead/?bucket={bucket}&enrichmentStatus=completed",
        "lead": f"/admin/leads/lead/{lead}/change/",
        "home": "/admin/",
        "bucket": f"/admin/buckets/bucket/{bucket}/change/",
        "find": "/admin/buckets/bucket/find/",
        "sign-in": "/admin/login/",
    }


def _visits(browser: Browser, cookie: dict[str, str], path: str, samples: int) -> Iterator[tuple[Report, Report]]:
    """Of each sample the first visit and the second one, to which everything that may be kept has been kept."""
    _visit_in_new_window(browser, cookie, path)  # the server has made its templates
    for _ in range(samples):
        yield _visit_in_new_window(browser, cookie, path)


def _visit_in_new_window(browser: Browser, cookie: dict[str, str], path: str) -> tuple[Report, Report]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=cookie["url"])
    try:
        if not path.endswith("/login/"):
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", LINE)
        return _visit(page, line, path), _visit(page, line, path)
    finally:
        context.close()


def _visit(page: Page, line: CDPSession, path: str) -> Report:
    with _counted(line) as count:
        answer = page.goto(path, wait_until="load")
        if answer is None or answer.status != 200:
            raise AssertionError(f"{path} answered {answer and answer.status}")
        page.wait_for_load_state("networkidle")
        page.wait_for_function(f"({FIRST_PAINT}) > 0")
        return {**count(), "paint": page.evaluate(FIRST_PAINT)}


@contextmanager
def _counted(line: CDPSession) -> Iterator[Any]:
    """What goes over the wire meanwhile: {html, all, requests}, bytes with their headers."""
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def responded(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    line.on("Network.responseReceived", responded)
    line.on("Network.loadingFinished", finished)
    try:
        yield lambda: {
            "html": sum(size for key, size in sizes.items() if kinds.get(key) == "Document"),
            "all": sum(sizes.values()),
            "requests": sum(1 for size in sizes.values() if size),
        }
    finally:
        line.remove_listener("Network.responseReceived", responded)
        line.remove_listener("Network.loadingFinished", finished)


def _row(name: str, path: str, visits: Iterator[tuple[Report, Report]]) -> Report:
    first, second = zip(*visits, strict=True)

    def middle(of: tuple[Report, ...], what: str) -> int:
        return round(float(statistics.median(one[what] for one in of)))

    return {
        "name": name,
        "html": middle(first, "html"),
        "all": middle(first, "all"),
        "requests": middle(first, "requests"),
        "paint_ms": middle(first, "paint"),
        "again_all": middle(second, "all"),
        "again_paint_ms": middle(second, "paint"),
        "samples": len(first),
    }
