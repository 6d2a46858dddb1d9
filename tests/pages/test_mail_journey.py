"""E-mails by their pages alone, in a real browser: from the address they leave from to the results. The mail server,
its name server and the people are the sandbox's, which calls the live server back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests

from campaigns.inbound import reading
from campaigns.models import Campaign, Conversation, Delivery, MailSender, Template, Touch
from campaigns.previews.making import make_preview, waiting
from common.values.mail_urls import read_mail_url
from leads.models import Suppression
from sandbox.server import Sandbox, SandboxConfig
from tests.admin_site import address
from tests.campaigns.samples import NOON, owner, world
from tests.campaigns.sending.world import at_time, send_all
from tests.pages.checks import WIDTHS
from tests.support import PRICES, point_at, set_operations

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = os.environ.get("MAIL_SHOTS", "")  # a folder, to look at them
FOOT = "\n\n{{companyName}}, {{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
TEXT = "Hi {{firstName|there}},\n\nwould you sell {{address}}? https://acme.example/offer" + FOOT
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendor(settings: Any, live_server: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http, mail

    with Sandbox(SandboxConfig(generate=10, prices=PRICES, mail=True, callback_base=live_server.url)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL, settings.MAIL_VENDOR = live_server.url, "mail"
        settings.CAMPAIGN_MAIL = read_mail_url(server.mail_urls["smtp"])
        settings.VENDORS = settings.VENDORS | {"mail": {"base_url": server.mail_urls["smtp"], "key": "none"}}
        settings.DNS_SERVER, settings.MAIL_WEBHOOK_SECRET = server.mail_urls["dns"], server.mail_secrets
        settings.INBOUND_MAIL_DOMAIN, settings.MAIL_DOMAIN_PACE = "in.example.com", {}
        yield server
        mail.close()
        http.close_connections()


def answer(vendor: Sandbox, to: str, what: str) -> None:
    """It comes of the last e-mail to this address."""
    order = {"to": to, "what": what}
    requests.post(f"{vendor.base_url}/sandbox/mail/answer", json=order, timeout=10).raise_for_status()


def read_until(is_so: Callable[[], bool]) -> None:
    """Reads what came in, as a worker would, until it is so."""
    ends = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < ends
        reading.handle_open()
        time.sleep(0.05)


@pytest.mark.long
def test_from_the_sender_to_the_results(
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

    at_time(settings, NOON)
    made = world(3)
    ann, names = made.ann, ("reader", "answers", "gone")
    for number, name in enumerate(names):
        owner(made.leads[number], number, email=f"{name}@example.com")
    ann.is_staff = True
    ann.save()
    login(ann)

    page.goto(address(MailSender, "add"))
    page.get_by_label("E-mail address").fill("jane@gmail.com")
    page.get_by_label("Name").fill("Jane Agent")
    press("Add")
    page.get_by_text("use a domain of your own").wait_for()
    page.get_by_label("E-mail address").fill("jane@mail.example.com")
    page.get_by_label("DKIM selector").fill("s1")
    press("Add")
    page.get_by_text("Address added. Check its domain next.").wait_for()
    press("Check domain")
    page.get_by_text("Campaigns can send from this address.").wait_for()
    look("sender")

    for name in ("First", "Second"):
        page.goto(address(Template, "add"))
        page.get_by_role("link", name="Write an e-mail template instead").click()
        page.locator("#id_name").fill(f"{name} mail")
        page.locator("#id_subject").fill("About {{address}}")
        page.locator("#id_text").fill(TEXT)
        press("Save")
        page.get_by_text(f"Saved: {name} mail.").wait_for()

    page.goto(address(Campaign, "add"))
    page.locator("#id_name").fill("Letters")
    page.locator("#id_whom").select_option(label=made.bucket.name)
    page.locator("#id_s1-a").select_option(label="First mail")
    page.locator("#id_s1-b").select_option(label="Second mail")
    page.get_by_label("From the e-mail address").select_option(label="jane@mail.example.com")
    page.locator("#id_track_clicks").check()
    page.locator("#id_track_opens").check()
    look("draft")
    press("Save draft")
    press("Start dry run")
    page.get_by_text("In progress: who gets what").wait_for()
    assert [make_preview(one) is not None for one in waiting()] == [True]
    page.get_by_role("button", name="Approve").wait_for()
    assert "3 people get 3 messages" in page.get_by_role("main").inner_text()
    look("dry-run")
    press("Approve")
    page.get_by_text("Nobody is contacted before it is launched").wait_for()
    press("Launch")
    page.get_by_text("Launched.").wait_for()

    send_all()
    log = requests.get(f"{vendor.base_url}/__mail", timeout=10).json()
    assert sorted(hit["to"] for hit in log["hits"]) == sorted(f"{name}@example.com" for name in names)
    answer(vendor, "answers@example.com", "reply")
    answer(vendor, "gone@example.com", "bounce")
    answer(vendor, "gone@example.com", "scan")
    answer(vendor, "reader@example.com", "unsubscribe")
    read_until(lambda: Conversation.objects.exists() and Campaign.objects.filter(bounced=1).exists())
    assert set(Touch.objects.values_list("kind", flat=True)) == {"machine"}
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"hard_bounce", "one_click"}
    states = dict(Delivery.objects.values_list("address", "state"))
    assert states == {f"{name}@example.com": "failed" if name == "gone" else "accepted" for name in names}

    page.goto(address(Campaign, "change", Campaign.objects.get().pk))
    page.get_by_role("table", name="From people to deals").wait_for()
    assert page.get_by_role("table", name="Texts").get_by_role("columnheader", name="Bounced").count() == 1
    look("results")
    page.goto(address(Conversation, "changelist"))
    page.get_by_role("link", name="2 Oak St").first.click()
    page.get_by_text("Who is this, and how did you get my address?").wait_for()
    assert "Unsubscribe: (their own link)" in page.get_by_role("main").inner_text()
    look("conversation")
    page.get_by_label("Your e-mail").fill("Gladly. Tuesday?")
    page.get_by_label("Your e-mail").press("Control+Enter")
    page.get_by_text("Your answer is on its way").wait_for()
    send_all()
    log = requests.get(f"{vendor.base_url}/__mail", params={"to": "answers@example.com"}, timeout=10).json()
    assert [hit["subject"] for hit in log["hits"]][1].startswith("Re: ")
    assert len(log["hits"]) == 2
