"""Pages in a real browser: Debian's Chromium, Django's live server, the tests' own PostgreSQL.

A page test asks for `page` (at 1,440 px; `@pytest.mark.parametrize("width", BOTH)` for both widths), signs in with
`login(user)` and goes to addresses without a host: `page.goto("/admin/")`. A script error on any page fails its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from tests.pages.checks import WIDTHS, errors_on, serious_findings, sideways, stops_missing, words_for_icons

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


PATIENCE = 90_000  # ms: only a page that never comes fails, however busy the machine is
LOOK: dict[str, Any] = {  # of a window
    "viewport": {"width": 1440, "height": 900},
    "reduced_motion": "reduce",  # a colour half way through a transition has no contrast
}


@pytest.fixture
def width() -> int:
    """Of the window, in px, unless a test is parametrised over BOTH."""
    return WIDTHS[0]


@pytest.fixture
def page(browser: Browser, live_server: Any, width: int, script_errors: list[str]) -> Iterator[Page]:
    """An empty page of a window without a past. Its relative addresses are the live server's."""
    look = LOOK | {"viewport": {"width": width, "height": 900}}
    context = browser.new_context(**look, base_url=live_server.url)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto = _goto(page)  # type: ignore[method-assign]
    errors_on(page, script_errors)
    yield page
    context.close()


def _goto(page: Page) -> Callable[..., Any]:
    """Goes once more where the page before, which follows a job, has just begun to load itself anew."""
    goto = page.goto

    def go(address: str, **more: Any) -> Any:
        try:
            return goto(address, **more)
        except Exception as error:
            if "net::ERR_ABORTED" not in str(error):
                raise
            return goto(address, **more)

    return go


@pytest.fixture
def script_errors() -> Iterator[list[str]]:
    """What the console complained of, on any page of the test. One that expects an error asserts and clears it."""
    errors: list[str] = []
    yield errors
    assert errors == []


@pytest.fixture
def login(page: Page, live_server: Any) -> Callable[[Any], None]:
    """`login(user)`: the page is theirs from now on, by a session cookie."""

    def sign_in(user: Any) -> None:
        client = Client()
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    return sign_in


@pytest.fixture
def axe_check(request: pytest.FixtureRequest, width: int) -> Callable[[Page], None]:
    """`axe_check(page)`: nothing axe-core calls serious, no sideways scrolling, a way past the menu to main."""
    over_both = hasattr(request.node, "callspec") and "width" in request.node.callspec.params

    def check(page: Page) -> None:
        look(page)
        if over_both and width == WIDTHS[0]:
            page.set_viewport_size({"width": WIDTHS[1], "height": 900})
            look(page)
            page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    def look(page: Page) -> None:
        if findings := [*serious_findings(page), *sideways(page), *stops_missing(page), *words_for_icons(page)]:
            pytest.fail("\n".join(findings), pytrace=False)

    return check
