"""Writing an e-mail template, seeing it as it arrives, and the page behind Unsubscribe: in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from campaigns.models import Snippet, Template
from leads.models import Suppression
from tests.admin_site import address
from tests.campaigns.tracking.world import PUBLIC, mailed
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = os.environ.get("MAIL_SHOTS", "")  # a folder, to look at them
TEXT = "Hi {{firstName|there}},\n\n{{snippet:signature}}\n{{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_e_mail_is_written_and_unsubscribed_from(
    page: Page, login: Callable[[Any], None], axe_check: Callable[[Page], None], live_server: Any, settings: Any
) -> None:
    def look(name: str) -> None:
        for width in reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": 900})
            axe_check(page)
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)

    made = mailed(settings)
    path = made.way_out()
    settings.PUBLIC_URL = live_server.url
    made.made.ann.is_staff = True
    made.made.ann.save()
    login(made.made.ann)

    page.goto(address(Snippet, "add"))
    page.locator("#id_name").fill("signature")
    page.locator("#id_text").fill("Jane <Acme>\n{{agentPhone}}")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    page.get_by_text("Snippet saved: signature.").wait_for()

    page.goto(address(Template, "add"))
    page.get_by_role("link", name="Write an e-mail template instead").click()
    page.locator("#id_name").fill("First mail")
    page.locator("#id_subject").fill("About {{address}}")
    page.locator("#id_text").fill("Hello")
    page.locator("#template-shown .desk-trouble", has_text="companyAddress").wait_for()
    page.locator("#id_text").fill(TEXT + "\nAct now: http://192.0.2.7/")
    page.locator("#id_lead").select_option(label=str(made.made.leads[0]))
    page.get_by_text("gets “About 1 Oak St”").wait_for()
    page.get_by_text("192.0.2.7 is an IP address").wait_for()
    for title in ("On a phone", "On a desktop"):
        inside = page.frame_locator(f"iframe[title='{title}']")
        inside.get_by_text("Jane <Acme>").wait_for()
        assert inside.get_by_role("link", name="Unsubscribe").count() == 1
    assert page.locator("iframe[title='On a phone']").evaluate("frame => frame.offsetWidth") == 375
    look("template")
    page.locator("#id_text").fill(TEXT)
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    page.get_by_text("Saved: First mail.").wait_for()
    look("template-saved")

    page.context.clear_cookies()
    page.goto(path)
    page.get_by_role("heading", name="Unsubscribe").wait_for()
    page.get_by_text("Press the button, and Acme Homes will send no more e-mail to p…@example.com.").wait_for()
    look("unsubscribe")
    assert Suppression.objects.count() == 0
    page.get_by_role("button", name="Unsubscribe").press("Enter")
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    look("unsubscribed")
    assert page.context.cookies() == [] and PUBLIC not in page.content()
    assert list(Suppression.objects.values_list("reason", "scope")) == [("one_click", "email")]
