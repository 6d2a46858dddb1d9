"""The map of leads and the map of a search, in a real browser: by mouse, by keyboard and as numbers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from accounts.services import create_api_token
from leads.models import Lead
from leads.selection.map import PINS_MOST
from tests.leads.samples import make_leads
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
SPOTS = [("47.60", "-122.33", "new"), ("47.61", "-122.30", "contacted"), ("47.75", "-122.10", "qualified")]


@pytest.mark.long
def test_leads_are_found_on_the_map_and_an_area_is_drawn_by_keyboard(
    login: Callable[[Any], None], page: Page, axe_check: Check
):
    ann = create_api_token(username="ann")[0]
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    _, leads = make_leads(4, by=ann)
    for number, (lead, (latitude, longitude, status)) in enumerate(zip(leads, SPOTS, strict=False)):
        Lead.objects.filter(pk=lead.pk).update(
            latitude=Decimal(latitude), longitude=Decimal(longitude), status=status,
            property_address=f"{number} Pine St",
        )  # fmt: skip
    login(ann)

    page.goto("/admin/leads/lead/map/")
    page.get_by_text("3 leads in this window.").wait_for()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator(".desk-outline").count() > 0
    page.locator(".leaflet-marker-icon[title='1 Pine St, Contacted']").press("Enter")
    popup = page.locator(".leaflet-popup-content")
    assert popup.inner_text().split("\n")[0] == "1 Pine St"
    assert str(leads[1].pk) in str(popup.get_by_role("link").get_attribute("href"))
    for width in (1400, 1440):  # the leads are asked for anew, and what she reads stays open
        with page.expect_response("**/points/**"):
            page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)
    assert popup.inner_text().split("\n")[0] == "1 Pine St"
    page.keyboard.press("Escape")

    page.get_by_label("Near: latitude, longitude, miles").fill("47.60,-122.32,3")
    page.get_by_label("Near: latitude, longitude, miles").press("Enter")
    page.get_by_text("2 leads in this window.").wait_for()
    assert "near=47.60%2C-122.32%2C3" in page.url
    page.get_by_label("Near: latitude, longitude, miles").fill("")
    page.get_by_label("Corners of the area").fill("47.59,-122.34 47.62,-122.34 47.60,-122.32")
    page.get_by_label("Corners of the area").press("Enter")
    page.get_by_text("1 lead in this window.").wait_for()
    link = page.get_by_role("link", name="Show as a list")
    assert "area=47.59%2C-122.34" in str(link.get_attribute("href"))

    page.get_by_role("button", name="Remove the area").press("Enter")
    page.get_by_role("button", name="Draw an area").press("Enter")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.get_by_role("button", name="Add a corner at the middle").press("Enter")
        page.locator("#leads-map").press(key)
        page.wait_for_timeout(400)  # the map glides
    page.get_by_role("button", name="Finish the area").press("Enter")
    assert len(page.get_by_label("Corners of the area").input_value().split()) == 3


@pytest.mark.long
def test_an_area_drawn_with_the_mouse_is_the_search_and_the_map_goes_to_a_typed_state(
    login: Callable[[Any], None], page: Page, axe_check: Check
):
    ann = create_api_token(username="ann")[0]
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    login(ann)
    page.goto("/admin/buckets/bucket/find/?place=Washington")
    page.wait_for_function("deskOutlines && document.querySelector('.desk-outline')")
    page.get_by_text("122° W").first.wait_for()  # a country's grid has meridians of ten degrees
    page.get_by_role("button", name="Draw an area").click()
    box = page.locator("#find-map").bounding_box()
    assert box
    for x, y in ((0.3, 0.3), (0.6, 0.3), (0.5, 0.6)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(300)  # two clicks are no double click
    page.get_by_role("button", name="Finish the area").click()
    assert len(page.get_by_label("Area", exact=True).input_value().split()) == 3
    assert page.get_by_label("Place", exact=True).input_value() == ""
    page.get_by_text("Area with 3 corners around").wait_for()
    axe_check(page)


@pytest.mark.parametrize("width", [390])
def test_on_a_phone_the_map_goes_to_the_leads_clusters_open_by_a_key_and_corners_stand_on_them(
    login: Callable[[Any], None], page: Page
):
    ann = create_api_token(username="ann")[0]
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    _, leads = make_leads(PINS_MOST + 2, by=ann)
    for part, latitude in ((leads[::2], "47.60"), (leads[1::2], "47.75")):  # out of a phone's first window
        Lead.objects.filter(pk__in=[lead.pk for lead in part]).update(latitude=latitude, longitude="-122.33")
    login(ann)
    page.goto("/admin/leads/lead/map/")
    words = page.locator("#leads-map-words")
    page.get_by_text(f"{PINS_MOST + 2} leads in this window, as clusters").wait_for()
    clusters = page.locator("#leads-map .desk-cluster")

    page.get_by_role("button", name="Draw an area").click()
    for number in range(2):
        clusters.nth(number).click(force=True)
        page.wait_for_timeout(300)  # two clicks are no double click
    assert page.locator(".desk-handle").count() == 2
    assert words.inner_text().startswith("2 corners.")
    page.keyboard.press("Escape")
    page.get_by_text(f"{PINS_MOST + 2} leads in this window, as clusters").wait_for()

    clusters.first.press("Enter")
    page.get_by_text(f"{PINS_MOST // 2 + 1} leads in this window.").wait_for()
    assert page.evaluate("document.activeElement.id") == "leads-map"
    assert "km" not in page.locator(".leaflet-control-scale").inner_text()
