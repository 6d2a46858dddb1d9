"""Every admin page, in a real browser at both widths: readable by everybody, no script error, no sideways scrolling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Model
from django.template.response import TemplateResponse

from accounts.models import User
from tests.admin_site import act, actions_of, signed_in
from tests.pages.checks import WIDTHS
from tests.test_admin_pages import Rows, address, key_of, registered

if TYPE_CHECKING:
    from playwright.sync_api import Page

Check = Callable[["Page"], None]


@pytest.fixture
def boss(login: Callable[[Any], None]) -> User:
    user = User.objects.create_superuser("boss")
    login(user)
    return user


def look_at(page: Page, axe_check: Check, place: str) -> None:
    page.goto(place)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe_check(page)


@pytest.mark.parametrize("model", registered())
def test_the_list_and_the_page_of_every_model(boss: User, page: Page, axe_check: Check, model: type[Model]):
    row = Rows().one_more(model)

    look_at(page, axe_check, address(model, "changelist"))
    look_at(page, axe_check, address(model, "change", key_of(row)))


@pytest.mark.parametrize("model", [p for p in registered() if actions_of(p.values[0])])
def test_the_page_between_an_action_and_doing_it(boss: User, page: Page, axe_check: Check, model: type[Model]):
    """Whatever an action answers before it does anything: asked for as the list would, shown at the list's address."""
    place, rows, client = address(model, "changelist"), Rows(), signed_in(boss)

    for action in actions_of(model):
        answer = act(client, model, action, [rows.one_more(model)])
        if isinstance(answer, TemplateResponse):
            page.route(f"**{place}", partial(_fulfill, body=answer.content))
            look_at(page, axe_check, place)
            page.unroute(f"**{place}")


def _fulfill(route: Any, request: Any, *, body: bytes) -> None:
    route.fulfill(body=body, content_type="text/html")


def test_the_index(boss: User, page: Page, axe_check: Check):
    look_at(page, axe_check, "/admin/")
