"""Home as a person uses it: live bars move by themselves, what needs them leads to where it is decided."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.access import team_of
from accounts.models import User
from accounts.notices import notify
from buckets.models import Bucket
from campaigns import clock
from campaigns.models import Conversation
from common.db.ids import uuid7
from enrichment.models import Run
from integrations.ledger import catalogue, scopes
from integrations.models import Budget, VendorCall
from leads.models import Activity, Lead
from tests.admin_site import member
from tests.campaigns.gate.samples import NOON, company, key_of
from tests.pages.checks import WIDTHS
from tests.pages.test_dialer import called_houses

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
SHOTS = os.environ.get("HOME_SHOTS", "")  # a folder, to look at them


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


def look(page: Page, axe_check: Check, name: str) -> None:
    """Both widths; with SHOTS light and dark, to be looked at."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)
        for is_dark in (False, True) if SHOTS else ():
            page.evaluate("(on) => document.documentElement.classList.toggle('dark', on)", is_dark)
            page.wait_for_timeout(700)
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{'dark' if is_dark else 'light'}.png", full_page=True)
        page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def at_work(ann: User) -> list[Lead]:
    """A team at work: six owners ready to call, a callback, a reply, money of some days, contacts of some weeks."""
    company(ann, flag=True)
    leads, team_id, now = called_houses(ann, 6), team_of(ann), timezone.now()
    counts = {"total_leads": 1742, "detailed_leads": 620, "phone_leads": 410, "contacted_leads": 38}
    Bucket.objects.filter(owner=ann).update(**counts)
    Lead.objects.filter(pk=leads[5].pk).update(
        callback_at=clock.now() - timedelta(minutes=5), assigned_to=ann, status="qualified"
    )
    talk = Conversation(team_id=team_id, lead=leads[4], key=key_of(leads[4].phone or ""), opened_at=now, last_in_at=now)
    talk.save()
    notify(team_id=team_id, kind="reply", about=talk, words="An owner replied by text.", to=[ann.pk])
    Budget.objects.create(scope=scopes.team_month(team_id, now), spent=Decimal("41.20"))
    for days, cost in ((0, "3.10"), (1, "12.40"), (4, "25.70")):
        at = now - timedelta(days=days)
        VendorCall.objects.create(
            id=uuid7(), operation=catalogue.operation("property_detail"), state="settled", inputs=1, reserved=0,
            cost=cost, holds={scopes.team_month(team_id, at): cost}, created_at=at, slot_at=at, sent_at=at,
            lease_until=at,
        )  # fmt: skip
    for lead in leads[:3]:
        Activity.objects.create(lead=lead, by=ann, kind="call")
    return leads


@pytest.mark.long
def test_somebody_new_finds_the_first_steps(ann: User, page: Page, axe_check: Check):
    page.goto("/admin/")
    look(page, axe_check, "new")
    page.locator("#step-search").click()

    page.wait_for_url("**/find/")


def test_a_team_at_work_sees_its_day_and_starts_calling_by_one_press(
    ann: User, page: Page, login: Callable[[Any], None], axe_check: Check, settings: Any
):
    settings.CAMPAIGN_CLOCK = (NOON, 1)
    leads = at_work(ann)
    cal = member(leads[0].team, "caller", "cal")[0]
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=cal)
    page.goto("/admin/")
    page.get_by_text("As a table").first.click()
    look(page, axe_check, "manager")
    page.locator("#notices").click()
    look(page, axe_check, "notifications")
    page.get_by_role("button", name="Mark read: An owner replied").click()
    page.wait_for_url("**/notifications/")
    assert page.locator("#notices").get_attribute("aria-label") == "Notifications"
    page.get_by_role("link", name="Choose what I hear of").click()
    look(page, axe_check, "notification-settings")

    page.goto("/admin/")
    page.locator("#start-calling").click()
    page.locator('#dialer-now[data-state="offer"]').wait_for()
    login(cal)
    page.goto("/admin/")
    look(page, axe_check, "caller")


@pytest.mark.long
def test_a_bar_moves_and_a_pause_shows_up_without_a_touch(ann: User, page: Page, axe_check: Check):
    bucket = Bucket.objects.create(owner=ann, name="King County", total_leads=200)
    run = Run.objects.create(
        bucket=bucket, bucket_name=bucket.name, owner=ann, status="running", total=200, enriched=20
    )
    page.goto("/admin/")
    bar = page.get_by_role("progressbar", name="Leads done of King County")
    assert bar.get_attribute("aria-valuenow") == "20"
    axe_check(page)

    Run.objects.filter(pk=run.pk).update(enriched=90, status="paused", paused_by="cap", reason="The cap is used up.")
    page.wait_for_selector('[aria-valuenow="90"]')
    page.get_by_role("link", name="Paused: King County").click()

    page.wait_for_url(f"**/{bucket.pk}/change/")
