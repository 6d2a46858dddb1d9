"""Every admin page, in a real browser at both widths: readable by everybody, no script error, no sideways scrolling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.template.response import TemplateResponse

from accounts.models import User
from tests.admin_site import act, actions_of, signed_in
from tests.leads.privacy.samples import land
from tests.leads.samples import make_lead
from tests.pages.checks import BOTH, errors_on
from tests.pages.conftest import LOOK, PATIENCE
from tests.support import mostly_long
from tests.test_admin_pages import Rows, address, key_of, registered

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.parametrize("width", BOTH)
Check = Callable[["Page"], None]
OFTEN = ("buckets.Bucket", "campaigns.Conversation", "enrichment.Run", "leads.Lead")  # in every run; the others `long`
ROWS = 10  # of a list; axe-core takes seconds for the hundred that the table of rules has, each like the others


@pytest.fixture(scope="module")
def window(browser: Browser, live_server: Any) -> Iterator[tuple[Page, list[str]]]:
    """One page for all addresses, which only look: its process starts once, and keeps their styles and scripts."""
    context = browser.new_context(**LOOK, base_url=live_server.url)
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), list[str]()
    errors_on(page, errors)
    yield page, errors
    context.close()


@pytest.fixture
def script_errors(window: tuple[Page, list[str]]) -> Iterator[list[str]]:
    errors = window[1]
    errors.clear()
    yield errors
    assert errors == []


@pytest.fixture
def page(window: tuple[Page, list[str]], script_errors: list[str], width: int) -> Iterator[Page]:
    page = window[0]
    page.set_viewport_size({"width": width, "height": 900})
    yield page
    page.unroute_all()
    page.goto("about:blank")  # what is under way ends in the test that began it
    page.context.clear_cookies()


@pytest.fixture
def boss(login: Callable[[Any], None]) -> User:
    user = User.objects.create_superuser("boss")
    login(user)
    return user


def look_at(page: Page, axe_check: Check, place: str) -> None:
    page.goto(place)
    axe_check(page)


@pytest.mark.parametrize(
    "model",
    [
        param if param.id in OFTEN else pytest.param(*param.values, id=param.id, marks=pytest.mark.long)
        for param in registered()
    ],
)
def test_the_list_and_the_page_of_every_model(
    boss: User, page: Page, axe_check: Check, model: type[Model], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(admin.site.get_model_admin(model), "list_per_page", ROWS)
    row = Rows().one_more(model)

    look_at(page, axe_check, address(model, "changelist"))
    look_at(page, axe_check, address(model, "change", key_of(row)))


@pytest.mark.long
@pytest.mark.parametrize("model", [p for p in registered() if actions_of(p.values[0])])
def test_the_page_between_an_action_and_doing_it(boss: User, page: Page, axe_check: Check, model: type[Model]):
    """Whatever an action answers before it does anything: asked for as the list would, shown at the list's address."""
    boss.time_zone, boss.time_zone_settled = "America/Phoenix", True  # the window has no part in the client's session:
    boss.save()  # it could not tell its zone there
    place, rows, client = address(model, "changelist"), Rows(), signed_in(boss)

    for action in actions_of(model):
        answer = act(client, model, action, [rows.one_more(model)])
        if isinstance(answer, TemplateResponse):
            page.route(f"**{place}", partial(_fulfill, body=answer.content))
            look_at(page, axe_check, place)
            page.unroute(f"**{place}")


def _fulfill(route: Any, request: Any, *, body: bytes) -> None:
    route.fulfill(body=body, content_type="text/html")


@pytest.mark.long
def test_the_api_docs(boss: User, page: Page):
    """A script that the policy forbids is an error in the console, which fails the test on any page."""
    page.goto("/api/docs")
    page.get_by_role("heading", name="Bucket System").wait_for()


def test_an_inline_script_is_an_error(boss: User, page: Page, script_errors: list[str]):
    page.goto("/admin/")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")

    assert page.evaluate("window.ran") is None
    assert "violates the following Content Security Policy directive" in script_errors.pop()


@pytest.mark.long
def test_the_index(boss: User, page: Page, axe_check: Check):
    look_at(page, axe_check, "/admin/")


@pytest.mark.parametrize(
    "place",
    mostly_long(
        ["accounts/auditevent/?about=contacts", "profile/", "password_change/", "privacy/", "vendor-spending/"]
    ),
)
def test_pages_that_are_no_models_own(boss: User, page: Page, axe_check: Check, place: str):
    look_at(page, axe_check, f"/admin/{place}")


@pytest.mark.long
def test_what_is_known_of_a_person_and_what_forgetting_would_blank(boss: User, page: Page, axe_check: Check):
    land(make_lead())
    for button, words in (("Show report", "12 Main St"), ("Preview forgetting", "This will be blanked")):
        page.goto("/admin/privacy/")
        page.get_by_label("Phone").fill("(206) 555-0143")
        page.get_by_role("button", name=button).click()
        page.get_by_text(words).first.wait_for()
        axe_check(page)


@pytest.mark.long
def test_a_token_and_a_webhooks_secret_are_shown_once(boss: User, page: Page, axe_check: Check, settings: Any):
    settings.DEBUG = True  # a webhook may lead to this machine
    look_at(page, axe_check, "/admin/knox/authtoken/add/")
    page.get_by_label("Name").fill("Nightly export")
    page.get_by_role("group", name="What it may do").get_by_label("Export leads").check()
    page.get_by_role("button", name="Make token").click()
    page.get_by_text("It is shown this once").wait_for()
    axe_check(page)
    page.goto("/admin/knox/authtoken/")
    page.get_by_text("Export leads").wait_for()

    look_at(page, axe_check, "/admin/accounts/webhookendpoint/add/")
    page.get_by_label("URL").fill("http://127.0.0.1:9/hook")
    page.get_by_role("group", name="Events").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#secret").wait_for()
    axe_check(page)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Send test").click()
    page.get_by_role("cell", name="webhook.test").wait_for()
    look_at(page, axe_check, page.url)
