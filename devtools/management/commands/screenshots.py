"""`manage.py screenshots`: the demo, and then a picture of every page of the desk, wide and narrow."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.test import override_settings
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from accounts.access import access_in, own_access
from accounts.models import User
from campaigns import clock
from campaigns.booking import hours
from campaigns.booking.slots import Opening
from campaigns.dialing.lists import ListPlan, create_list, open_list
from campaigns.dialing.offering import Offer, next_lead
from campaigns.models import BookingPage, Campaign, Conversation, Template
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import Plan, create_campaign
from campaigns.planning.steps import plans_of
from campaigns.previews.asking import start_preview, wait_for
from devtools.chromium import CHROMIUM, MISSING, launch
from devtools.management.commands import demo
from devtools.stack import Stack
from devtools.texting import CLOCK
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import start_run
from leads.calendar import planning
from leads.models import Activity, Event, Lead, Seller
from leads.permission.selling import active_seller
from leads.services import add_activity
from sandbox.clock import parse

PAGES = {  # picture: address
    "home": "/admin/",
    "find": "/admin/buckets/bucket/find/?place=Los+Angeles%2C+CA&absentee_owner=on",
    "buckets": "/admin/buckets/bucket/",
    "bucket": "/admin/buckets/bucket/{bucket}/change/",
    "quote": "/admin/buckets/bucket/{bucket}/enrich/",
    "combine": "/admin/buckets/bucket/combine/?all_of={bucket}",
    "import": "/admin/buckets/import/add/",
    "leads": "/admin/leads/lead/",
    "map": "/admin/leads/lead/map/",
    "board": "/admin/leads/lead/board/",
    "lead": "/admin/leads/lead/{lead}/change/",
    "callbacks": "/admin/leads/lead/?callback=any",
    "calendar": "/admin/calendar/",
    "booking": "/book/{slug}",
    "campaigns": "/admin/campaigns/campaign/",
    "campaign": "/admin/campaigns/campaign/{campaign}/change/",
    "mail-sender": "/admin/campaigns/mailsender/{mail_sender}/change/",
    "mail-template": "/admin/campaigns/template/{mail_template}/change/",
    "mail-results": "/admin/campaigns/campaign/{mailed}/change/",
    "dry-run": "/admin/campaigns/campaign/{draft}/change/",
    "inbox": "/admin/campaigns/conversation/",
    "conversation": "/admin/campaigns/conversation/{talk}/change/",
    "permission": "/admin/leads/lead/{texted}/change/",  # of a lead who was texted and has answered
    "suppressions": "/admin/leads/suppression/",
    "dialer": "/admin/campaigns/callattempt/dialer/",
    "call-list": "/admin/campaigns/calllist/{call_list}/change/",
    "calls-live": "/admin/campaigns/callattempt/live/",
    "report": "/admin/reports/spend/",
    "report-lists": "/admin/reports/lists/",
    "notifications": "/admin/notifications/",
    "runs": "/admin/enrichment/run/",
    "run": "/admin/enrichment/run/{run}/change/",
    "schedules": "/admin/enrichment/schedule/",
    "vendors": "/admin/integrations/vendor/",
    "vendor": "/admin/integrations/vendor/realestateapi/change/",
    "requests": "/admin/integrations/vendorcall/",
    "api": "/api/docs",
}
WEEK = (  # days ahead, hour, minutes, kind, title
    (1, 9.5, 60, "appointment", "Walk through the house"),
    (1, 14, 30, "reminder", "Send the comparables"),
    (2, 11, 30, "appointment", "Talk about the offer"),
    (3, 10, 90, "appointment", "Meet at the title company"),
    (3, 15.5, 30, "reminder", "Ask about the roof"),
)
LIST, ASKED = "High equity, this week", 5
WIDTHS = (1440, 390)  # px
TALLEST = 2000  # px: enough to know a page by
LARGEST = 150_000  # bytes of a picture: it is committed
COLOURS = (128, 64, 32, 16)  # as many as fit
DRAWN_LAST = {"api": ".opblock"}  # what a page shows long after it has loaded
SETTLED = 800  # ms for maps and whatever else is drawn after loading
PATIENCE = 60.0  # seconds for the runs that home is to show


class Command(demo.Command):
    help = "Runs the demo's job, takes a picture of every page at 1,440 and 390 px, and stops."
    example = "PORT=8090 python manage.py screenshots --to docs/screenshots --only home --only vendor"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(leads=300)
        parser.add_argument("--to", type=Path, default=settings.BASE_DIR / "docs" / "screenshots", metavar="FOLDER")
        parser.add_argument("--only", action="append", choices=sorted(PAGES), help="This page; repeatable")

    def handle(self, *args: object, **options: Any) -> None:
        if not CHROMIUM.exists():
            raise CommandError(MISSING)
        self.folder: Path = options["to"]
        self.names: list[str] = options["only"] or list(PAGES)
        self.folder.mkdir(parents=True, exist_ok=True)
        super().handle(*args, **options | {"exit": False})

    def _stay(self, stack: Stack) -> None:
        """In the place of staying up."""
        with override_settings(CAMPAIGN_CLOCK=parse(CLOCK)):  # this process goes by the stack's clock
            known = _something_to_see()
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(base_url=stack.web_url, reduced_motion="reduce")
            _sign_in(page)
            for path, size in self._pictures(page, known):
                self.stdout.write(f"{path}  {size:,} bytes")
            browser.close()

    def _pictures(self, page: Page, known: dict[str, Any]) -> Iterator[tuple[Path, int]]:
        for name in self.names:
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(PAGES[name].format(**known))
                page.locator(DRAWN_LAST.get(name, "body")).first.wait_for()
                page.wait_for_timeout(SETTLED)
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": min(height, TALLEST)})  # no bar floats
                picture = _small(page.screenshot())
                path = self.folder / f"{name}-{width}.png"
                path.write_bytes(picture)
                yield path, len(picture)


def _something_to_see() -> dict[str, Any]:
    """Callbacks, a run that its cap has paused and one at work, and which rows the pages are about."""
    lead, other = Lead.objects.enriched().filter(owner__username=demo.USER).order_by("-pk")[:2]
    by = User.objects.get(username=demo.USER)
    soon = clock.now() + timedelta(minutes=5)  # due by the time of the picture: the clock is twenty times as fast
    for one, at in ((lead, soon), (other, soon + timedelta(days=2))):
        add_activity(lead=one, by=by, kind=Activity.Kind.CALLBACK, text="Rings back after work.", due_at=at)
    capped, _ = start_run(bucket=lead.bucket, by=by, options=RunOptions(limit=50, max_cost=Decimal("0.50")))
    ends = time.monotonic() + PATIENCE
    while capped.status in Run.ACTIVE and time.monotonic() < ends:
        time.sleep(0.5)
        capped.refresh_from_db()
    start_run(bucket=lead.bucket, by=by, options=RunOptions(limit=2000))
    seen = _texts_to_see(by, lead.bucket_id) | {"call_list": _called(by, lead)}
    return {"bucket": lead.bucket_id, "lead": lead.pk, "run": capped.pk, "slug": _planned(by, lead), **seen}


def _planned(by: User, lead: Lead) -> str:
    """Some of a week in the calendar; returns the address of a booking page that is on."""
    by.time_zone, by.time_zone_settled = "America/Denver", True
    by.save(update_fields=["time_zone", "time_zone_settled"])
    Event.objects.filter(owner=by, title__in=[row[4] for row in WEEK]).delete()  # of the pictures before
    person = own_access(by)
    today = clock.now().astimezone(ZoneInfo(by.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    for days, hour, minutes, kind, title in WEEK:
        at = (today + timedelta(days=days)).replace(tzinfo=None) + timedelta(hours=hour)
        said: dict[str, Any] = {"kind": kind, "title": title, "starts_at": at, "minutes": minutes, "lead": lead}
        planning.plan(by=by, team_id=lead.team_id, owner=by, **said)
    hours.set_hours(access=person, openings=[Opening(day, dt.time(9), dt.time(12)) for day in range(5)])
    page = hours.page_of(person)
    BookingPage.objects.filter(pk=page.pk).update(enabled=True)  # without PUBLIC_URL: nobody gets a mail
    return page.slug


def _texts_to_see(by: User, bucket_id: UUID) -> dict[str, Any]:
    """The demo's campaign, the conversation that it began, and a dry run of another that waits for approval."""
    campaign = Campaign.objects.filter(owner=by, channel="sms", started_at__isnull=False).latest("pk")
    talks = Conversation.objects.filter(team=campaign.team, state=Conversation.State.OPEN, channel="sms")
    talk = talks.latest("pk")
    audience, many = Audience(bucket_id=bucket_id, limit=60), Campaign.objects.filter(team=campaign.team).count()
    plan = Plan(name=f"Fall {many}", audience=audience, steps=plans_of(campaign), max_cost=Decimal(5))
    access = access_in(by, campaign.team_id)
    (draft,) = create_campaign(access=access, plan=plan)
    wait_for(start_preview(campaign=draft, access=access).pk, PATIENCE)
    seen = {"campaign": campaign.pk, "draft": draft.pk, "talk": talk.pk, "texted": talk.lead_id}
    return seen | _mails_to_see(by)


