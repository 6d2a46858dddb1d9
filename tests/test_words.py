"""The product's words: one thing has one word in the menu, in titles, on every page, in the API's docs and the README.

What pages said once stands in INSTEAD, with what they say now; a code stands only beside its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from drf_spectacular.generators import SchemaGenerator

from accounts.access import own_access
from accounts.models import Membership, User
from buckets.models import Bucket
from config.admin_site import UNFOLD
from enrichment.models import Run
from integrations.models import PhoneReveal, VendorCall
from integrations.vendors.errors import Category
from leads.models import Lead
from tests.admin_site import act, actions_of, superuser
from tests.test_admin_pages import Rows, address, key_of, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_badge")]

INSTEAD = {  # a pattern, in any case: what to say
    r"\bpurses?\b": "Budgets",
    r"(?<![.\w])(pumps?|lanes?)\b": "Workers",
    r"\b(facts?|look-?ups?)\b": "Data, Purchased data",
    r"\bvendor calls?\b": "Vendor requests",
    r"\b(contacts shown|disclosures?)\b": "Contact access log",
    r"\bperiodic tasks?\b": "Background jobs",
    r"\bphone reveals?\b|\breveal phones\b": "Mobile number requests, Find mobile numbers",
    r"^runs$|\b(a|the|this|its|last|each|all|every|another|no|of|in) runs?\b": "Enrichment jobs",
    r"\bwhat was done\b": "Activity type, Activity",
    r"\bwork on it\b": "Log activity",
    r"\bin your words\b": "Notes",
    r"^noted\.": "Activity saved.",
    r"\bmay be called\b": "Not on DNC (checked Nov 2), Ready to call",
    r"^not checked": "DNC unknown",
    r"\btry failed\b": "Retry failed leads",
    r"\bretry failed\b(?! leads)": "Retry failed leads",
    r"^waits?:|\bthe pace of\b": "Waiting: vendor rate limit (100/min)",
    r"\bcaps?\b(?!\.changed)": "Spending limit",
    r"\b(it )?goes on\b|\bgo on\b": "Resumed with a $20.00 limit.",
    r"\bshow the price\b": "Update quote",
    r"\bin doubt\b": "Needs billing check",
    r"\bwrite (it )?off\b|\brelease the money\b": "Mark as billed, Mark as not billed",
    r"\bthe environment's\b": "default",
    r"\b(fresh days|days fresh)\b": "Reuse purchased data for (days)",
    r"\bby the clock of\b": "Time zone",
    r"\bexport the chosen\b": "Export selected (CSV)",
    r"\bfinds anew\b": "Add new matches",
    r"\bonly its own\b": "Use only IDs from RealEstateAPI",
    r"\bid only\b": "Not enriched",
    r"\bno trace yet\b": "Property data, no contact yet",
    r"\bwhat fills it\b|^fills?$": "Sources",
    r"\bhow far its leads\b": "Lead progress",
    r"\bsaved so far\b|\bnot spent\b|\bwhat choosing saves\b": "Savings vs. buying everything",
    r"^(all )?its leads$": "View bucket’s leads",
    r"\bnobody has bought\b": "Address not purchased yet",
    r"\bowned by\b": "Owner: …",
    r"^lives there\b": "Owner-occupied",
    r"\d sqft\b": "1,840 sq ft",
    r"\bdisappointed\b": "Stopped after sample",
    r"\bsells nothing\b": "is not available",
    r"\bbuy contacts only\b": "Skip trace only if …",
    r"\bdrawn by lot\b|\bbuy a sample first\b": "Test a random sample first",
    r"\bleast share\b": "Minimum phone hit rate (%)",
    r"\bmust be …": "Include leads on …, Exclude leads on",
    r"\bwhat it would hold\b": "Preview",
    r"\bown cron line\b": "Custom schedule (cron)",
    r"\bhas changed again\b": "Refresh changed properties",
    r"\bto mend\b": "download rows to fix",
    r"\byielded\b": "what the list will hold",
    r"^select [a-z ]+ to (change|view)\b": "the list's plural",
    r"\bplease enter\b": "Wrong name or password.",
    r"\bconstraint “": "Enter a price of $0 or more.",
    r"\d %": "16%",
}
CODE = re.compile(r"(?<![\w(])[A-Z]{2,}(_[A-Z]+)*_([A-Z]+\b|…)")  # in brackets it stands beside its words
OF_OTHERS = re.compile(r"Periodic Tasks?\b|Last Run Datetime|CELERY_TASK_QUEUES")  # django-celery-beat's own texts
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")


class Visible(HTMLParser):
    """The texts that a person reads or hears: no script, no icon's name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.unseen: list[bool] = [False]
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        icon = "material-symbols" in (given.get("class") or "")
        unseen = self.unseen[-1] or icon or tag in ("script", "style", "template")
        if not unseen:
            self.texts += [
                words for name in ("aria-label", "title", "placeholder", "alt") if (words := given.get(name))
            ]
        if tag not in VOID:
            self.unseen.append(unseen)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and len(self.unseen) > 1:
            self.unseen.pop()

    def handle_data(self, data: str) -> None:
        if not self.unseen[-1] and data.strip():
            self.texts.append(" ".join(data.split()))


