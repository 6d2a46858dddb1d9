"""Every list that is empty says what it will hold, with a button that works, for who may press it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import Team
from tests.admin_site import address, member, staff, superuser
from tests.support import mostly_long

pytestmark = pytest.mark.django_db
BUTTON = re.compile(r'<a href="([^"]+)"[^>]*class="font-medium inline-flex')


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list finds a row, whatever migrations, signing in and other lists have made."""
    for model_admin in admin.site._registry.values():
        empty = model_admin.model._default_manager.none()
        monkeypatch.setattr(model_admin, "get_queryset", lambda _request, rows=empty: rows)


def card(client: Client, model: Any) -> tuple[str, str] | None:
    """What the empty list says, and where its button leads; None: she does not open the list."""
    answer = client.get(address(model, "changelist"))
    if answer.status_code == 302 and answer.headers["Location"].startswith("?"):  # the leads' list opens on a view
        answer = client.get(address(model, "changelist") + answer.headers["Location"])
    if answer.status_code in (302, 403):  # a manager's list of teams is the page of her own
        return None
    page = html.unescape(answer.content.decode())
    listed: Any = admin.site._registry[model]
    words = listed.empty.words
    at = page.find(words)
    if at < 0:
        return "", ""
    found = BUTTON.search(page, at, at + 1500)
    return words, found[1] if found else ""


@pytest.mark.long
@pytest.mark.usefixtures("nothing_there")
def test_every_list_says_what_it_will_hold_with_a_button_that_opens() -> None:
    boss, manager = superuser()[1], staff()[1]
    silent, dead = [], []
    for model, model_admin in admin.site._registry.items():
        name = model._meta.label
        if getattr(model_admin, "empty", None) is None:
            silent.append(name)
            continue
        told = [(client, card(client, model)) for client in (boss, manager)]
        opened = [(client, found) for client, found in told if found is not None]
        if not all(found[0] for _, found in opened) or not any(found[1] for _, found in opened):
            silent.append(f"{name}: {[found for _, found in opened]}")
        dead += [f"{name}: {place}" for client, (_, place) in opened if place and client.get(place).status_code >= 400]
    assert (silent, dead) == ([], [])


@pytest.mark.usefixtures("nothing_there")
@pytest.mark.parametrize("role", mostly_long(["reader", "caller"]))
def test_who_may_less_is_shown_no_button_that_refuses_her(role: str) -> None:
    client = member(Team.objects.create(name="Team"), role)[1]
    for model, model_admin in admin.site._registry.items():
        found = card(client, model) if getattr(model_admin, "empty", None) else None
        if found and found[1]:
            assert client.get(found[1]).status_code in (200, 302), (model, found)


@pytest.mark.long
def test_what_the_side_bar_leads_to_by_a_filter_says_what_it_will_hold_too() -> None:
    """Somebody new has set no filter: "Nothing matches" is no word for her."""
    client = staff()[1]
    page = html.unescape(client.get("/admin/").content.decode())
    filtered = sorted(set(re.findall(r'href="(/admin/[^"]+\?[^"]+)"', page)))
    assert any("callback=today" in place for place in filtered) and any("about=contacts" in place for place in filtered)
    for place in filtered:
        shown = html.unescape(client.get(place, follow=True).content.decode())
        assert "Nothing matches this search and these filters" not in shown, place