def _mails_to_see(by: User) -> dict[str, Any]:
    """The demo's campaign of e-mails, what it was sent from, and its first template."""
    mailed = Campaign.objects.filter(owner=by, channel="email", started_at__isnull=False).latest("pk")
    first = Template.objects.filter(team=mailed.team, channel="email").earliest("pk")
    return {"mailed": mailed.pk, "mail_sender": mailed.mail_sender_id, "mail_template": first.pk}


def _called(by: User, lead: Lead) -> Any:
    """A call list that is open, with a lead before its caller where one may be called now."""
    person, company = own_access(by), active_seller(lead.team_id)
    if company is not None:  # the demo's: the skip trace's flag counts as a check of the registry
        Seller.objects.filter(pk=company.pk).update(flag_acknowledged_at=clock.now())
    made = Campaign.objects.filter(team=lead.team_id, name=LIST).first()  # of the pictures before
    if made is None:
        audience = Audience(bucket_id=lead.bucket_id, limit=200)
        script = "Hi {{firstName|there}}, this is {{companyName}}. Do you still own {{address}}?"
        made, _ = create_list(person, ListPlan(LIST, audience, priority="equity", script=script))
        open_list(person, made.pk)
    for _ in range(ASKED):  # each passes over fifty who may not be called
        if isinstance(next_lead(person), Offer):
            break
    return made.pk


def _sign_in(page: Page) -> None:
    page.goto("/admin/login/")
    page.fill("#id_username", demo.USER)
    page.fill("#id_password", demo.PASSWORD.read_text().strip())
    page.click("[type=submit]")
    page.wait_for_url("**/admin/")


def _small(png: bytes) -> bytes:
    """The same picture with as many colours as LARGEST allows."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in COLOURS:
        out = io.BytesIO()
        picture.quantize(colours).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            break
    return out.getvalue()
