"""Merged leads on the page of the one that is shown, and what a combination leaves out, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.models import User
from leads.merging.services import merge_bucket
from leads.models import Lead
from tests.admin_site import address
from tests.leads.test_merging import APN, HOUSE, a_bucket, add
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
SHOTS = os.environ.get("MERGED_SHOTS", "")  # a folder, to look at them


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


def look(page: Page, name: str, width: int) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_merged_leads_are_shown_and_separated(ann: User, page: Page, axe_check: Check, width: int):
    bucket = a_bucket(ann, "King County")
    older = add(bucket, **APN, owner_name="Ann Doe")
    add(bucket, property_id="address:12 MAIN ST|98101", **APN, **HOUSE, owner_name="Bob Roe")
    merge_bucket(bucket.pk)

    page.goto(address(Lead, "change", older.pk))
    merged = page.get_by_role("region", name="Merged leads")
    assert "Same parcel number in the same county" in merged.inner_text()
    axe_check(page)
    look(page, "merged", width)
    merged.get_by_role("button", name="Separate again").press("Enter")
    page.get_by_text("is a lead of its own again").wait_for()

    assert (merged.count(), Lead.objects.count()) == (0, 2)


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_what_is_left_out_is_listed_from_the_preview(ann: User, page: Page, axe_check: Check, width: int):
    a, c = a_bucket(ann, "Absentee owners"), a_bucket(ann, "Do not call")
    for n in (1, 2):
        add(a, **{**HOUSE, "property_address": f"12 Main St Apt {n}"}).names.update(loose=4)
    add(c, **HOUSE).names.update(loose=4)
    add(a, **APN)

    page.goto(reverse("admin:buckets_bucket_combine"))
    page.get_by_label("Absentee owners").select_option("Include leads on all of")
    page.get_by_label("Do not call").select_option("Exclude leads on")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("2 left out as possibly the same").wait_for()
    axe_check(page)
    look(page, "combine", width)
    page.get_by_role("link", name="See which and why").click()
    page.get_by_text("the unit, direction or suffix differs").first.wait_for()
    axe_check(page)
    look(page, "left-out", width)
