"""The board and the search over everything in a browser: by keys, by menu, by dragging; taken back; both widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.access import access_of
from accounts.models import User
from leads.models import Lead
from leads.pipeline.labels import make_label
from leads.pipeline.moving import Stage, move_lead, stage_of
from leads.services import add_activity
from tests.leads.samples import make_leads

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.long
def test_leads_are_moved_on_the_board_and_found_from_every_page(
    login: Callable[[Any], None],
    page: Page,
    axe_check: Callable[[Page], None],
    script_errors: list[str],
):
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/Phoenix")
    login(ann)
    warm = make_label(access_of(ann), {"name": "Warm", "status": "contacted", "color": "#b45309"})
    _, leads = make_leads(3, by=ann, name="King County")
    for lead, street in zip(leads, ("1 Ash St", "2 Birch St", "3 Cedar St"), strict=True):
        Lead.objects.filter(pk=lead.pk).update(property_address=street, owner_name=f"Jo {street[2:-3]}")
        add_activity(lead=lead, by=ann, kind="note", text="seen")

    def at(lead: Lead) -> Stage:
        return stage_of(Lead.objects.get(pk=lead.pk))

    def said(words: str) -> None:
        page.locator("[data-board-says]", has_text=words).wait_for()

    page.goto("/admin/leads/lead/board/")
    new, contacted = (page.locator(f'[data-column="{key}"]') for key in ("new", "contacted"))
    assert [one.get_attribute("aria-label") for one in new.locator("[data-lead]").all()] == [
        "3 Cedar St", "2 Birch St", "1 Ash St"]  # fmt: skip
    axe_check(page)
    # by keys: the first card to the next column, on to the label, and back by Z
    new.locator("[data-lead]").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    said("3 Cedar St: moved to Contacted.")
    page.keyboard.press("Shift+ArrowRight")
    said("3 Cedar St: moved to Contacted · Warm.")
    assert at(leads[2]) == Stage("contacted", warm.pk)
    page.keyboard.press("z")
    said("Taken back. 3 Cedar St: moved to Contacted.")
    assert at(leads[2]) == Stage("contacted") and contacted.locator("[data-count]").inner_text() == "1"
    # by its menu
    birch = page.get_by_role("listitem", name="2 Birch St")
    birch.get_by_role("combobox").select_option("Warm")
    birch.get_by_role("button", name="Move").click()
    said("2 Birch St: moved to Contacted · Warm.")
    assert at(leads[1]) == Stage("contacted", warm.pk)
    # by dragging, of a lead that somebody else has moved meanwhile: told, and shown where it is
    move_lead(leads[0].pk, by=ann, to=Stage("lost"))
    new.locator("[data-lead]").first.drag_to(page.locator('[data-column="qualified"] ul'))
    said("Somebody has moved this lead meanwhile: it is at Lost now.")
    assert page.locator('[data-column="lost"] [data-lead]').count() == 1
    assert [one for one in script_errors if "409" not in one] == []
    script_errors.clear()
    # of who was signed out meanwhile nothing is moved, and the card goes back
    cookies: Any = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    contacted.locator("[data-lead]").first.focus()
    page.keyboard.press("Shift+ArrowLeft")
    said("You were signed out, and nothing was moved.")
    assert (at(leads[2]), contacted.locator("[data-lead]").count()) == (Stage("contacted"), 1)
    page.context.add_cookies(cookies)
    # what moved is there after a reload; 390 px has no sideways scroll but the board's own
    page.set_viewport_size({"width": 390, "height": 800})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    axe_check(page)

    # the search: opened by keys on any page, chosen by arrows, opened by Enter
    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.keyboard.type("birch")
    page.get_by_role("option", name="2 Birch St").first.wait_for()
    axe_check(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    options = page.get_by_role("option")
    assert options.first.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/leads/lead/{leads[1].pk}/change/")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Search", exact=False).first.click()
    page.keyboard.type("king county")
    page.get_by_role("option", name="King County").first.wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#desk-search").is_visible()
