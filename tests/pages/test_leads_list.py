"""The list of leads as an investor uses it: views, questions as filters, orders, columns, sizes; by few presses."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.models import User
from buckets.services import create_bucket
from leads.models import ColumnChoice, Lead, SavedView
from tests.admin_site import address
from tests.campaigns.gate.samples import checked, company
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOUSE = {"property_state": "WA", "phone_type": "mobile", "enrichment_status": "completed", "absentee_owner": True}


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    """60 leads on two buckets; the first ten have facts: Ada 0 to Ada 9, of rising equity."""
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    ids = [str(number) for number in range(55)]
    create_bucket(by=user, name="King", property_ids=ids)
    create_bucket(by=user, name="Tax liens", property_ids=ids[:5])
    for number, lead in enumerate(Lead.objects.filter(bucket__name="King").order_by("pk")[:10]):
        Lead.objects.filter(pk=lead.pk).update(
            **HOUSE,
            property_address=f"{number} Main St",
            property_city="Kent" if number % 2 else "Yelm",
            owner_name=f"Ada Lovelace {number}",
            phone=f"+1206555014{number}",
            phone_do_not_call=number == 9,
            equity_percent=30 + number * 5,
            estimated_equity=100_000 + number * 1_000,
            last_contact_at=timezone.now(),
        )
    Lead.objects.exclude(phone__isnull=False).update(updated_at="2020-01-01T00:00Z")
    return user


def listed(page: Page) -> list[str]:
    return page.locator("#result_list tbody th").all_inner_texts()


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.long
def test_an_investors_questions_are_filters_and_a_view_is_kept(
    ann: User, page: Page, axe_check: Callable[[Page], None]
) -> None:
    page.goto(address(Lead, "changelist"))
    page.get_by_text(
        "No lead is ready to call until"
    ).wait_for()  # it opened on what there is, and says what is missing
    assert page.locator(".desk-tabs [aria-current]").inner_text() == "With a phone"
    page.get_by_text("10 leads in all").wait_for()
    assert page.locator("[data-count=all]").inner_text() == "60"

    # 1. Absentee owners with more than half in equity and a mobile that is not on DNC, most equity first.
    panel = page.locator("#changelist-filter")
    for group in ("Contact", "Money", "Owner"):
        if panel.locator("details", has=page.locator("summary", has_text=group)).get_attribute("open") is None:
            panel.locator("summary", has_text=group).press("Enter")
    panel.get_by_label("Phone type").select_option("Mobile")
    panel.get_by_label("On DNC").select_option("No")
    panel.get_by_label("Absentee owner").select_option("Yes")
    panel.get_by_label("Equity from (%)").fill("50.01")
    panel.get_by_label("Sort by").select_option("Equity, highest first")
    axe_check(page)
    panel.get_by_label("Equity from (%)").press("Enter")
    page.get_by_text("4 leads on this page, equity, highest first").wait_for()
    assert listed(page) == ["8 Main St", "7 Main St", "6 Main St", "5 Main St"]
    chips = page.locator(".desk-chips li")
    assert "Phone type: Mobile" in chips.all_inner_texts()[1]
    shot(page, "list-1440")
    axe_check(page)

    # It becomes the team's view, with columns and an order of its own.
    page.locator("summary", has_text="Save view").press("Enter")
    page.get_by_label("Name of this view").fill("Absentee, half paid")
    page.get_by_role("button", name="Save view").click()
    page.get_by_text("Saved: Absentee, half paid").wait_for()
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="E-mail").uncheck()
    page.get_by_role("checkbox", name="Equity %").check()
    page.get_by_role("button", name="Show these columns").click()
    page.get_by_role("columnheader", name="Equity %").wait_for()
    assert page.get_by_role("columnheader", name="E-mail").count() == 0
    page.get_by_role("columnheader", name="Equity %").get_by_role("link").click()
    page.get_by_text("on this page, equity %, highest first").wait_for()
    page.get_by_role("columnheader", name="Equity %").get_by_role("link").click()
    page.get_by_text("on this page, equity %, lowest first").wait_for()
    assert listed(page)[0] == "5 Main St"
    view = SavedView.objects.get()
    columns = view.columns or []
    assert (view.shared, "equityPercent" in columns, "email" in columns) == (True, True, False)

    # 2. A chip goes, then all: the list of everything, which is not filtered again by the first view.
    page.get_by_role("link", name="Remove On DNC: No").click()
    page.get_by_text("5 leads on this page").wait_for()
    page.get_by_role("link", name="Clear all").click()
    page.get_by_text("50 leads on this page, newest first").wait_for()
    page.get_by_text("60 leads in all").wait_for()
    page.get_by_role("button", name="100 leads a page").click()
    page.get_by_text("60 leads on this page").wait_for()

    # 3. What overlaps, what changed, one owner, what was not touched: each one box.
    for group, label, said, count in (
        ("Property", "On buckets, at least", "2", 10),
        ("Data", "Changed on or after", "2d", 10),
        ("Owner", "Owner’s name", "lovelace ada 7", 1),
        ("Contact", "Not touched for (days)", "30", 60),
    ):
        page.goto(f"{address(Lead, 'changelist')}?view=all&size=100")
        panel.locator("summary", has_text=group).press("Enter")
        panel.get_by_label(label, exact=True).fill(said)
        panel.get_by_label(label, exact=True).press("Enter")
        page.get_by_text(f"{count} lead{'s' if count > 1 else ''} on this page").wait_for()

    # 4. With a company and a check of numbers it opens on who may be called; columns of a preset are a person's own.
    checked(company(ann), "+12065550140")
    page.goto(address(Lead, "changelist"))
    assert page.locator(".desk-tabs [aria-current]").inner_text() == "Ready to call"
    page.set_viewport_size({"width": WIDTHS[1], "height": 900})
    page.goto(f"{address(Lead, 'changelist')}?view=withPhone")
    assert not panel.is_visible()
    page.get_by_role("button", name="Filters").press("Enter")
    assert panel.is_visible()
    axe_check(page)
    shot(page, "list-390")
    page.locator("summary", has_text="Columns").press("Enter")
    page.get_by_role("button", name="Move Phone up").press("Enter")
    page.get_by_role("button", name="Show these columns").click()
    page.locator("#result_list").wait_for()
    assert "phone" in (ColumnChoice.objects.get(preset="withPhone").columns or [])
    headers = page.locator("#result_list thead th").all_inner_texts()
    assert headers.index("Phone") < headers.index("Owner")
