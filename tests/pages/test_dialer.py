"""A caller's day by keyboard alone, and what her manager makes and sees of it, in a real browser."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from accounts.access import own_access
from accounts.models import AuditEvent, User
from campaigns import clock
from campaigns.dialing.lists import ListPlan, create_list, open_list
from campaigns.models import CallAttempt, CallList, Disposition, Member, Sender
from campaigns.planning.audience import Audience
from campaigns.voice import recordings
from common.db.clock import database_now
from leads.calendar.planning import plan
from leads.calendar.table import Event
from leads.models import Lead
from leads.permission.consenting import give
from leads.permission.selling import active_seller
from sandbox.server import Sandbox, SandboxConfig
from tests.admin_site import address, member
from tests.campaigns.gate.samples import NOON, bucket_of, company, person
from tests.campaigns.voice.sounds import wav
from tests.campaigns.voice.world import AGENT
from tests.pages.checks import WIDTHS
from tests.support import PRICES, point_at, set_operations

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]
SHOTS = os.environ.get("DIALER_SHOTS", "")  # a folder, to look at them
TEN = 10
ENDS = "1024356798"  # the keys of ten outcomes; the last one is taken back
DIALER = "/admin/campaigns/callattempt/dialer/"
KEYS_MOST = 4  # a lead, on average (issue 13); what is typed as words not counted
SCRIPT = "Hi {{firstName|there}}, this is {{agentName|your caller}} with {{companyName}}. Do you still own {{address}}?"


class Hands:
    """Presses keys and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def says(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    def state(self, state: str, besides: str = "") -> str:
        """Waits until the page stands so, with another lead or call than before; returns which."""
        name = "data-attempt" if state == "call" else "data-member"
        found = self.page.locator(f'#dialer-now[data-state="{state}"]:not([{name}="{besides}"])')
        found.wait_for()
        return found.get_attribute(name) or ""


def called_houses(ann: User, many: int, name: str = "Boston", first: int = 0, *, second: bool = False) -> list[Lead]:
    """Leads of owners of their own in Boston, whose phones the skip trace says are on no list."""
    leads = list(bucket_of(ann, many, name).leads.order_by("pk"))
    return [
        person(
            lead, "B", phone=f"+1617555{3000 + n}", phone_do_not_call=False,
            **({"secondary_phone": f"+1617555{4000 + n}", "secondary_phone_do_not_call": False} if second else {}),
            owner={
                "first_name": f"Maria{chr(97 + n)}", "last_name": f"Alvarez{chr(97 + n)}", "owner_type": "individual",
                "property_address": f"{n + 1} Oak St", "property_city": "Boston", "mailing_zip": "02108",
                "mailing_address": f"{n + 1} Oak St", "estimated_value": 500_000 - n, "estimated_equity": 300_000 - n,
            },
        )
        for n, lead in enumerate(leads, start=first)
    ]  # fmt: skip


def look(page: Page, axe_check: Check, name: str = "") -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)
        if SHOTS and name:
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds in time."""
    ends = time.monotonic() + 120
    while not holds() and time.monotonic() < ends:
        time.sleep(0.1)
    return holds()


# Chromium asks whether it may open the phone, and no key reaches the page until that is answered ("Always allow" ends
# it): the clicks are written down instead.
PHONE = """window.dialed = JSON.parse(sessionStorage.dialed || "[]");
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="tel:"]');
  if (!link) return;
  event.preventDefault();
  window.dialed.push(link.href);
  sessionStorage.dialed = JSON.stringify(window.dialed);
}, true);"""


# What a vendor's call has come to is asked for five times a second, so that nobody waits here.
OFTEN = "const every = setInterval; window.setInterval = (act, ms) => every(act, ms === 2000 ? 200 : ms);"


def by_a_vendor(page: Page, hands: Hands, axe_check: Check, settings: Any, own: str, ann: User, cat: User) -> None:
    """A vendor rings her phone first: she watches, writes, drops a voicemail, is told what is likely, dials herself.

    own: the address of the pages here, to which the made-up vendor posts.
    """
    homes = called_houses(ann, 3, "Salem", TEN + 5, second=True)
    team, second = homes[2].team, str(homes[2].secondary_phone)
    given: dict[str, Any] = {"given_at": NOON - timedelta(days=2), "at": NOON, "seller": active_seller(team.pk)}
    told = "Recorded messages are fine."
    give((1, second), channel="prerecorded", kind="written", how="paper", text=told, **given)
    recordings.upload(by=ann, team_id=team.pk, name="Hello", content=wav(2), file_name="hello.wav")
    made, _ = create_list(own_access(ann), ListPlan("Salem", Audience(bucket_id=homes[0].bucket_id)))
    open_list(own_access(ann), made.pk)
    soon = clock.now() + timedelta(hours=1)
    plan(by=ann, team_id=team.pk, owner=cat, kind="callback", starts_at=soon, lead=homes[2])
    Event.objects.filter(lead=homes[2]).update(starts_at=clock.now() - timedelta(minutes=1))
    Lead.objects.filter(pk=homes[2].pk).update(assigned_to=cat)
    User.objects.filter(pk=cat.pk).update(agent_phone=AGENT, agent_phone_verified_at=database_now())
    Sender.objects.update(voice=True)
    settings.VOICE_VENDOR, settings.PUBLIC_URL = "twilio", own
    with Sandbox(SandboxConfig(generate=1, prices=PRICES, clock="2026-09-15T16:00Z/20")) as vendor:
        point_at(vendor, settings)
        set_operations(settings, pace=0)
        phones = vendor.messaging.call_numbers
        phones.order({str(homes[0].phone): {"ends": "busy"}})
        page.add_init_script(OFTEN)
        page.goto(DIALER)
        assert "1 callback due" in page.locator("#dialer-due").inner_text()
        assert "18 Oak St" in page.locator("#dialer-due").inner_text()
        hands.press("Enter")
        lead = hands.state("offer")
        shown = AuditEvent.objects.filter(action="contacts.shown", user_id=cat.pk).count()
        hands.says("Your own phone rings first: +1 312 555 0142.")
        hands.press("x")
        hands.says("Marked: +1 617 555 4017")
        look(page, axe_check, "offer-vendor")
        hands.press("c")
        hands.state("call")
        hands.press("v")
        hands.says("Voicemail drop: Nobody has picked up yet.")
        hands.press("n")
        page.keyboard.type("Blue ")
        page.locator("#dialer-line", has_text="On the call").wait_for()
        page.keyboard.type("door")
        assert page.locator("#dialer-note").input_value() == "Blue door"
        hands.press("Escape", "v")
        page.get_by_role("heading", name="Drop a voicemail").wait_for()
        look(page, axe_check, "drop")
        hands.press("Enter")
        page.locator("#dialer-suggested", has_text="Left voicemail").wait_for()
        assert page.locator("#dialer-note").input_value() == "Blue door"
        look(page, axe_check, "likely")
        assert AuditEvent.objects.filter(action="contacts.shown", user_id=cat.pk).count() == shown, (
            "none for a look at the call"
        )
        hands.press("3")
        lead = hands.state("offer", lead)
        hands.press("c")
        page.locator("#dialer-suggested", has_text="2 Busy").wait_for()
        hands.press("2")
        lead = hands.state("offer", lead)
        phones.order({AGENT: {"ends": "no-answer"}})
        hands.press("c")
        page.get_by_role("alert").get_by_text("Nobody was called: You did not pick up your phone.").wait_for()
        assert hands.state("offer") == lead
        hands.press("d")
        hands.state("call")
        hands.press("9")
        page.keyboard.type("nonsense")
        hands.press("Enter")
        page.locator("#dialer-trouble", has_text="Say it like").wait_for()
        page.locator("#dialer-time:focus").wait_for()
        page.keyboard.type("wed 11am")
        hands.press("Enter")
        page.locator("#dialer-now[data-state=nobody]").wait_for()
    calls = CallAttempt.objects.filter(campaign=made).order_by("pk")
    ended = [(one.mode, one.dial_status, one.disposition.code if one.disposition else one.error) for one in calls]
    assert ended == [
        ("twilio", "completed", "voicemail"), ("twilio", "busy", "busy"), ("twilio", "", "caller_no_answer"),
        ("tel", "", "appointment"),
    ]  # fmt: skip
    assert (calls[0].number, calls[0].note, calls[0].recording_id is not None) == (second, "Blue door", True)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_ten_leads_by_keyboard_alone_and_what_the_manager_sees(
    page: Page,
    login: Callable[[Any], None],
    axe_check: Check,
    script_errors: list[str],
    settings: Any,
    live_server: Any,
) -> None:
    settings.CAMPAIGN_CLOCK = (NOON, 1)
    zone = {"time_zone": "America/Phoenix"}
    ann = User.objects.create_user("ann", is_staff=True, **zone)
    company(ann, flag=True)
    leads = called_houses(ann, TEN + 2)
    team = leads[0].team
    cat = member(team, "caller", "cat", first_name="Cat", **zone)[0]

    page.context.add_init_script(PHONE)
    login(ann)
    page.goto(address(type(leads[0].bucket), "change", leads[0].bucket_id))
    page.get_by_role("link", name="Call list …").click()
    page.get_by_label("Name").fill("Boston, high equity")
    page.get_by_label("Order").select_option("equity")
    page.get_by_label("Script").fill("Hi {{firstname}}")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("did you mean {{firstName}}?").wait_for()
    look(page, axe_check)
    page.get_by_label("Script").fill(SCRIPT)
    page.get_by_label("cat", exact=True).check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("12 people of 12 leads.").wait_for()
    page.get_by_role("button", name="Open").click()
    page.get_by_text("Open: callers get its people in the dialer.").wait_for()
    look(page, axe_check, "list")
    page.goto(address(CallList, "changelist"))
    axe_check(page)

    login(cat)
    hands = Hands(page)
    page.goto(DIALER)
    look(page, axe_check, "start")
    hands.press("Enter")
    lead = hands.state("offer")
    assert "Mariaa Alvareza" in page.locator("#dialer-who").inner_text()
    text = page.get_by_role("main").inner_text()
    assert "Hi Mariaa, this is Cat with" in text
    look(page, axe_check, "offer")
    assert ("1 Oak St" in text, "$300,000" in text, "not on dnc (checked sep 10)" in text.lower()) == (True,) * 3
    assert re.search(r"Their time: \d+:\d\d [AP]M E[DS]T", text)
    assert page.locator("a[href^='tel:']").count() == 0
    assert page.locator(".desk-outcomes button:enabled").count() == 0
    hands.press("1")  # nothing was called: there is nothing to say
    hands.press("?")
    page.get_by_role("heading", name="Keys").wait_for()
    look(page, axe_check, "keys")
    hands.press("Escape")

    hands.keys, call = 0, ""
    for place, key in enumerate(ENDS):
        hands.press("Enter" if place % 2 else "c")
        call = hands.state("call", call)
        assert page.locator("a[href^='tel:']").count() == 1
        if key == "0":
            look(page, axe_check, "call")
        hands.press(key)
        if key in "49":  # a time in words, by their clock
            page.keyboard.type("tue 3pm" if key == "4" else "wed 10am")
            page.locator("#dialer-meant", has_text="their time").wait_for()
            if key == "4":
                words = page.locator("#dialer-meant").inner_text()
                assert re.search(r"Tue, .* 3:00 PM E[DS]T their time, Tue, .* 1?[12]:00 PM MST yours", words)
                look(page, axe_check, "when")
            hands.press("Enter")
        if place < TEN - 1:
            lead = hands.state("offer", lead)
    assert hands.keys <= KEYS_MOST * TEN
    lead = hands.state("offer", lead)

    hands.says("Your last call: Do not call.")  # the last key: a slip
    hands.press("z")
    hands.says("Taken back. Say how the call ended.")
    hands.state("call")
    hands.press("n")
    page.keyboard.type("Would sell for $450,000")
    hands.press("Escape", "0")
    hands.state("offer")
    ended = list(CallAttempt.objects.order_by("pk").values_list("disposition__hotkey", flat=True))
    assert ended == [*ENDS[:-1], "0"]
    assert CallAttempt.objects.order_by("-pk")[0].note == "Would sell for $450,000"
    assert CallAttempt.objects.filter(number_kind="mobile", ended_at__isnull=False).count() == TEN
    assert sorted(Event.objects.values_list("kind", flat=True)) == ["appointment", "callback"]

    assert page.evaluate("window.dialed") == [f"tel:+1617555{3000 + n}" for n in range(TEN)]

    second = page.context.new_page()  # another tab has the same lead, and gives nothing back
    second.goto(DIALER)
    assert second.locator("#dialer-who").inner_text() == page.locator("#dialer-who").inner_text()
    second.close()
    page.goto(address(CallAttempt, "changelist"))  # the page is left: the lead is given back at once
    page.get_by_text("My calls").first.wait_for()
    assert eventually(lambda: not Member.objects.filter(taken_by=cat).exists())
    page.goto(DIALER)
    hands.press("Enter")
    lead = hands.state("offer")
    hands.press("s", "Enter")  # skipped, for the reason that stands there
    lead = hands.state("offer", lead)
    assert Member.objects.get(taken_by=cat).pk == UUID(lead)
    Member.objects.filter(pk=lead).update(taken_by=None, taken_at=None, lease_until=None)  # her lease ran out
    hands.press("Enter")
    page.get_by_role("alert").wait_for()
    hands.press("Enter")
    hands.state("offer")
    page.context.clear_cookies()
    hands.press("Enter")
    hands.says("You were signed out.")
    login(cat)
    hands.press("Enter")
    call = hands.state("call")
    hands.press("1")
    page.locator("#dialer-now[data-state=nobody]").wait_for()
    look(page, axe_check, "nobody")
    page.goto(address(CallAttempt, "changelist"))
    look(page, axe_check, "calls")
    assert page.get_by_text("+1617555").count() == 0

    script_errors[:] = [one for one in script_errors if "403" not in one]  # of the presses while she was signed out

    login(ann)
    page.goto("/admin/campaigns/callattempt/live/")
    assert re.search(r"cat\s+Between calls\s", page.get_by_role("table").inner_text())
    look(page, axe_check, "live")
    page.goto("/admin/campaigns/callattempt/scorecard/?from=2026-09-01&to=2026-09-30")
    assert re.search(r"Skip trace\s+11\s+11\s+\d+%\s+9%\s+9%", page.get_by_role("table", name="By vendor").inner_text())
    look(page, axe_check, "scorecard")
    page.goto(address(Disposition, "changelist"))
    axe_check(page)
    page.get_by_role("link", name="No answer").click()
    page.get_by_label("Name").fill("Nobody there")
    look(page, axe_check, "outcome")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: Nobody there.").wait_for()
    other = person(bucket_of(ann, 1, "Other").leads.get(), "B", phone="+16175553900", phone_do_not_call=False)
    page.goto(address(Lead, "change", other.pk))
    page.get_by_role("button", name="Show phones and e-mails").click()
    page.get_by_role("button", name="Call +1 617 555 3900").wait_for()
    axe_check(page)
    page.get_by_role("button", name="Call +1 617 555 3900").press("Enter")
    page.locator("#lead-dial").wait_for()  # the lead's page stays, with the outcomes
    page.keyboard.press("1")
    page.get_by_text("Nobody there: saved.").wait_for()
    page.goto(address(CallAttempt, "changelist"))  # the lead's page asks who else looks: another person is told 404
    login(cat)
    by_a_vendor(page, hands, axe_check, settings, live_server.url, ann, cat)
