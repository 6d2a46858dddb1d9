"""The calendar as a person and a guest use it: dragged, moved by keys, booked, read by another program."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.utils import timezone
from icalendar import Calendar

from accounts.access import own_access
from accounts.models import User
from campaigns.booking import mails
from leads.calendar import planning
from leads.models import Event, Lead
from tests.leads.samples import make_leads
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHOENIX = ZoneInfo("America/Phoenix")


def shown(event: Event) -> str:
    event.refresh_from_db()
    return f"{event.starts_at.astimezone(PHOENIX):%a %H:%M}"


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_a_week_is_planned_dragged_and_moved_by_keys(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], width: int
) -> None:
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/Phoenix", time_zone_settled=True)
    _, (lead,) = make_leads(1, by=ann)
    Lead.objects.filter(pk=lead.pk).update(property_address="12 Main St", property_zip="10001", property_state="NY")
    monday = (timezone.now().astimezone(PHOENIX) + timedelta(days=7)).date()
    monday -= timedelta(days=monday.weekday())
    nine = datetime.combine(monday + timedelta(days=1), time(9))
    said: dict[str, Any] = {"by": ann, "team_id": lead.team_id, "owner": ann}
    event = planning.plan(**said, kind="callback", starts_at=nine, lead=lead)
    planning.plan(**said, kind="reminder", starts_at=nine + timedelta(hours=14), minutes=120, title="Late")
    login(ann)
    page.goto(f"/admin/calendar/?date={monday}")
    card = page.locator(f"[id='event-{event.pk}']")
    assert "9:00 AM MST" in card.inner_text() and re.search(r"theirs 1[12]:00 AM E[DS]T", card.inner_text())
    assert page.locator(".desk-calendar-event", has_text="Late").all_inner_texts()[1].startswith("since Tue 11:00 PM")
    axe_check(page)
    if width > 900:  # on a phone it is a list
        box, target = card.bounding_box(), page.locator(f"[data-day='{monday + timedelta(days=2)}']").bounding_box()
        assert box and target
        page.mouse.move(box["x"] + 20, box["y"] + 6)
        page.mouse.down()
        page.mouse.move(target["x"] + 40, box["y"] + 6 + 48, steps=5)
        page.mouse.up()
        page.get_by_text("Moved to").wait_for()
        assert shown(event) == "Wed 10:00"
    else:
        planning.move(event, by=ann, starts_at=nine + timedelta(days=1, hours=1))
        page.reload()
    card.get_by_role("link").focus()
    page.keyboard.down("Alt")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")  # it stays
    page.keyboard.up("Alt")
    assert "10:00 AM MST" in card.inner_text() and shown(event) == "Wed 10:00"
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.down("Alt")
        page.keyboard.press(key)
    page.keyboard.up("Alt")
    page.get_by_text("Moved to").wait_for()
    assert shown(event) == "Thu 10:30"
    page.wait_for_function("id => document.activeElement?.parentElement?.id === id", arg=f"event-{event.pk}")
    page.keyboard.press("Enter")
    page.get_by_label("Notes").fill("Ask for Jo")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    card.get_by_role("link").click()
    axe_check(page)
    page.get_by_role("button", name="Done").click()
    page.get_by_text("Done.").wait_for()
    lead.refresh_from_db()
    event.refresh_from_db()
    assert (event.status, event.note, lead.callback_at) == ("done", "Ask for Jo", None)

    page.get_by_role("link", name="New event", exact=True).click()
    page.get_by_label("When").fill("2027-03-14T10:00")
    page.get_by_label("Kind").select_option("appointment")
    page.get_by_label("Title").fill("Look at the house")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Look at the house").wait_for()
    axe_check(page)


def test_an_owner_books_by_the_page_and_the_feed_shows_it(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], settings: Any
) -> None:
    settings.PUBLIC_URL = "https://buckets.example.com"
    jane = User.objects.create_user(
        "jane", is_staff=True, time_zone="America/Phoenix", time_zone_settled=True, first_name="Jane", last_name="Roe"
    )
    login(jane)
    page.goto("/admin/calendar/booking/")
    axe_check(page)
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        page.get_by_label(f"{day} from", exact=True).fill("09:00")
        page.get_by_label(f"{day} until", exact=True).fill("12:00")
    page.get_by_role("button", name="Save hours").click()
    page.get_by_text("Hours saved.").wait_for()
    page.get_by_label("Guests can open it").check()
    page.get_by_role("button", name="Save booking page").click()
    page.get_by_text("Booking page saved.").wait_for()
    public = page.get_by_role("link", name="https://buckets.example.com/book/").get_attribute("href")
    page.get_by_label("With names, streets and titles").check()
    page.get_by_role("button", name="Make feed").click()
    feed = page.locator("#feed-address").inner_text()
    axe_check(page)
    assert public and feed.endswith(".ics")

    page.context.clear_cookies()  # a guest
    ours = settings.PUBLIC_URL
    page.goto(public.removeprefix(ours))
    axe_check(page)
    page.get_by_role("button", name="Ask for this time").wait_for()
    first = page.locator("input[name=at]").first
    slot = datetime.fromisoformat(str(first.get_attribute("value")))
    first.check()
    page.get_by_label("Your name").fill("Pat Owner")
    page.get_by_label("Your e-mail").fill("pat@example.com")
    page.get_by_role("button", name="Ask for this time").click()
    page.get_by_text("Check your mail").wait_for()
    axe_check(page)
    assert mails.send_due() == 1
    link = re.search(rf"{ours}(/book/\S+)", str(mail.outbox[0].body))
    assert link
    page.goto(link[1])
    axe_check(page)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Your appointment stands").wait_for()
    axe_check(page)
    assert own_access(jane).user == Event.objects.get(status="planned").owner
    answer = page.request.get(feed.removeprefix(ours))
    event: Any
    (event,) = Calendar.from_ical(answer.text()).walk("VEVENT")
    assert event["DTSTART"].dt == slot and "Pat Owner" in event["SUMMARY"]
