"""A bucket's page in a real browser: the price, then the purchase, watched without reloading, then the leads as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Run
from enrichment.quoting.quotes import rest_of
from tests.admin_site import address
from tests.pages.checks import WIDTHS
from tests.support import billed, make_bucket, pump_until_still, requests_of, start

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(login: Callable[[Any], None]) -> User:
    user = User.objects.create_superuser("boss")
    login(user)
    return user


@pytest.fixture
def bucket(sandbox: Any, boss: User) -> Bucket:
    return make_bucket(sandbox, boss, 6, name="Kings")


def look(page: Page, axe_check: Check) -> None:
    """Holds the page as it is to what every page is held to, at both widths."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)


def test_from_the_quote_to_the_csv(page: Page, bucket: Bucket, sandbox: Any, axe_check: Check):
    page.goto(address(Bucket, "change", bucket.pk))
    look(page, axe_check)
    page.get_by_role("link", name="Quote and enrich").click()
    page.get_by_role("button", name="for up to $0.60").wait_for()
    page.get_by_label("Number of leads").fill("4")
    page.get_by_role("button", name="for up to $0.40").wait_for()  # by itself
    page.get_by_text("Expected with a phone").wait_for()
    look(page, axe_check)
    page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="Quote and enrich").wait_for()
    page.go_back()
    assert page.get_by_label("Number of leads").input_value() == "4"
    assert billed(sandbox) == 0

    page.get_by_role("button", name="for up to $0.40").click()
    page.get_by_text("0 of 4 leads").wait_for()
    page.evaluate("window.notReloaded = true")
    look(page, axe_check)
    pump_until_still()
    page.get_by_text("4 of 4 leads").wait_for()  # by itself, within three seconds

    assert page.evaluate("window.notReloaded") is True
    run = Run.objects.with_money().get()
    assert (run.status, run.done, run.spent) == ("completed", 4, billed(sandbox))
    page.get_by_text(f"${run.spent:.2f} spent").first.wait_for()
    page.locator("#bucket-map .desk-pin").nth(3).wait_for()
    assert page.locator("#bucket-map .desk-pin").count() == 4
    look(page, axe_check)

    page.get_by_role("link", name="Export …").click()
    assert page.get_by_label("Leads with purchased data (4)").is_checked()
    look(page, axe_check)
    page.get_by_text("Columns to export").click()
    look(page, axe_check)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export", exact=True).click()
    assert coming.value.suggested_filename.startswith("kings-2")
    with open(coming.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = list(bucket.leads.order_by("pk").exclude(enriched_at=None).values_list("property_id", flat=True))
    assert [row["Property ID"] for row in rows] == ids
    assert sum(bool(row["Address"]) for row in rows) == len(rows) == 4


@pytest.mark.long
def test_a_run_whose_cap_is_used_up_is_resumed_with_another(page: Page, bucket: Bucket, axe_check: Check):
    start(bucket, max_cost=Decimal("0.20"))
    pump_until_still()
    page.goto(address(Bucket, "change", bucket.pk))
    page.get_by_text("Paused: ").wait_for()
    look(page, axe_check)

    page.get_by_role("link", name="Resume …").click()
    look(page, axe_check)
    spent = Run.objects.with_money().get().spent
    page.get_by_label("Spending limit ($)").fill(str(spent + Decimal("0.10")))
    page.get_by_role("button", name="Resume for at most $0.10").wait_for()  # follows what is typed
    page.reload()
    page.get_by_role("button", name="Resume for at most $0.10").wait_for()
    page.get_by_label("Spending limit ($)").fill("5")
    page.get_by_role("button", name=f"Resume for at most ${rest_of(Run.objects.get()).price:.2f}").click()
    page.get_by_text("Resumed with a $5.00 limit.").wait_for()
    pump_until_still()
    page.get_by_text("6 of 6 leads").wait_for()

    run = Run.objects.get()
    assert (run.status, run.max_cost, run.done) == ("completed", 5, 6)


@pytest.mark.long
def test_the_keyboard_stays_where_it_is_while_the_page_moves(page: Page, bucket: Bucket):
    run = start(bucket)
    page.goto(address(Bucket, "change", bucket.pk))
    page.locator(f"#pause-{run.pk}").focus()
    page.evaluate("document.getElementById('bucket-live').dataset.old = '1'")

    page.locator("#bucket-live:not([data-old])").wait_for()
    assert page.evaluate("document.activeElement.id") == f"pause-{run.pk}"
    page.keyboard.press("Enter")
    page.get_by_text("Paused. Requests already sent are finished.").wait_for()

    run.refresh_from_db()
    assert run.status == "paused"


@pytest.mark.long
def test_two_buckets_are_combined_after_a_look(page: Page, boss: User, bucket: Bucket, sandbox: Any, axe_check: Check):
    make_bucket(sandbox, boss, 4, start=3, name="Queens")
    page.goto(address(Bucket, "change", bucket.pk))
    page.get_by_role("link", name="Combine …").click()
    assert page.get_by_label("Kings").input_value() == "all_of"
    page.get_by_label("Queens").select_option("none_of")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("On all of “Kings”; not on “Queens”.").wait_for()
    look(page, axe_check)
    page.get_by_label("Name of the new bucket").fill("Kings alone")
    page.get_by_role("button", name="Create the bucket for $0").click()
    page.get_by_role("heading", name="Kings alone", exact=True).wait_for()

    made = Bucket.objects.get(name="Kings alone")
    ids = list(bucket.leads.order_by("pk").values_list("property_id", flat=True))
    assert list(made.leads.order_by("pk").values_list("property_id", flat=True)) == ids[:3]
    assert requests_of(sandbox) == {}


@pytest.mark.long
@pytest.mark.parametrize("button", ["Apollo", "Retry failed leads"])
def test_the_other_ways_to_buy_are_readable(page: Page, bucket: Bucket, axe_check: Check, button: str):
    bucket.leads.filter(pk=bucket.leads.earliest("pk").pk).update(enrichment_status="failed")
    page.goto(address(Bucket, "change", bucket.pk))
    page.get_by_role("link", name=button).click()
    look(page, axe_check)

    assert not Run.objects.exists()
