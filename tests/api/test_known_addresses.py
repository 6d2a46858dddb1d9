"""An address that has been found once is the same address."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.urls.exceptions import Resolver404
from pytest import raises

from common.api.addresses import Addresses
from tests.api.client import Api


def _view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _addresses() -> Addresses:
    fixed, varied = path("leads", _view, name="leads"), path("leads/<int:number>", _view, name="lead")
    return Addresses("api/", [fixed, varied, re_path(r"^any", _view)])


def test_a_fixed_address_is_found_once_and_one_with_a_value_each_time() -> None:
    addresses = _addresses()

    first, again = addresses.resolve("api/leads"), addresses.resolve("api/leads")
    one, other = addresses.resolve("api/leads/1"), addresses.resolve("api/leads/2")

    assert first is again and (first.url_name, first.kwargs, first.route) == ("leads", {}, "leads")
    assert (one.kwargs, other.kwargs) == ({"number": 1}, {"number": 2})


def test_addresses_that_anybody_makes_up_are_not_kept() -> None:
    addresses = _addresses()

    assert addresses.resolve("api/any1").func is addresses.resolve("api/any2").func is _view
    with raises(Resolver404):
        addresses.resolve("api/nothing")
    addresses.resolve("api/leads/3")

    assert addresses._found == {}


def test_a_method_of_a_kept_address_is_asked_each_time(api: Api) -> None:
    assert [api.send(method, "/api/tags").status_code for method in ("GET", "GET", "DELETE", "GET")] == [
        200, 200, 405, 200,
    ]  # fmt: skip
