"""What a person is told where something is refused or broken: in the product's look, with a way back."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.template import loader
from django.test import Client
from django.urls import path
from django.views.defaults import server_error

from config import urls
from tests.admin_site import signed_in, staff

RAISED = {"400": SuspiciousOperation("raw"), "403": PermissionDenied(), "404": Http404("raw"), "500": ValueError("raw")}
HEADINGS = {
    "400": "This request cannot be read",
    "403": "Not permitted",
    "404": "There is nothing at this address",
    "500": "Something went wrong on our side",
    "403_csrf": "This form is no longer valid",
    "429": "Too many at a time",
}


def fail(request: HttpRequest, status: str) -> HttpResponse:
    raise RAISED[status]


urlpatterns = [path("broken/<str:status>", fail), *urls.urlpatterns]
handler400, handler500 = urls.handler400, urls.handler500


@pytest.fixture
def client(settings: Any) -> Client:
    settings.ROOT_URLCONF, settings.DEBUG = __name__, False
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def assert_kind(page: str, status: str) -> None:
    assert f"<h1>{HEADINGS[status]}</h1>" in page
    assert page.count("<main ") == page.count('href="#main-content"') == 1
    assert '<a class="way" href="/">Home</a>' in page or '<a href="/">Home</a>' in page
    assert "raw" not in page


@pytest.mark.parametrize("status", RAISED)
def test_each_has_the_products_look_and_a_way_back(client: Client, status: str) -> None:
    answer = client.get(f"/broken/{status}")

    assert answer.status_code == int(status)
    assert_kind(answer.content.decode(), status)


def test_an_unknown_address_is_one_of_them(client: Client) -> None:
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert_kind(answer.content.decode(), "404")


def test_a_form_without_its_token_says_what_to_do(client: Client) -> None:
    answer = client.post("/admin/login/", {"username": "ann", "password": "x"})

    assert answer.status_code == 403
    assert_kind(answer.content.decode(), "403_csrf")
    assert "Reload the page, and send it again." in answer.content.decode()


@pytest.mark.parametrize("status", HEADINGS)
def test_none_needs_a_database_a_request_or_a_static_file(status: str) -> None:
    page = loader.get_template(f"{status}.html").render()

    assert_kind(page, status)
    assert django_settings.STATIC_URL not in page


def test_a_500_needs_not_even_a_request_that_can_be_read() -> None:
    answer = server_error(HttpRequest())

    assert_kind(answer.content.decode(), "500")


@pytest.mark.parametrize(("place", "status"), [("/api/nowhere", 404), ("/api/profile", 401)])
def test_a_program_still_gets_json(client: Client, place: str, status: int) -> None:
    answer = client.get(place)

    assert (answer.status_code, answer.json()["success"]) == (status, False)


# --- Signing in and out ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_root_leads_to_the_desk() -> None:
    home = staff()[1].get("/", follow=True)

    assert (home.status_code, home.redirect_chain) == (200, [("/admin/", 302)])
    away = Client().get("/", follow=True)
    assert away.redirect_chain == [("/admin/", 302), ("/admin/login/?next=/admin/", 302)]
    assert "You are signed out" not in away.content.decode()  # it is their first page: nothing has ended


@pytest.mark.django_db
def test_a_session_that_ended_leads_back_after_signing_in() -> None:
    _, client = staff()
    place = "/admin/leads/lead/?callback=today"
    client.session.flush()

    page = client.get(place, follow=True)

    assert "You are signed out: sign in, and the page you asked for opens." in page.content.decode()
    assert f'value="{place}"' in page.content.decode() or page.context["next"] == place


@pytest.mark.django_db
def test_signing_out_says_so_and_offers_the_way_in() -> None:
    client = signed_in(staff()[0])

    page = client.post("/admin/logout/").content.decode()

    assert "You are signed out" in page
    assert "Sign in again" in page
    assert 'href="/admin/"' in page
