"""The product's words: one thing has one word on every page, in the API's documentation and in the README."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import User
from tests.test_admin_pages import Rows, address, key_of, registered

pytestmark = pytest.mark.django_db


class Visible(HTMLParser):
    UNSEEN = ("script", "style", "head", "template", "svg")
    VOID = ("input", "meta", "link", "br", "img", "hr", "path")

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[bool] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            unseen = tag in self.UNSEEN or "material-symbols-outlined" in (given.get("class") or "")
            self.stack.append(unseen or bool(self.stack and self.stack[-1]))
        if not (self.stack and self.stack[-1]):
            self.texts += [given[n] for n in ("aria-label", "title", "placeholder") if given.get(n)]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID and self.stack:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not (self.stack and self.stack[-1]):
            self.texts.append(" ".join(data.split()))


def visible(html: str) -> list[str]:
    v = Visible()
    v.feed(html)
    return v.texts


@pytest.mark.parametrize("model", registered())
def test_dump(model: Any, client: Client):
    client.force_login(User.objects.create_superuser("boss"))
    out = []

    def get(a):
        r = client.get(a)
        if r.status_code != 200:
            return
        h = r.content.decode()
        out.append("=== " + a + " | " + re.search("<title>(.*?)</title>", h, re.S)[1].strip())
        i = h.find('id="content"')
        out.extend(visible(h)[25:])

    get(address(model, "changelist"))
    row = Rows().one_more(model)
    get(address(model, "changelist"))
    get(address(model, "change", key_of(row)))
    try:
        get(address(model, "add"))
    except Exception as e:
        out.append(repr(e))
    open("/tmp/D1dump.txt", "a").write("\n".join(out) + "\n")
