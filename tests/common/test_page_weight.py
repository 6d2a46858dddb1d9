"""A page loads the scripts that it has use for, and no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import unfold
from django.template import engines
from django.test import Client

from accounts.models import User

SCRIPTS = {  # what a page says: the theme's script that makes it move
    "x-sort": "alpine.sort.js",
    "x-anchor": "alpine.anchor.js",
    "x-resize": "alpine.resize.js",
    " hx-": "htmx.js",
    'class="chart"': "chart.js",
    "data-simplebar": "simplebar.js",
}
# Of unfold 0.91's own. Changed: compare it with templates/unfold/layouts/skeleton.html, take over what is new there,
# and write the new digest here.
THEMES = "66af9f0bb45f98ba4e16ba5e5a11f36d87b8e07430d19066d088b29548491c2e"


def test_our_skeleton_follows_the_themes() -> None:
    theirs = Path(unfold.__file__).parent / "templates/unfold/layouts/skeleton.html"
    assert hashlib.sha256(theirs.read_bytes()).hexdigest() == THEMES


def skeleton(body: str) -> str:
    page = '{% extends "unfold/layouts/skeleton.html" %}{% block base %}' + body + "{% endblock %}"
    return str(engines["django"].from_string(page).render({}))


@pytest.mark.parametrize(("words", "script"), SCRIPTS.items())
def test_a_script_comes_with_what_needs_it_and_else_not(words: str, script: str) -> None:
    assert f"/{script}" in skeleton(f"<p {words}></p>")
    assert f"/{script}" not in skeleton("<p>Nothing moves.</p>")


@pytest.mark.django_db
def test_each_page_has_what_it_says_and_the_big_ones_only_there() -> None:
    client = Client()
    sign_in = client.get("/admin/login/").content.decode()
    assert not {script for script in SCRIPTS.values() if f"/{script}" in sign_in}

    client.force_login(User.objects.create_superuser("boss"))
    for path in ("/admin/", "/admin/leads/lead/", "/admin/buckets/bucket/", "/admin/buckets/bucket/find/"):
        page = client.get(path).content.decode()
        body = page[page.index("<body") :]
        assert {script for script in SCRIPTS.values() if f"/{script}" in page} == {
            script for words, script in SCRIPTS.items() if words in body.replace("simplebar.js", "")
        }, path
        assert "unfold/fonts" not in page, path
