"""First sign-in, one's profile, and what the desk says where something is refused, off or over: in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.template import loader

from accounts.models import User
from tests.pages.checks import BOTH, WIDTHS, serious_findings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Check = Callable[["Page"], None]


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password="correct horse battery", is_staff=True)


@pytest.mark.long
def test_the_browsers_zone_is_taken_at_first_sign_in_and_changed_on_the_profile(
    ann: User, browser: Browser, live_server: Any, axe_check: Check
):
    context = browser.new_context(base_url=live_server.url, timezone_id="America/Denver", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/")
    axe_check(page)
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("correct horse battery")
    page.keyboard.press("Enter")
    page.get_by_text("Times are shown in Mountain time (Denver).").wait_for()
    axe_check(page)
    assert User.objects.get().time_zone == "America/Denver"

    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_text("Signed in as ann.").wait_for()
    axe_check(page)
    page.get_by_label("Time zone").select_option("America/New_York")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Profile saved.").wait_for()
    assert User.objects.get().time_zone == "America/New_York"
    context.close()


def test_the_profile_and_the_way_out_are_reached_by_keyboard(
    ann: User, login: Callable[[Any], None], page: Page, axe_check: Check
):
    login(ann)
    page.goto("/admin/")
    page.locator("[role=button]", has_text="ann").press("Enter")
    page.get_by_role("link", name="Profile and time zone").press("Enter")
    page.wait_for_url("**/admin/profile/")
    page.locator("[role=button]", has_text="ann").press("Enter")
    page.get_by_role("button", name="Log out").press("Enter")
    page.get_by_text("You are signed out").wait_for()
    axe_check(page)


def test_tab_leads_past_the_menu(ann: User, login: Callable[[Any], None], page: Page):
    login(ann)
    page.goto("/admin/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    assert skip.evaluate("e => e === document.activeElement")
    assert skip.bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"


@pytest.mark.parametrize("width", BOTH)
@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "413", "500"])
def test_error_pages(page: Page, axe_check: Check, name: str, width: int):
    page.set_content(loader.get_template(f"{name}.html").render({"most": 5}))

    axe_check(page)


FAINT = """<html lang="en"><title>Faint</title><style>
    b { color: #ccc } @media (min-width: 900px) { #phone { display: none } }
    @media (max-width: 900px) { #desk { display: none } }
    </style><main><h1>Faint</h1><b id="phone">on phones</b> <b id="desk">on desks</b> <i></i></main>"""


@pytest.mark.long
def test_a_faint_word_is_found_at_the_width_that_shows_it_and_where_the_page_changed(page: Page):
    def faint_at(width: int) -> list[str]:
        page.set_viewport_size({"width": width, "height": 900})
        return [
            part for found in serious_findings(page) for part in ("phone", "desk", "both") if f'id="{part}"' in found
        ]

    page.set_content(FAINT)
    assert [faint_at(width) for width in WIDTHS] == [["desk"] * 2, ["phone"] * 2]  # light and dark

    page.evaluate("document.querySelector('i').outerHTML = '<b id=both>everywhere</b>'")
    assert [faint_at(width) for width in WIDTHS] == [["desk", "both"] * 2, ["phone"] * 2]
    assert faint_at(WIDTHS[1]) == ["phone", "both"] * 2  # asked again, of the whole page


def test_without_javascript_a_page_is_there_and_says_what_is_missing(ann: User, browser: Browser, live_server: Any):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/")
    said = page.locator(".desk-noscript")
    assert (said.is_visible(), said.inner_text().split(".")[0]) == (True, "JavaScript is off in this browser")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert (said.is_visible(), "Lists and forms work" in said.inner_text()) == (True, True)
    assert page.get_by_role("heading", name="Nothing needs you now").is_visible()
    context.close()
