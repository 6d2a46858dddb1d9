"""Billing checks in a browser: a request's page, an outage, a vendor that claims too much, a bill; no sideways page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.models import User
from integrations.ledger import catalogue
from integrations.models import BilledDay, Vendor, VendorCall
from tests.integrations.doubtful import doubtful
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

VENDOR = "/admin/integrations/vendor/realestateapi/change/"


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_a_request_is_decided_on_its_own_page_by_keyboard(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
):
    boss = User.objects.create_superuser("boss")
    login(boss)
    call = doubtful(boss, claimed=Decimal(3), excess=Decimal("0.05"))
    page.goto(f"/admin/integrations/vendorcall/{call.pk}/change/")
    axe_check(page)

    page.get_by_role("link", name="Mark as billed …").press("Enter")
    page.wait_for_url("**/billed/")
    axe_check(page)
    page.get_by_label("Cost ($)").fill("0.96")
    page.get_by_label("Reason").fill("invoice 118")
    page.keyboard.press("Enter")
    page.get_by_text("Marked as billed: $0.96.").wait_for()
    axe_check(page)

    call.refresh_from_db()
    assert (call.state, call.cost, call.decision) == ("written_off", Decimal("0.96"), "invoice 118")


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_an_outage_is_decided_with_two_presses(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
):
    boss = User.objects.create_superuser("boss")
    login(boss)
    for minute in range(5):
        doubtful(boss, at=timezone.now() - timedelta(minutes=10 * minute))
    page.goto("/admin/integrations/vendorcall/?state__exact=in_doubt")
    page.get_by_role("link", name="Decide an outage …").click()
    page.wait_for_url("**/outage/")
    axe_check(page)

    page.get_by_role("link", name="realestateapi").click()
    page.get_by_text("5 requests with 10 leads, $0.50 held.").wait_for()
    axe_check(page)
    page.get_by_label("Reason").fill("their status page")
    page.get_by_role("button", name="Mark as not billed").click()
    page.get_by_text("5 requests with 10 leads marked as not billed, $0.50.").wait_for()

    assert set(VendorCall.objects.values_list("state", "decision")) == {("released", "their status page")}
    axe_check(page)
    page.go_back()  # the choice stands in the address
    page.get_by_text("needs a billing check").first.wait_for()


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_a_vendor_that_claims_too_much_is_put_right_and_its_bill_uploaded(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], tmp_path: Path
):
    boss = User.objects.create_superuser("boss")
    login(boss)
    catalogue.operation("property_detail")
    settled: dict[str, Any] = {"state": "settled", "category": "", "units": 2, "cost": Decimal("0.10")}
    doubtful(boss, claimed=Decimal(200), excess=Decimal("9.90"), **settled)
    Vendor.objects.filter(pk="realestateapi").update(billing_check=True, paused_reason="Needs billing check: $9.90.")
    page.goto(VENDOR)
    axe_check(page)
    assert not page.get_by_role("button", name="Resume").is_visible()

    page.get_by_role("button", name="The price list is right").press("Enter")
    page.get_by_text("The price list is right: charges follow it").wait_for()
    assert not Vendor.objects.get(pk="realestateapi").billing_check
    page.get_by_role("link", name="Upload a bill …").press("Enter")
    page.wait_for_url("**/bill/")
    axe_check(page)
    file = tmp_path / "bill.csv"
    file.write_text(f"Date,Credits,Amount\n{timezone.now():%m/%d/%Y},200,$10.00\n")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("Bill uploaded: $10.00").first.wait_for()

    assert BilledDay.objects.get().amount == 10
    assert page.get_by_text("the bill has $9.90 more than our books").is_visible()
    axe_check(page)
