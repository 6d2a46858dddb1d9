"""A campaign by its pages alone, in a real browser: template, draft, dry run, approval, launch, results."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from campaigns.models import Campaign, Delivery, Template
from campaigns.previews.making import make_preview, waiting
from sandbox.server import Sandbox, SandboxConfig
from tests.admin_site import address
from tests.campaigns.samples import NOON, world
from tests.campaigns.sending.world import at_time, hits, send_all
from tests.pages.checks import WIDTHS
from tests.support import PRICES, point_at, set_operations

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
SHOTS = os.environ.get("CAMPAIGN_SHOTS", "")  # a folder, to look at them
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendor(settings: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http

    with Sandbox(SandboxConfig(generate=10, prices=PRICES)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        settings.SMS_VENDOR = "twilio"
        settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"vendor": "twilio"}}
        yield server
        http.close_connections()


def look(page: Page, axe_check: Check, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def test_from_the_template_to_the_results(
    page: Page, login: Callable[[Any], None], axe_check: Check, vendor: Sandbox, settings: Any
) -> None:
    at_time(settings, NOON)
    ann = User.objects.create_user("ann", is_staff=True, first_name="Ann", time_zone="America/New_York")
    made = world(3, ann=ann)
    login(ann)

    page.goto(address(Template, "add"))
    page.locator("#id_name").fill("Second touch")
    page.locator("#id_text").fill("Hi {{firstname}}")
    page.locator("#template-shown .desk-trouble", has_text="firstName").wait_for()  # did you mean
    page.locator("#id_text").fill("{{firstName}}, {{companyName}} about {{address}}. Reply STOP to end.")
    page.locator("#id_lead").select_option(label="1 Oak St")
    page.get_by_text("Mariaa, Acme Homes about 1 Oak St. Reply STOP to end.").wait_for()
    assert "Each message: 1 segment, $0.0083" in page.locator("#template-shown").inner_text()
    look(page, axe_check, "template")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_text("Saved: Second touch.").wait_for()

    page.goto(address(Campaign, "add"))
    page.locator("#id_name").fill("Spring")
    page.locator("#id_whom").select_option(label=made.bucket.name)
    page.locator("#id_s1-a").select_option(label="First")
    page.locator("#id_s1-b").select_option(label="Second touch")
    page.get_by_text("As 1 Oak St gets them").wait_for()
    page.get_by_role("button", name="Show another lead").click()
    page.get_by_text("As 2 Oak St gets them").wait_for()
    assert "Hi Mariab, this is Acme Homes about 2 Oak St." in page.locator("#campaign-texts").inner_text()
    look(page, axe_check, "draft")
    page.get_by_role("button", name="Save draft").press("Enter")

    page.get_by_role("button", name="Start dry run").click()
    page.get_by_text("In progress: who gets what").wait_for()
    assert [make_preview(one) is not None for one in waiting()] == [True]
    page.get_by_role("button", name="Approve").wait_for()
    assert "3 people get 3 messages, for $0.0249 to $0.0249" in page.get_by_role("main").inner_text()
    look(page, axe_check, "dry-run")
    page.get_by_role("link", name="All people and texts").click()
    page.get_by_text("Tue, Sep 15, 11:00 AM EDT").first.wait_for()
    look(page, axe_check, "people")
    page.get_by_role("link", name="Campaign", exact=True).click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Nobody is contacted before it is launched").wait_for()
    assert hits(vendor) == []
    page.get_by_role("button", name="Launch").click()
    page.get_by_text("Launched.").wait_for()

    send_all()
    campaign = Campaign.objects.get(name="Spring")
    page.get_by_role("link", name="Sent", exact=True).wait_for()  # by itself
    table = page.get_by_role("table", name="Messages").inner_text()
    assert re.search(r"Together\s+3", table)
    money = page.locator("#campaign-live .desk-figures").inner_text()
    assert ("$0.0249" in money, "Reserved" in money) == (True, False)
    assert sorted(hits(vendor)) == sorted(str(lead.phone) for lead in made.leads)
    row = Delivery.objects.filter(campaign=campaign).earliest("pk")
    Delivery.objects.filter(pk=row.pk).update(state="in_doubt")  # its answer was lost
    page.goto(address(Campaign, "change", campaign.pk))
    look(page, axe_check, "results")
    page.get_by_role("link", name="Look at it").click()
    page.get_by_text("An operator finds out at the vendor").wait_for()
    look(page, axe_check, "messages")
