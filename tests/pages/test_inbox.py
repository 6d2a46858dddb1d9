"""Setting up texting, and the Inbox, in a real browser: what is missing, a number, an answer by keyboard, deciding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from accounts.models import User
from campaigns.inbound.receiving import receive
from campaigns.models import Conversation, Delivery, Sender, StateAnswer
from common.db.ids import uuid7
from integrations.vendors.messaging import IncomingText
from leads.models import Lead, Suppression
from leads.permission.selling import save_seller
from tests.admin_site import address
from tests.campaigns.gate.samples import PROFILE, B, bucket_of, person
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

OURS = "+16175550100"


def heard(text: str) -> None:
    with transaction.atomic():
        receive(IncomingText("twilio", uuid7().hex, B, OURS, text), uuid7())


@pytest.mark.parametrize("width", WIDTHS)
def test_texting_is_set_up_and_what_owners_write_is_answered_and_decided(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], settings: Any
):
    settings.SMS_VENDOR, settings.PUBLIC_URL = "twilio", "https://buckets.example.com"
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/New_York")
    login(ann)
    lead = person(bucket_of(ann, 1).leads.get())

    page.goto("/admin/campaigns/sender/set-up/")
    assert page.get_by_text("missing before the first text").is_visible()
    axe_check(page)
    page.goto(address(Sender, "add"))
    page.get_by_text("Fill in the seller profile first.").wait_for()
    save_seller(team_id=lead.team_id, by=ann, values=PROFILE, attest=True)
    page.goto(address(Sender, "add"))
    page.get_by_label("Number").fill("12")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("This is no American phone number").wait_for()
    axe_check(page)
    page.get_by_label("Number").fill("617 555 0100")
    page.get_by_label("10DLC campaign registration").fill("C123")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Number added.").wait_for()
    assert Sender.objects.get().number == OURS
    page.goto(address(StateAnswer, "add"))
    page.get_by_label("States").fill("MA, ZZ")
    page.get_by_label("Answer").select_option("not_needed")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("There is no such state").wait_for()
    page.get_by_label("States").fill("all")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Answered for").wait_for()
    axe_check(page)
    page.goto(address(Sender, "change", Sender.objects.get().pk))
    axe_check(page)

    heard("What would you pay?")
    page.goto(address(Conversation, "changelist"))
    axe_check(page)
    page.get_by_role("link", name=str(lead)).first.click()
    page.get_by_text("What would you pay?").wait_for()
    axe_check(page)
    page.get_by_label("Your answer").fill("   ")
    page.get_by_label("Your answer").press("Control+Enter")
    page.get_by_text("Please correct what is marked below.").wait_for()
    page.get_by_label("Your answer").fill("May I call you?")
    page.get_by_label("Your answer").press("Control+Enter")
    page.get_by_text("Your answer is on its way").wait_for()
    assert Delivery.objects.get().body == "May I call you?"

    heard("We have got to STOP this bill")
    page.reload()
    page.get_by_text("Was this an opt-out?").wait_for()
    assert page.get_by_label("Your answer").count() == 0
    axe_check(page)
    page.get_by_role("button", name="It was an opt-out").click()
    page.get_by_text("Opted out: nobody contacts them any more.").wait_for()
    assert Suppression.objects.filter(reason="stop").exists()
    assert Lead.objects.get().pk == lead.pk
