"""Signing in, in a real browser: an app's code, a passkey, an invitation, and a half-written note that comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.sessions.models import Session

from accounts.access import own_access
from accounts.invitations import invite
from accounts.models import User
from leads.models import Activity
from tests.leads.samples import make_leads
from tests.pages.checks import WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
PASSWORD = "correct horse battery"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD, is_staff=True, email="ann@example.com", time_zone="UTC")


def fill_in(page: Page, name: str = "ann", password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def look_at(page: Page, axe_check: Check) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)


def digits(secret: str, periods: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + periods)))


def test_somebody_is_invited_sets_up_an_app_and_signs_in_with_it(
    ann: User, page: Page, axe_check: Check, settings: Any
) -> None:
    settings.FACTOR_REQUIRED_FOR = ["caller"]
    _, secret = invite(access=own_access(ann), email="bea@example.com", role="caller", mail=False)
    page.goto(f"/join/{secret}/")
    look_at(page, axe_check)
    page.get_by_label("User name").fill("bea")
    page.get_by_label("Password").fill("Summer2026!!")
    page.get_by_role("button", name="Join").click()
    page.get_by_text("one that programs guess first").wait_for()
    page.get_by_label("Password").fill("four unrelated words here")
    page.get_by_role("button", name="Join").click()

    page.locator("main").get_by_role("heading", name="Second factor and passkeys").wait_for()
    page.get_by_text("Your team requires a second factor").first.wait_for()
    look_at(page, axe_check)
    page.get_by_role("link", name="Set up an authenticator app").click()
    key = page.locator("code").inner_text()
    look_at(page, axe_check)
    page.get_by_label("The six digits").fill(digits(key))
    page.get_by_role("button", name="Turn on").click()
    page.locator("main").get_by_role("heading", name="Recovery codes").wait_for()
    look_at(page, axe_check)
    recovery = page.locator("#recovery-codes code").all_inner_texts()
    assert len(recovery) == 10
    page.goto("/admin/")
    page.get_by_role("heading", name="Nothing needs you now").wait_for()

    page.context.clear_cookies()
    page.goto("/admin/profile/")
    fill_in(page, "bea", "four unrelated words here")
    page.get_by_role("heading", name="One more step").wait_for()
    look_at(page, axe_check)
    page.get_by_label("Code").fill(recovery[0])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Signed in as bea.").wait_for()


@pytest.mark.long
def test_a_passkey_is_added_and_signs_in_alone(ann: User, page: Page, axe_check: Check) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/admin/login/?next=/admin/account/factors/webauthn/add/")
    look_at(page, axe_check)
    fill_in(page)
    page.locator("main").get_by_role("heading", name="Add a passkey").wait_for()
    look_at(page, axe_check)
    page.get_by_role("button", name="Add this device").click()
    page.locator("main").get_by_role("heading", name="Recovery codes").wait_for()
    assert Authenticator.objects.get(type="webauthn").wrap().is_passwordless is True
    page.goto("/admin/account/factors/webauthn/")
    look_at(page, axe_check)
    page.context.clear_cookies()

    page.goto("/admin/login/?next=/admin/profile/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("Signed in as ann.").wait_for()

    page.context.clear_cookies()
    page.goto("/admin/login/")
    fill_in(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Nothing needs you now").wait_for()


@pytest.mark.long
def test_a_half_written_note_comes_back_after_signing_in_and_is_saved_once(
    ann: User, page: Page, axe_check: Check
) -> None:
    _, (lead, _) = make_leads(2, by=ann)
    place = f"/admin/leads/lead/{lead.pk}/change/"
    page.goto(f"/admin/login/?next={place}")
    fill_in(page)
    page.get_by_label("Notes").fill("Wants to sell in spring. Call after 5.")
    page.get_by_label("Activity type").select_option("call")
    Session.objects.all().delete()

    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/login/**")
    assert not Activity.objects.exists()
    fill_in(page, password="wrong")
    page.get_by_text("Wrong name or password.").wait_for()
    fill_in(page)

    activity = page.get_by_role("region", name="Log activity")
    activity.get_by_text("You were signed out while you wrote this.").wait_for()
    axe_check(page)
    assert page.get_by_label("Notes").input_value() == "Wants to sell in spring. Call after 5."
    assert page.get_by_label("Activity type").input_value() == "call"
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Activity saved.").wait_for()
    assert page.get_by_label("Notes").input_value() == ""
    page.reload()
    assert page.get_by_label("Notes").input_value() == ""
    assert [(one.kind, one.text) for one in Activity.objects.all()] == [
        ("call", "Wants to sell in spring. Call after 5.")
    ]


@pytest.mark.long
def test_the_other_pages_of_ones_account(ann: User, page: Page, axe_check: Check) -> None:
    User.objects.update(is_superuser=True)
    page.goto("/admin/login/?next=/admin/account/sessions/")
    fill_in(page)
    for place in ("sessions/", "locked/", "invitations/", "confirm/", "factors/"):
        page.goto(f"/admin/account/{place}")
        look_at(page, axe_check)
    page.context.clear_cookies()
    page.goto("/admin/login/")
    page.get_by_role("link", name=re.compile("Forgot")).click()
    look_at(page, axe_check)
    page.get_by_label("Email").fill("ann@example.com")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_text("If there is an account with this e-mail").wait_for()
