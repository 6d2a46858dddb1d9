"""Texting by its pages alone, in a real browser: set-up, template, draft, dry run, approval, launch, what owners write
back, and the receipt on the lead. The vendor is the sandbox, which calls the live server back.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from campaigns.inbound import reading
from campaigns.models import Campaign, Conversation, Delivery, Sender, StateAnswer, Template
from campaigns.previews.making import make_preview, waiting
from leads.models import Lead, Seller, Suppression
from sandbox.server import Sandbox, SandboxConfig
from tests.admin_site import address
from tests.campaigns.samples import NOON, World, allow, owner
from tests.campaigns.sending.world import at_time, hits, send_all
from tests.leads.samples import make_leads
from tests.pages.checks import WIDTHS
from tests.support import PRICES, point_at, set_operations

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = os.environ.get("TEXTING_SHOTS", "")  # a folder, to look at them
OURS = "+16175550100"
FIRST = "Hi {{firstName|there}}, this is {{companyName}} about {{address}}. Reply STOP to end."
SECOND = "{{firstName}}, {{companyName}} about {{address}}. Reply STOP to end."
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendor(settings: Any, live_server: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http

    with Sandbox(SandboxConfig(generate=10, prices=PRICES, callback_base=live_server.url)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL = live_server.url
        settings.SMS_VENDOR = "twilio"
        settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"vendor": "twilio"}}
        yield server
        http.close_connections()


def read_until(is_so: Callable[[], bool]) -> None:
    """Reads the vendor's posts, as a worker would, until it is so."""
    ends = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < ends
        reading.handle_open()
        time.sleep(0.05)


