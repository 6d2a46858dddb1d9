"""The sheet of filters and the order of the list, as a person uses them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.services import create_bucket
from leads.models import Lead
from tests.admin_site import address
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_filters_stand_in_groups_and_the_list_is_sorted(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
) -> None:
    ann = User.objects.create_user("ann", is_staff=True)
    login(ann)
    bucket, _ = create_bucket(by=ann, name="King County", property_ids=["1", "2", "3"])
    for number, lead in enumerate(bucket.leads.order_by("pk")):
        Lead.objects.filter(pk=lead.pk).update(property_address=f"{number} Main St", estimated_equity=100 - number)

    page.goto(address(Lead, "changelist"))
    sheet = page.locator("#changelist-filter")
    if not sheet.is_visible():  # a phone: it is folded
        page.get_by_role("button", name="Filters", exact=True).click()
    sheet.locator("summary", has_text="Money").click()
    sheet.get_by_label("Equity from ($)").fill("99")
    sheet.get_by_label("Sort by").select_option("-estimatedEquity")
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/filters-{page.viewport_size['width']}.png")  # type: ignore[index]
    axe_check(page)
    sheet.get_by_role("button", name="Apply filters").click()

    page.get_by_text("2 leads on this page, equity, highest first").wait_for()
    listed = page.locator("#result_list").inner_text()
    assert listed.index("0 Main St") < listed.index("1 Main St")
    assert "2 Main St" not in listed
