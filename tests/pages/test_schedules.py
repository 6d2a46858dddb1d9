"""A schedule made by keyboard, by somebody who reads nothing but the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Schedule
from tests.admin_site import address
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
pytestmark = pytest.mark.django_db(transaction=True)


def look(page: Page, axe_check: Check) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)


@pytest.mark.long
def test_a_daily_schedule_by_keyboard(page: Page, login: Callable[[Any], None], axe_check: Check):
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/New_York")
    bucket = Bucket.objects.create(owner=ann, name="Kings")
    login(ann)
    page.goto(address(Bucket, "change", bucket.pk))
    page.get_by_role("link", name="Schedule …").press("Enter")

    page.get_by_label("What to do").wait_for()
    page.get_by_label("Only data older than (days)").wait_for(state="hidden")
    page.get_by_label("Cron expression").wait_for(state="hidden")
    look(page, axe_check)
    page.get_by_label("Spending limit each time ($)").focus()
    page.keyboard.type("25")
    page.get_by_label("Time", exact=True).focus()
    page.keyboard.type("0315AM")
    page.get_by_text(re.compile(r", 3:15 AM E[SD]T, then")).wait_for()
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_text("saved and on").wait_for()
    page.get_by_text("Failures in a row").wait_for()
    look(page, axe_check)

    schedule = Schedule.objects.get()
    assert (schedule.bucket, schedule.cadence, schedule.max_cost) == (bucket, "15 3 * * *", 25)


@pytest.mark.long
def test_only_what_the_kind_needs_is_asked(page: Page, login: Callable[[Any], None], axe_check: Check):
    ann = User.objects.create_user("ann", is_staff=True)
    bucket = Bucket.objects.create(owner=ann, name="Kings", filters={"state": "WA"})
    login(ann)
    page.goto(f"{address(Schedule, 'add')}?bucket={bucket.pk}")
    page.get_by_label("Spending limit each time ($)").fill("9")
    page.get_by_label("What to do").select_option("refresh")
    page.get_by_label("Spending limit each time ($)").wait_for(state="hidden")
    page.get_by_label("How often").select_option("weekly")
    page.get_by_label("Monday", exact=True).uncheck()
    page.get_by_label("Friday").check()
    page.get_by_label("Sunday").press("Space")
    look(page, axe_check)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("saved and on").wait_for()

    schedule = Schedule.objects.get()
    assert (schedule.kind, schedule.cadence, schedule.max_cost) == ("refresh", "30 2 * * 0,5", None)
