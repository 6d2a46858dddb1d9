"""A vendor's page by keyboard: pausing needs words, resuming is one button, a changed price tells its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from integrations.ledger import catalogue
from integrations.models import Vendor

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLACE = "/admin/integrations/vendor/apollo/change/"


@pytest.mark.long
def test_a_vendor_is_paused_with_words_and_resumed_by_keyboard(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
):
    login(User.objects.create_superuser("boss"))
    catalogue.operation("apollo_people")
    page.goto(PLACE)

    page.get_by_role("link", name="Pause …").press("Enter")
    page.wait_for_url("**/pause/")
    axe_check(page)
    page.get_by_label("Reason").fill("no credit until Monday")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + PLACE)
    assert page.get_by_text("no credit until Monday (boss)").is_visible()
    assert not Vendor.objects.get(pk="apollo").enabled
    axe_check(page)

    page.get_by_role("button", name="Resume").press("Enter")
    page.get_by_text("Resumed.", exact=True).wait_for()
    assert Vendor.objects.get(pk="apollo").enabled


@pytest.mark.long
def test_a_price_is_changed_on_the_page_and_its_history_stands_below(login: Callable[[Any], None], page: Page):
    login(User.objects.create_superuser("boss"))
    catalogue.operation("apollo_people")
    page.goto(PLACE)

    page.get_by_role("row").filter(has_text="apollo_people").locator("input[name^='operations-'][name$='-price']").fill(
        "0.03"
    )
    page.get_by_role("button", name="Save and continue editing").click()

    page.get_by_text("apollo_people price: default → 0.03").wait_for()
    assert catalogue.operation("apollo_people").setting("price") == catalogue.operation("apollo_people").price
