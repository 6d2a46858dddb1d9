"""The desk of leads in a real browser: found, filtered, kept as a view, unmasked, worked on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.models import User
from buckets.services import create_bucket
from leads.models import Lead, SavedView
from tests.admin_site import address, sees_contacts
from tests.pages.checks import BOTH, WIDTHS
from tests.support import contacts_told

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
FACTS = {
    "property_address": "12 Main St",
    "property_city": "Seattle",
    "property_state": "WA",
    "owner_name": "Jo Smith",
    "phone": "+12065550142",
    "phone_type": "mobile",
    "phone_do_not_call": False,
    "secondary_phone": "+12065550143",
    "secondary_phone_type": "landline",
    "secondary_phone_do_not_call": True,
    "email": "jo.smith@example.com",
    "enrichment_status": "completed",
    "estimated_value": 650_000,
    "tax_lien": True,
    "latitude": "47.6062095",
    "longitude": "-122.3320708",
    "apollo_linkedin_url": "https://www.linkedin.com/in/jo-smith",
}


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


@pytest.fixture
def lead(ann: User) -> Lead:
    """The 31st of 60: a page of the list does not hold them all."""
    bucket, _ = create_bucket(by=ann, name="King County", property_ids=[f"{n}" for n in range(60)])
    lead = bucket.leads.order_by("pk")[30]
    now = timezone.now()
    Lead.objects.filter(pk=lead.pk).update(**FACTS, enriched_at=now, skip_traced_at=now, apollo_enriched_at=now)
    return Lead.objects.get(pk=lead.pk)


@pytest.mark.parametrize("width", BOTH)
def test_a_masked_phone_is_unmasked_and_that_is_recorded(ann: User, lead: Lead, page: Page, axe_check: Check):
    ann.memberships.update(is_masked=True)
    page.goto(address(Lead, "change", lead.pk))
    assert page.get_by_role("button", name="Show phones").count() == 0
    axe_check(page)

    sees_contacts(ann)
    page.goto(address(Lead, "changelist"))
    page.get_by_role("textbox", name="phone").fill("(206) 555-0143")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="12 Main St").click()
    contact = page.get_by_role("region", name="Contact", exact=True)
    assert "•••• 0142" in contact.inner_text()
    page.get_by_role("button", name="Show phones").focus()
    page.keyboard.press("Enter")
    contact.locator(".desk-contact", has_text="+1 206 555 0142").wait_for()

    words = contact.inner_text()
    assert "jo.smith@example.com" in words
    assert "+1 206 555 0143" in words
    assert contact.get_by_role("link", name="+1 206 555 0143").count() == 0  # it is on a do-not-call list
    assert contacts_told() == [("ann", "contacts.shown", "admin", 1)]
    axe_check(page)
    page.reload()
    contact.locator(".desk-contact", has_text="+1 206 555 0142").wait_for()  # for 15 minutes, or until it is hidden
    page.get_by_role("button", name="Hide", exact=True).press("Enter")
    contact.get_by_text("•••• 0142").first.wait_for()


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_filters_are_chosen_and_kept_as_a_view(ann: User, lead: Lead, page: Page, axe_check: Check):
    page.goto(f"{address(Lead, 'changelist')}?view=all")
    page.get_by_role("link", name="Older").click()
    page.get_by_text("10 leads on this page").wait_for()
    if not page.locator("#changelist-filter").is_visible():  # a phone: it is folded
        page.get_by_role("button", name="Filters", exact=True).press("Enter")
        page.wait_for_function("document.activeElement.name === 'sort'")
    for group in ("Property", "Owner"):
        page.locator("#changelist-filter summary", has_text=group).press("Enter")
    axe_check(page)
    page.get_by_label("State", exact=True).fill("wa")
    page.get_by_label("Tax lien").select_option("Yes")
    page.get_by_role("button", name="Apply filters").click()
    page.get_by_text("1 lead on this page").wait_for()
    page.locator("summary", has_text="Save view").press("Enter")
    page.get_by_label("Name of this view").fill("Liens in WA")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_role("link", name="Liens in WA").click()
    page.get_by_text("1 lead on this page").wait_for()
    axe_check(page)

    assert SavedView.objects.get().query == "propertyState=wa&taxLien=true"
    page.locator("summary", has_text="Edit view").press("Enter")
    page.get_by_role("button", name="Delete the view Liens in WA").click()
    page.get_by_text("Deleted: Liens in WA").wait_for()
    assert SavedView.objects.count() == 0


def test_a_call_is_noted_and_many_are_tagged(ann: User, lead: Lead, page: Page, axe_check: Check):
    page.goto(address(Lead, "change", lead.pk))
    page.get_by_label("Status*").select_option("Contacted")
    page.get_by_label("Activity type*").select_option("Call")
    page.get_by_label("Notes").fill("Asked to be called in May.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("region", name="Activity").get_by_text("Asked to be called in May.").wait_for()

    page.goto(f"{address(Lead, 'changelist')}?view=all")
    for row in (0, 1):
        page.locator("#result_list input.action-select").nth(row).check()
    page.locator("select[name=action]").select_option("tag")
    page.get_by_title("Run the selected action").click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)
    page.get_by_label("Tag").fill("hot")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("2 of 2 leads tagged hot.").wait_for()

    lead.refresh_from_db()
    assert (lead.status, lead.activity_count) == ("contacted", 2)
    assert Lead.objects.filter(tags__name="hot").count() == 2
