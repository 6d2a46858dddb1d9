"""Home as a person uses it: live bars move by themselves, what needs them leads to where it is decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Run
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


@pytest.mark.parametrize("width", WIDTHS)
def test_somebody_new_finds_the_first_step(ann: User, page: Page, axe_check: Callable[[Page], None]):
    page.goto("/admin/")
    axe_check(page)
    page.get_by_role("link", name="Find properties").last.click()

    page.wait_for_url("**/find/")


def test_a_bar_moves_and_a_pause_shows_up_without_a_touch(ann: User, page: Page, axe_check: Callable[[Page], None]):
    bucket = Bucket.objects.create(owner=ann, name="King County", total_leads=200)
    run = Run.objects.create(
        bucket=bucket, bucket_name=bucket.name, owner=ann, status="running", total=200, enriched=20
    )
    page.goto("/admin/")
    bar = page.get_by_role("progressbar", name="Leads done of King County")
    assert bar.get_attribute("aria-valuenow") == "20"
    axe_check(page)

    Run.objects.filter(pk=run.pk).update(enriched=90, status="paused", paused_by="cap", reason="The cap is used up.")
    page.wait_for_selector('[aria-valuenow="90"]')
    page.get_by_role("link", name="Paused: King County").click()

    page.wait_for_url(f"**/{bucket.pk}/change/")
