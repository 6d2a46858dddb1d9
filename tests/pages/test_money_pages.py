"""The money pages in a browser, at a desk's and a phone's width: a job's page, its billing checks, the reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from integrations.models import VendorCall
from tests.integrations.doubtful import doubtful
from tests.operations.test_commands_reconcile import parked
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.long
def test_billing_checks_of_a_job_are_chosen_and_decided_together_and_money_is_read_at_both_widths(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
):
    boss = User.objects.create_superuser("boss")
    login(boss)
    run, call = parked(boss)
    for _ in range(2):
        doubtful(boss, run.budget_scope, run_id=run.pk)
    VendorCall.objects.create(
        id="01a22fe0-2961-7a9a-bf17-d8882b886922", operation=call.operation, user=boss, run_id=run.pk, state="settled",
        inputs=4, found=3, cost=Decimal("0.20"), reserved=Decimal("0.20"), created_at=call.created_at,
        slot_at=call.created_at, sent_at=call.created_at, lease_until=call.created_at,
    )  # fmt: skip
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/admin/enrichment/run/{run.pk}/change/")
        page.get_by_text("3 requests with 6 leads, $0.30 held").wait_for()
        axe_check(page)
        page.goto("/admin/reports/spend/?group=bucket")
        page.get_by_text("What your team spent").first.wait_for()
        axe_check(page)
        page.goto("/admin/reports/lists/")
        axe_check(page)

    page.goto(f"/admin/enrichment/run/{run.pk}/change/")
    page.get_by_label("Choose all").check()
    page.get_by_text("3 chosen with 6 leads, $0.30 held.").wait_for()
    page.wait_for_timeout(3500)  # a page that moves keeps what is chosen
    page.get_by_role("button", name="Mark as not billed ($0.30)").click()
    page.get_by_text("3 requests with 6 leads marked as not billed, $0.30.").wait_for()
    assert "/enrichment/run/" in page.url
    page.reload()  # decides nothing
    assert set(VendorCall.objects.values_list("state", flat=True)) == {"released", "settled"}
