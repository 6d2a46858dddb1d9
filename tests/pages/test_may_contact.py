"""A lead's page says by which channels its owner may be contacted now, and why not: in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from accounts.models import User
from campaigns.gate.contact import may_contact
from leads.models import Lead
from leads.permission.suppressing import suppress
from tests.admin_site import address
from tests.campaigns.gate.samples import NOON, B, agreed, bucket_of, checked, company, person
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = os.environ.get("MAY_CONTACT_SHOTS", "")  # a folder, to look at them


@pytest.mark.parametrize("width", BOTH)
def test_the_answers_and_their_reasons(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], width: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("campaigns.clock.now", lambda: NOON + timedelta(hours=9))
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/New_York")
    login(ann)
    seller = company(ann)
    house = {"property_address": "12 Main St", "owner_name": "Jo Roe"}
    lead = person(bucket_of(ann).leads.order_by("pk")[0], owner=house)
    checked(seller)
    agreed(seller)
    may_contact(lead.pk, "sms", by=ann, purpose="manual", at=NOON)

    page.goto(address(Lead, "change", lead.pk))
    panel = page.get_by_role("region", name="May I contact her now?")
    assert "Outside calling hours: Eastern time is 9:00 PM" in panel.inner_text()
    assert "Try again Wed, Sep 16, 8:00 AM EDT" in panel.inner_text()
    panel.get_by_text("What was answered before").press("Enter")
    assert "By hand" in panel.inner_text()
    axe_check(page)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/may-contact-{width}.png", full_page=True)

    with transaction.atomic():
        suppress([(1, B)], reason="stop", source="inbound:1", at=NOON)
    page.reload()
    assert "Do not contact: opted out on Sep 15, 2026." in panel.inner_text()
    page.goto(f"{address(Lead, 'changelist')}?suppressed=true")
    assert page.get_by_role("link", name="12 Main St").count() == 1
    assert page.get_by_role("row", name="12 Main St").get_by_text("Suppressed", exact=True).count() == 1
