"""A person finds properties: a place from the list, filters, the free count, a sample at its price, saved, followed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from accounts.models import User
from buckets.filling.fills import continue_fill, open_fills
from buckets.models import Bucket, Fill
from leads.models import Lead
from sandbox.server import Sandbox
from tests.pages.checks import BOTH
from tests.support import billed

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIND = "/admin/buckets/bucket/find/"


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


@pytest.fixture
def worker(ann: User) -> Iterator[threading.Event]:
    """Saves ids from the moment the event is set, as a worker would."""
    go, stop = threading.Event(), threading.Event()

    def work() -> None:
        try:
            while not stop.wait(0.2):
                for fill_id in open_fills() if go.is_set() else ():
                    continue_fill(fill_id)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield go
    stop.set()
    thread.join()


def unfold(page: Page, title: str) -> None:
    """Opens a part of the form that a phone begins without."""
    part = page.locator("details", has=page.locator("summary", has_text=title))
    if part.get_attribute("open") is None:
        part.locator("summary").click()


@pytest.mark.parametrize("width", BOTH)
def test_search_count_sample_save_and_the_bucket(
    ann: User, page: Page, axe_check: Any, sandbox: Sandbox, worker: threading.Event
):
    page.goto(FIND)
    axe_check(page)
    save = page.get_by_role("button", name="Save to bucket")
    assert save.is_disabled()  # nothing is asked yet

    place = page.get_by_role("combobox", name="Place")
    place.press_sequentially("new mex", delay=20)
    page.get_by_role("option", name="New Mexico").wait_for()
    axe_check(page)
    place.press("ArrowDown")
    assert place.get_attribute("aria-activedescendant") == "find-place-0"
    place.press("Enter")
    assert place.input_value() == "New Mexico"
    page.get_by_role("listbox").wait_for(state="hidden")
    page.get_by_label("Beds from").fill("3")
    unfold(page, "Owner")
    page.get_by_label("Absentee owner").check()

    buy = page.get_by_role("button", name="Show 10 rows for at most $0.50")
    page.locator("#find-count", has_text="Absentee owner").get_by_text("saving their ids costs $0").wait_for()
    count = int(page.locator(".desk-number").inner_text().replace(",", ""))
    assert page.url.endswith("?place=New+Mexico&beds_min=3&absentee_owner=on")
    assert billed(sandbox) == 0

    buy.click()
    page.get_by_text("10 rows bought for $0.50.").wait_for()
    assert page.locator("#find-map .desk-pin").count() == 10
    page.locator("#find-map .desk-pin").first.press("Enter")
    assert (
        page.locator(".leaflet-popup").inner_text().startswith(page.locator(".desk-sample td span").first.inner_text())
    )
    axe_check(page)
    assert billed(sandbox) == Decimal("0.50")

    page.get_by_label("Name of the new bucket").fill("Three beds")
    save.click()
    progress = page.get_by_role("progressbar", name="Ids saved to Three beds")
    page.get_by_text("It starts within a few seconds.").wait_for()
    page.reload()
    page.get_by_text("It starts within a few seconds.").wait_for()
    worker.set()
    page.get_by_text(f"{count:,} of {count:,} ids, {count:,} of them new to the bucket.").wait_for()
    assert progress.get_attribute("aria-valuenow") == "100"
    axe_check(page)
    page.get_by_role("link", name="Open the bucket").click()
    page.wait_for_url("**/change/")

    bucket = Bucket.objects.get(owner=ann)
    assert (bucket.name, bucket.owner, bucket.total_leads) == ("Three beds", ann, count)
    assert str(bucket.pk) in page.url
    assert Lead.objects.filter(bucket=bucket).count() == count
    assert billed(sandbox) == Decimal("0.50")


@pytest.mark.long
def test_a_mistake_is_marked_at_its_field_and_its_mending_counts(ann: User, page: Page, sandbox: Sandbox):
    page.goto(f"{FIND}?place=New+Mexico&beds_min=3")
    most = page.get_by_label("Beds to")
    page.get_by_text("saving their ids costs $0").wait_for()

    most.fill("1")
    page.locator("[data-error=beds_max]", has_text="Beds to 1 is less than from 3.").wait_for()
    assert most.get_attribute("aria-invalid") == "true"
    assert page.get_by_role("button", name="Save to bucket").is_disabled()

    most.fill("4")
    page.get_by_text("saving their ids costs $0").wait_for()
    assert most.get_attribute("aria-invalid") is None
    assert page.get_by_role("button", name="Save to bucket").is_enabled()


@pytest.mark.long
def test_a_circle_is_drawn_moved_and_removed(ann: User, page: Page, sandbox: Sandbox):
    page.goto(FIND)
    page.get_by_label("Latitude").fill("35.0844")
    page.get_by_label("Longitude").fill("-106.6504")
    page.get_by_label("Radius, miles").fill("8")
    page.get_by_label("Radius, miles").press("Tab")
    page.locator("#find-count", has_text="8 mi around 35.0844, -106.6504").wait_for()
    page.wait_for_function("document.querySelectorAll('#find-map .desk-handle').length === 2")

    centre = page.get_by_title("Centre of the circle: drag to move it")
    centre.hover()
    page.mouse.down()
    box = centre.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 9, steps=4)
    page.mouse.up()
    longitude = page.get_by_label("Longitude").input_value()
    assert float(longitude) > -106.6504  # to the east
    page.locator("#find-count", has_text=longitude).wait_for()

    page.get_by_role("button", name="Remove the circle").click()
    page.get_by_text("Choose a place or a filter").wait_for()
    assert page.get_by_label("Latitude").input_value() == ""
    assert not Fill.objects.filter(bucket__owner=ann).exists()


@pytest.mark.long
def test_who_was_signed_out_meanwhile_is_asked_to_sign_in(ann: User, page: Page, sandbox: Sandbox):
    page.goto(FIND)
    page.context.clear_cookies()

    page.get_by_label("Beds from").fill("3")

    page.wait_for_url("**/admin/login/**")
    assert page.get_by_label("Username").is_visible()