@pytest.mark.long
def test_from_the_set_up_to_the_receipt_on_the_lead(
    page: Page, login: Callable[[Any], None], axe_check: Callable[[Page], None], vendor: Sandbox, settings: Any
) -> None:
    def look(name: str) -> None:
        for width in reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": 900})
            axe_check(page)
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).press("Enter")

    def write(lead: Lead, words: str) -> None:
        """Its owner writes to us: the vendor posts it to the live server."""
        vendor.messaging.texts.write(str(lead.phone), OURS, words, vendor.messaging.twilio)

    at_time(settings, NOON)
    ann = User.objects.create_user("ann", is_staff=True, first_name="Ann", time_zone="America/New_York")
    bucket, rows = make_leads(3, by=ann)
    first, second, third = leads = [owner(lead, number) for number, lead in enumerate(rows)]
    login(ann)

    page.goto("/admin/campaigns/sender/set-up/")
    page.get_by_text("5 of 7 missing before the first text").wait_for()
    look("set-up")
    page.goto(address(Sender, "add"))
    page.get_by_text("Fill in the seller profile first.").wait_for()
    page.goto(address(Seller, "add"))
    for name, value in (
        ("legal_name", "Acme Homes LLC"), ("trade_name", "Acme Homes"), ("callback_phone", "617-555-0100"),
        ("postal_address", "1 Main St, Boston, MA 02108"), ("policy_text", "We do not contact who asked us not to."),
    ):  # fmt: skip
        page.locator(f"#id_{name}").fill(value)
    page.locator("#id_attest").check()
    press("Save")
    page.get_by_text("Seller profile saved.").wait_for()
    page.goto(address(Sender, "add"))
    page.get_by_label("Number").fill("12")
    press("Add")
    page.get_by_text("This is no American phone number").wait_for()
    look("number")
    page.get_by_label("Number").fill("617 555 0100")
    page.get_by_label("10DLC campaign registration").fill("C123")
    press("Add")
    page.get_by_text("Number added.").wait_for()
    page.goto(address(StateAnswer, "add"))
    page.get_by_label("States").fill("MA, ZZ")
    page.get_by_label("Answer").select_option("not_needed")
    press("Save")
    page.get_by_text("There is no such state").wait_for()
    page.get_by_label("States").fill("all")
    press("Save")
    page.get_by_text("Answered for").wait_for()

    page.goto(address(Template, "add"))
    page.locator("#id_name").fill("First")
    page.locator("#id_text").fill("Hi {{firstname}}")
    page.locator("#template-shown .desk-trouble", has_text="firstName").wait_for()  # did you mean
    page.locator("#id_text").fill(FIRST)
    page.locator("#id_lead").select_option(label="1 Oak St")
    page.get_by_text("Hi Mariaa, this is Acme Homes about 1 Oak St. Reply STOP to end.").wait_for()
    assert "Each message: 1 segment, $0.0083" in page.locator("#template-shown").inner_text()
    look("template")
    press("Save")
    page.get_by_text("Saved: First.").wait_for()
    page.goto(address(Template, "add"))
    page.locator("#id_name").fill("Second touch")
    page.locator("#id_text").fill(SECOND)
    press("Save")
    page.get_by_text("Saved: Second touch.").wait_for()
    made = World(ann, Seller.objects.get(), Sender.objects.get(), Template.objects.get(name="First"), bucket, leads)
    for lead in leads:
        allow(made, lead)
    page.goto("/admin/campaigns/sender/set-up/")
    page.get_by_text("Everything is set up.").wait_for()

    page.goto(address(Campaign, "add"))
    page.locator("#id_name").fill("Spring")
    page.locator("#id_whom").select_option(label=bucket.name)
    page.locator("#id_s1-a").select_option(label="First")
    page.locator("#id_s1-b").select_option(label="Second touch")
    page.get_by_text("As 1 Oak St gets them").wait_for()
    press("Show another lead")
    page.get_by_text("As 2 Oak St gets them").wait_for()
    assert "Hi Mariab, this is Acme Homes about 2 Oak St." in page.locator("#campaign-texts").inner_text()
    page.get_by_text("Combination of buckets", exact=True).click()
    look("draft")
    press("Save draft")
    press("Start dry run")
    page.get_by_text("In progress: who gets what").wait_for()
    assert [make_preview(one) is not None for one in waiting()] == [True]
    page.get_by_role("button", name="Approve").wait_for()
    assert "3 people get 3 messages, for $0.0249 to $0.0249" in page.get_by_role("main").inner_text()
    look("dry-run")
    page.get_by_role("link", name="All people and texts").click()
    page.get_by_text(re.compile(r"Tue, Sep 15, 11:0\d AM EDT")).first.wait_for()  # the clock goes on as it tests
    look("people")
    page.goto("/admin/")
    page.get_by_role("link", name="Waits for approval: Spring").click()
    press("Approve")
    page.get_by_text("Nobody is contacted before it is launched").wait_for()
    assert hits(vendor) == []
    press("Launch")
    page.get_by_text("Launched.").wait_for()

    send_all()
    read_until(lambda: Delivery.objects.filter(state="delivered").count() == 3)
    page.get_by_role("link", name="Delivered", exact=True).wait_for()  # by itself
    assert re.search(r"Together\s+3", page.get_by_role("table", name="Messages").inner_text())
    money = page.locator("#campaign-live .desk-figures").inner_text()
    assert ("$0.0249" in money, "Reserved" in money) == (True, False)
    assert sorted(hits(vendor)) == sorted(str(lead.phone) for lead in leads)
    row = Delivery.objects.get(lead_id=third.pk)
    Delivery.objects.filter(pk=row.pk).update(state="in_doubt")  # its answer was lost
    page.goto(address(Campaign, "change", Campaign.objects.get().pk))
    look("results")
    page.get_by_role("link", name="Look at it").click()
    page.get_by_text("An operator finds out at the vendor").wait_for()
    look("messages")

    write(first, "What would you pay?")
    write(second, "We have got to STOP this bill")
    read_until(lambda: Conversation.objects.count() == 2)
    page.goto("/admin/")
    page.get_by_role("link", name="Inbox: 1 to decide, 1 not read").click()
    look("inbox")
    page.get_by_role("link", name="1 Oak St").first.click()
    page.get_by_text("What would you pay?").wait_for()
    answer = page.get_by_label("Your answer")
    answer.fill("   ")
    answer.press("Control+Enter")
    page.get_by_text("Please correct what is marked below.").wait_for()
    look("conversation")
    answer.fill("May I call you?")
    answer.press("Control+Enter")
    page.get_by_text("Your answer is on its way").wait_for()
    send_all()
    read_until(lambda: Delivery.objects.filter(purpose="reply", state="delivered").exists())
    page.reload()
    assert re.search(r"ann · .* · delivered\s+May I call you\?", page.get_by_role("main").inner_text())
    page.goto(address(Conversation, "changelist"))
    page.get_by_role("link", name="2 Oak St").first.click()
    page.get_by_text("Was this an opt-out?").wait_for()
    assert answer.count() == 0
    look("undecided")
    press("It was an opt-out")
    page.get_by_text("Opted out: nobody contacts them any more.").wait_for()
    assert Suppression.objects.filter(reason="stop").exists()

    page.goto(address(Lead, "change", first.pk))
    panel = page.get_by_role("region", name="May I contact her now?")
    panel.get_by_text("What was answered before").press("Enter")
    assert re.search(r"YES\s+Tue, Sep 15, .* · Reply\s+Text\s+YES\s+Tue, Sep 15, .* · Campaign", panel.inner_text())
    look("lead")
    page.goto(address(Lead, "change", second.pk))
    assert "Do not contact: opted out on" in panel.inner_text()