def wrong_words(place: str, texts: list[str], *, pages: bool = True) -> Iterator[str]:
    """What is said in other words than ours, with what to say."""
    for text in dict.fromkeys(text for text in texts if not OF_OTHERS.search(text)):
        for pattern, say in INSTEAD.items():
            if re.search(pattern, text, re.IGNORECASE):
                yield f"{place}: {text[:120]!r}: say {say}"
        if pages and CODE.search(text):
            yield f"{place}: {text[:120]!r}: a code without words"
        if pages and text.endswith(", US dollars"):
            yield f"{place}: {text[:120]!r}: say ($)"


def all_well(wrong: Iterable[str]) -> None:
    if found := list(wrong):
        pytest.fail("\n".join(found), pytrace=False)


def look(client: Client, place: str) -> Iterator[str]:
    answer = client.get(place, follow=True)
    assert answer.status_code == 200, (place, answer.status_code)
    yield from wrong_words(place, Visible(answer.content.decode()).texts)


def titled(html: str) -> str:
    found = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    assert found is not None
    return unescape(" ".join(found[1].split()))


def path_of(html: str) -> list[str]:
    """The bread crumbs."""
    parts = re.findall(r'min-w-0 truncate tracking-tight">(.*?)</(?:a|span)>', html, re.DOTALL)
    return [unescape(" ".join(part.split())) for part in parts]


@pytest.mark.long
@pytest.mark.parametrize("model", registered())
def test_lists_and_the_pages_of_their_rows_say_our_words(model: type[Model]):
    boss, client = superuser()
    places = [address(model, "changelist")]
    wrong = list(look(client, places[0]))  # an empty list, where it is one

    row = Rows().one_more(model)
    places.append(address(model, "change", key_of(row)))
    request: Any = type("Request", (), {"user": boss, "path": "", "GET": {}})()
    request.access = own_access(request.user)
    if admin.site._registry[model].has_add_permission(request):
        places.append(address(model, "add"))
    for place in places:
        wrong += look(client, place)
    for action in actions_of(model):
        answer = act(client, model, action, [row], follow=True)
        texts = Visible(answer.content.decode()).texts if not answer.streaming else []
        wrong += wrong_words(f"{places[0]} {action}", texts)

    all_well(wrong)


@pytest.mark.parametrize("model", registered())
def test_a_list_is_called_alike_in_title_and_bread_crumbs_and_a_row_by_what_it_is(model: type[Model]):
    _, client = superuser()
    plural = capfirst(str(model._meta.verbose_name_plural))

    page = client.get(address(model, "changelist")).content.decode()
    assert (titled(page).split(" | ")[0], path_of(page)) == (plural, [plural])

    row = client.get(address(model, "change", key_of(Rows().one_more(model)))).content.decode()
    assert path_of(row)[0] == plural
    assert not re.search(r"\b(Change|View|Select)\b", titled(row))


def test_every_line_of_the_menu_leads_to_a_page_of_that_name():
    _, client = superuser()
    sidebar: Any = UNFOLD["SIDEBAR"]
    for group in sidebar["navigation"]:
        for entry in group["items"]:
            if entry["title"] in ("My leads", "My calls"):  # what a caller's lists are called
                continue
            page = client.get(str(entry["link"])).content.decode()
            lists = {"Callbacks": "Leads", "Team": "Teams"}  # what those are, filtered; a manager has one team
            name = lists.get(str(entry["title"]), entry["title"])
            assert titled(page).split(" | ")[0] in (entry["title"], "Teams")
            assert path_of(page)[-1] == name


@pytest.mark.long
def test_an_empty_list_says_what_it_will_hold_and_has_one_button():
    _, client = superuser()
    registry: dict[type[Model], Any] = admin.site._registry
    for model, model_admin in registry.items():
        page = client.get(address(model, "changelist"))
        if "cl" in page.context and not page.context["cl"].result_count:
            empty = model_admin.empty
            assert empty is not None, model
            texts = Visible(page.content.decode()).texts
            assert empty.words in texts, model
            if empty.button:
                assert client.get(page.context["cl"].fill).status_code == 200

    nothing = Visible(client.get(address(Lead, "changelist"), {"status": "new"}).content.decode()).texts
    assert "Nothing matches this search and these filters." in nothing


