"""Many leads at once, in a real browser: all that match are selected, changed, and changed back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.services import create_bucket
from leads.models import BulkJob, Lead, Suppression
from tests.admin_site import address
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]


def at_both_widths(page: Page, check: Check) -> None:
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": width, "height": 900})
        check(page)


def choose(page: Page, action: str) -> None:
    page.locator("select[name=action]").select_option(action)
    page.get_by_title("Run the selected action").click()


@pytest.mark.long
def test_all_that_match_are_selected_changed_and_changed_back(
    login: Callable[[Any], None], page: Page, axe_check: Check
) -> None:
    ann = User.objects.create_user("ann", is_staff=True)
    login(ann)
    create_bucket(by=ann, name="King County", property_ids=[f"{n}" for n in range(60)])
    Lead.objects.filter(property_id="7").update(phone="+12065550142")

    page.goto(f"{address(Lead, 'changelist')}?view=all")
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Select all 60 that match").click()
    page.get_by_text("All that match are selected.").wait_for()
    axe_check(page)
    choose(page, "status")
    page.get_by_text("All 60 leads that match the list’s filters").wait_for()
    at_both_widths(page, axe_check)
    page.get_by_label("Status").select_option("Lost")
    page.get_by_role("button", name="Change status").click()
    page.get_by_text("60 of 60 leads changed to Lost.").wait_for()
    page.get_by_role("link", name="Undo …").click()
    page.get_by_text("Changes each lead that still is Lost back to what it was").wait_for()
    at_both_widths(page, axe_check)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone: 60 leads as before.").wait_for()
    assert Lead.objects.filter(status="lost").count() == 0

    page.goto(f"{address(Lead, 'changelist')}?view=all")
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Select all 60 that match").click()
    choose(page, "do_not_contact")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Type the number of leads").wait_for()
    page.go_back()  # no form is sent again: both questions have an address
    page.get_by_text("All 60 leads that match").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Type the number of leads").fill("60")
    at_both_widths(page, axe_check)
    page.get_by_role("button", name="Do not contact for good").click()
    page.get_by_text("1 of 60 leads not contacted any more.").wait_for()
    assert (Suppression.objects.count(), BulkJob.objects.count()) == (1, 2)
    page.goto(address(BulkJob, "changelist"))
    at_both_widths(page, axe_check)
