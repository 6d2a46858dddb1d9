"""A callback from beginning to end in a real browser: set by keyboard, seen on Home when it is due, finished."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from buckets.services import create_bucket
from common.dates import moment
from leads.models import Lead
from tests.admin_site import address
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHOENIX = ZoneInfo("America/Phoenix")


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_a_callback_is_set_by_keyboard_seen_on_home_and_finished(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None]
):
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/Phoenix")
    login(ann)
    bucket, _ = create_bucket(by=ann, name="King County", property_ids=["1"])
    lead = bucket.leads.get()
    Lead.objects.filter(pk=lead.pk).update(property_address="12 Main St", owner_name="Jo Smith")
    due = (timezone.now() + timedelta(days=3)).astimezone(PHOENIX).replace(hour=14, minute=30, second=0, microsecond=0)

    page.goto(address(Lead, "change", lead.pk))
    time = page.get_by_label("Call back at")
    assert not time.is_visible()
    page.get_by_label("Activity type*").focus()
    page.keyboard.type("Callback")
    assert time.is_visible()
    axe_check(page)
    page.keyboard.press("Tab")
    page.keyboard.type(f"{due:%m%d%Y}")
    page.keyboard.press("Tab")  # a year may have six digits
    page.keyboard.type("0230PM")
    assert time.input_value() == f"{due:%Y-%m-%dT%H:%M}"
    page.get_by_label("Notes").focus()
    page.keyboard.type("Ring after work")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text(f"Call back: {moment(due, 'America/Phoenix')}").wait_for()
    axe_check(page)
    assert Lead.objects.get().callback_at == due

    page.goto("/admin/")
    page.get_by_text("Nothing needs you now").wait_for()
    Lead.objects.update(callback_at=due - timedelta(days=4))
    page.reload()
    page.get_by_role("link", name="1 callback due").wait_for()
    axe_check(page)
    page.get_by_role("link", name="1 callback due").click()
    page.get_by_text("1 lead on this page").wait_for()
    axe_check(page)
    page.goto("/admin/")
    page.get_by_role("link", name="2:30 PM MST: Jo Smith, 12 Main St").click()
    page.get_by_text("Overdue").wait_for()
    axe_check(page)
    page.get_by_role("button", name="Done").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Callback done.").wait_for()

    assert page.get_by_role("button", name="Done").count() == 0
    page.goto("/admin/")
    page.get_by_text("Nothing needs you now").wait_for()
    assert Lead.objects.get().callback_at is None