def works_for(client: Client, user: User, team_id: int) -> None:
    """She joins the team and chooses it, as on the page: other teams' rows a superuser looks at and no more."""
    Membership.objects.create(user=user, team_id=team_id, role="manager")
    assert client.post(reverse("team_switch"), {"team": team_id}).status_code == 302


@pytest.mark.long
def test_pages_of_our_own_say_our_words():
    boss, client = superuser()
    rows = Rows()
    run, call, reveal = (rows.one_more(model) for model in (Run, VendorCall, PhoneReveal))
    bucket, lead = run.bucket, run.items.get().lead
    works_for(client, boss, Bucket.objects.get(pk=bucket.pk).team_id)
    Lead.objects.filter(pk=lead.pk).update(enrichment_error="NETWORK_ERROR: three tries came to nothing")
    wrong: list[str] = []
    for pause in Run.Pause.values:
        Run.objects.filter(pk=run.pk).update(status="paused", paused_by=pause)
        for place in ("index", "buckets_bucket_change", "buckets_bucket_run_resume", "buckets_bucket_run_cancel"):
            arguments = {"index": (), "buckets_bucket_change": (bucket.pk,)}.get(place, (bucket.pk, run.pk))
            wrong += look(client, reverse(f"admin:{place}", args=arguments))
    for category in Category:
        VendorCall.objects.filter(pk=call.pk).update(category=category)
        wrong += look(client, address(VendorCall, "changelist"))
        run.items.update(category=category)
        wrong += look(client, address(Run, "change", run.pk))
        wrong += look(client, address(Lead, "change", lead.pk))
    wrong += look(client, reverse("admin:integrations_vendor_change", args=["realestateapi"]))
    for place in ("find", "combine"):
        wrong += look(client, reverse(f"admin:buckets_bucket_{place}"))
    for place in ("enrich", "apollo", "retry"):
        wrong += look(client, reverse(f"admin:buckets_bucket_{place}", args=[bucket.pk]))
    for place in ("pause", "bill"):
        wrong += look(client, reverse(f"admin:integrations_vendor_{place}", args=["apollo"]))
    for row in (call, reveal):
        for place in ("billed", "not-billed"):
            wrong += look(client, reverse(f"admin:integrations_{row._meta.model_name}_{place}", args=[row.pk]))
    wrong += look(client, reverse("admin:integrations_vendorcall_outage"))
    wrong += look(client, f"{address(Lead, 'changelist')}?callback=today")

    all_well(wrong)


def test_what_stops_a_job_stands_in_words_beside_it():
    boss, client = superuser()
    run = Rows().run()
    works_for(client, boss, Run.objects.get(pk=run.pk).team_id)
    Run.objects.filter(pk=run.pk).update(
        status="paused", paused_by="cap", reason="Reached its $5.00 spending limit.", started_at=timezone.now()
    )

    for place in (reverse("admin:index"), reverse("admin:buckets_bucket_change", args=[run.bucket_id])):
        assert "Paused: reached its $5.00 spending limit." in Visible(client.get(place).content.decode()).texts


def test_a_wrong_password_and_a_stranger_are_told_the_same(client: Client):
    User.objects.create_user("cal", password="correct horse battery staple")  # no staff
    User.objects.create_superuser("boss", password="correct horse battery staple")

    for name, password in (("boss", "guess"), ("nobody", "guess"), ("cal", "correct horse battery staple")):
        page = client.post(reverse("admin:login"), {"username": name, "password": password})
        texts = Visible(page.content.decode()).texts
        assert "Wrong name or password." in texts
        assert list(wrong_words("sign-in", texts)) == []


def _said(part: Any) -> Iterator[str]:
    """Every summary and description below this part of the API's description."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("summary", "description") and isinstance(value, str):
                yield re.sub(r"`[^`]*`", "…", value)
            else:
                yield from _said(value)
    elif isinstance(part, list):
        for value in part:
            yield from _said(value)


@pytest.mark.long
def test_the_apis_documentation_says_our_words():
    schema = SchemaGenerator().get_schema(request=None, public=True)

    all_well(wrong_words("API", list(_said(schema)), pages=False))


def test_the_readme_says_our_words():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [re.sub(r"`[^`]*`", "…", line) for line in prose.splitlines()]

    all_well(wrong_words("README.md", lines))
