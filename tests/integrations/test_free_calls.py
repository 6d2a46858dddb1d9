"""Free calls whose vendor finds nothing: an empty answer for the user, and nothing learned about its base URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from integrations import services
from integrations.ledger import catalogue
from integrations.models import Operation, Vendor, VendorCall
from integrations.vendors.errors import Category
from integrations.vendors.realestateapi.client import IdPage
from tests.support import make_user, set_operations

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "http://realestateapi.test"
NOTHING = {"statusCode": 404, "error": "Not Found", "message": "No results", "validation": {}}
ASKS: list[tuple[str, str, Callable[[int], Any], Any]] = [
    ("PropertySearch", "property_search", lambda user: services.count_properties({"zip": "20171"}, user_id=user), 0),
    (
        "PropertySearch",
        "property_search",
        lambda user: services.property_ids({"zip": "20171"}, user_id=user),
        IdPage(ids=(), total=0),
    ),
    ("AutoComplete", "autocomplete", lambda user: services.autocomplete("Nowhere", None, user_id=user), []),
]


@pytest.fixture
def wire(settings: Any) -> Iterator[responses.RequestsMock]:
    settings.VENDORS = settings.VENDORS | {"realestateapi": {"base_url": BASE, "key": "sesame"}}
    set_operations(settings, pace=0)
    with responses.RequestsMock() as simulated:
        yield simulated


@pytest.mark.parametrize(("path", "name", "ask", "nothing"), ASKS)
@pytest.mark.parametrize("proven", [False, True])
def test_the_documented_404_finds_nothing_and_neither_pauses_the_vendor_nor_proves_its_base_url(
    wire: responses.RequestsMock, path: str, name: str, ask: Callable[[int], Any], nothing: Any, proven: bool
) -> None:
    catalogue.operation(name)
    known = BASE if proven else ""
    Operation.objects.filter(name=name).update(answered_from=known)
    wire.post(f"{BASE}/v2/{path}", status=404, json=NOTHING)
    assert ask(make_user().pk) == nothing
    vendor = Vendor.objects.get(pk="realestateapi")
    assert (vendor.paused_reason, vendor.failures, vendor.breaker_open_until) == ("", 0, None)
    assert Operation.objects.get(name=name).answered_from == known
    call = VendorCall.objects.get()
    assert (call.state, call.status, call.category, call.cost) == ("released", 404, Category.NOT_FOUND, 0)


@pytest.mark.parametrize(("path", "name", "ask", "nothing"), ASKS)
def test_a_404_of_anybody_else_pauses_the_vendor(
    wire: responses.RequestsMock, path: str, name: str, ask: Callable[[int], Any], nothing: Any
) -> None:
    wire.post(f"{BASE}/v2/{path}", status=404, body="<html>nginx</html>")
    with pytest.raises(services.NotNow) as caught:
        ask(make_user().pk)
    reason = "RealEstateAPI has nothing at this address (404), check its base URL."
    assert (caught.value.category, caught.value.reason) == (Category.AUTH_ERROR, reason)
    assert Vendor.objects.get(pk="realestateapi").paused_reason == reason
