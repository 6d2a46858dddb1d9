"""A team from its first invitation: the link in the mail, a second factor, assigned leads worked, seen in the audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from accounts.models import AuditEvent, Membership, User
from buckets.services import create_bucket
from leads.models import Activity, Lead
from tests.admin_site import address
from tests.pages.checks import BOTH
from tests.pages.test_sign_in import digits

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
ZONE = "America/Phoenix"
WORDS = "four unrelated words here"


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_from_the_invitation_to_the_audit(
    login: Callable[[Any], None],
    page: Page,
    axe_check: Check,
    script_errors: list[str],
    settings: Any,
    live_server: Any,
):
    settings.PUBLIC_URL = live_server.url
    settings.FACTOR_REQUIRED_FOR = ["caller"]
    ann = User.objects.create_user("ann", is_staff=True, email="ann@example.com", time_zone=ZONE)
    bucket, _ = create_bucket(by=ann, name="King County", property_ids=["1", "2", "3"])
    first, second, _ = bucket.leads.order_by("pk")
    Lead.objects.filter(pk=first.pk).update(property_address="12 Main St", phone="+12065550143")
    has_authenticator(page)

    login(ann)
    invite_a_caller(page, axe_check)
    page.context.clear_cookies()
    join(page, axe_check)
    set_up_factors(page, axe_check)
    bea = User.objects.get(username="bea")
    assert Membership.objects.get(user=bea).role == "caller"

    login(ann)
    assign(page, axe_check, [first, second], "bea")
    page.context.clear_cookies()
    sign_in_by_passkey(page)
    work(page, axe_check, first)
    page.goto(address(type(bucket), "changelist"))
    page.get_by_role("heading", name="Not permitted").wait_for()
    assert any("403" in error for error in script_errors)  # the browser notes it
    script_errors.clear()

    login(ann)
    see_it_in_the_audit(page, axe_check, first)


def has_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def invite_a_caller(page: Page, axe_check: Check) -> None:
    page.goto("/admin/accounts/team/")
    axe_check(page)
    page.locator("main").get_by_role("link", name="Invite people").click()
    page.get_by_role("textbox", name="E-mail").fill("bea@example.com")
    page.locator("select[name=role]").select_option("caller")
    page.get_by_role("button", name="Send invitation").click()
    page.get_by_text("Invitation sent to bea@example.com.").wait_for()
    axe_check(page)


def join(page: Page, axe_check: Check) -> None:
    (message,) = mail.outbox
    assert message.to == ["bea@example.com"]
    link = re.search(r"http://\S+/join/\S+/", str(message.body))
    assert link is not None
    page.goto(link.group())
    page.get_by_text("ann invites bea@example.com to work in ann as caller.").wait_for()
    axe_check(page)
    page.get_by_label("User name").fill("bea")
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Join").click()


def set_up_factors(page: Page, axe_check: Check) -> None:
    page.get_by_text("Your team requires a second factor").first.wait_for()
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_label("The six digits").fill(digits(page.locator("code").inner_text()))
    page.get_by_role("button", name="Turn on").click()
    page.locator("main").get_by_role("heading", name="Recovery codes").wait_for()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.wait_for_load_state()  # its button waits for the script
    page.locator("main").get_by_role("heading", name="Add a passkey").wait_for()
    page.get_by_role("button", name="Add this device").click()
    page.get_by_text("1 passkey:").wait_for()
    axe_check(page)


def assign(page: Page, axe_check: Check, leads: list[Lead], name: str) -> None:
    page.goto(f"{address(Lead, 'changelist')}?view=all")
    for lead in leads:
        page.locator(f"input[name=_selected_action][value='{lead.pk}']").check()
    page.locator("select[name=action]").select_option("assign")
    page.get_by_role("button", name="Run").click()
    page.get_by_label(name, exact=True).check()
    axe_check(page)
    page.get_by_role("button", name="Assign").click()
    page.get_by_text(f"2 of 2 leads newly assigned to {name}.").wait_for()


def sign_in_by_passkey(page: Page) -> None:
    page.goto("/admin/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/admin/")
    User.objects.filter(username="bea").update(time_zone=ZONE)


def work(page: Page, axe_check: Check, lead: Lead) -> None:
    page.goto("/admin/")
    axe_check(page)
    page.goto(f"{address(Lead, 'changelist')}?view=all")
    page.get_by_text("2 leads on this page").wait_for()
    page.get_by_role("link", name="12 Main St").click()
    page.get_by_role("button", name="Show phones and e-mails").click()
    page.get_by_text("Shown to you for 15 minutes; this was recorded.").wait_for()
    page.get_by_label("Notes").fill("Sells in spring")
    page.get_by_label("Activity type").select_option("call")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Activity saved.").wait_for()
    due = datetime.now(ZoneInfo(ZONE)) + timedelta(days=2)
    page.get_by_label("Activity type").select_option("callback")
    page.get_by_label("Call back at").fill(f"{due:%Y-%m-%d}T14:30")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Call back:").first.wait_for()
    axe_check(page)
    made = [(one.kind, one.by.username if one.by else "") for one in Activity.objects.filter(lead=lead).order_by("pk")]
    assert made == [("call", "bea"), ("callback", "bea")]


def see_it_in_the_audit(page: Page, axe_check: Check, lead: Lead) -> None:
    page.goto("/admin/accounts/auditevent/?q=bea")
    for words in ("Invitation accepted", "Phones and e-mails shown"):
        page.locator("#result_list").get_by_text(words, exact=True).first.wait_for()
    axe_check(page)
    page.goto("/admin/accounts/auditevent/?about=contacts")
    page.get_by_role("link", name=re.compile("M[SD]T")).first.click()
    page.get_by_text("Phones and e-mails shown").first.wait_for()
    page.get_by_text(str(lead.pk)).first.wait_for()
    axe_check(page)
    page.goto(address(Lead, "change", lead.pk))
    page.get_by_text("Sells in spring").wait_for()
    assert AuditEvent.objects.filter(action="factor.added", user_name="bea").count() >= 2  # superusers see whose
    shown = AuditEvent.objects.get(action="contacts.shown")
    assert (shown.user_name, shown.object_id) == ("bea", str(lead.pk))
    assert not AuditEvent.objects.filter(after__icontains="555").exists()  # ids, never a contact
