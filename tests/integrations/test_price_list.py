"""A vendor that claims more than the price list: shown, decided by page, command and API, never simply resumed."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.utils import timezone

from common import dates
from common.api.base import NEEDS_ADMINISTRATOR
from integrations.ledger import breaker, catalogue
from integrations.models import Operation, Vendor
from integrations.operating import vendors
from operations.metrics import exposition
from tests.admin_site import act, address, staff, superuser, words
from tests.api.client import Api, refused
from tests.command_line import assert_refused, run
from tests.integrations.doubtful import doubtful
from tests.integrations.test_vendors import form_of, page_of

pytestmark = pytest.mark.django_db
NEEDS = (
    "RealEstateAPI needs a billing check: its own count is higher than the price list. Compare its bill, then say that "
    "the price list is right (vendors confirm-prices realestateapi), or set its price."
)


@pytest.fixture(autouse=True)
def _no_throttle_of_another_test() -> None:
    cache.clear()


@pytest.fixture
def paused() -> Vendor:
    """Paused for a billing check, as the gate does it."""
    catalogue.operation("property_detail")
    catalogue.operation("property_search")
    Vendor.objects.filter(pk="realestateapi").update(billing_check=True, paused_reason="Needs billing check: $9.50.")
    return catalogue.vendor("realestateapi")


def state() -> tuple[bool, str, int]:
    """Whether it is paused for a check, why it is paused, and how many operations' lists are confirmed."""
    vendor = Vendor.objects.get(pk="realestateapi")
    return vendor.billing_check, vendor.paused_reason, vendor.operations.exclude(list_confirmed_at=None).count()


def everywhere() -> int:
    return Operation.objects.filter(vendor="realestateapi").count()


# --- It is not simply resumed -----------------------------------------------------------------------------------------


def test_resuming_resetting_and_closing_the_breaker_say_what_to_do_instead(paused: Vendor) -> None:
    client = superuser()[1]
    before = state()

    for answer in (
        client.post(page_of("realestateapi", "resume")),
        client.post(page_of("realestateapi", "close-breaker")),
        act(client, Vendor, "reset", [paused]),
    ):
        assert NEEDS in words(answer)[-1]
        client.cookies.pop("messages", None)
    superuser("ann")
    assert_refused(run("vendors", "resume", "realestateapi", "--user", "ann"), NEEDS)
    breaker.reset("realestateapi")  # as a run's resume does it
    assert state() == before == (True, "Needs billing check: $9.50.", 0)


# --- The three ways to say it -----------------------------------------------------------------------------------------


def test_the_price_list_is_right_by_page(paused: Vendor) -> None:
    boss, client = superuser()
    shown = client.get(page_of("realestateapi")).content.decode()
    assert "The price list is right" in shown
    assert ">Resume<" not in shown

    client.post(page_of("realestateapi", "confirm-prices"))

    assert state() == (False, "", everywhere())
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (boss, "The price list is right")
    assert "Needs billing check" not in client.get(page_of("realestateapi")).content.decode()


def test_the_price_list_is_right_by_command_and_api(paused: Vendor) -> None:
    ann = superuser("ann")[0]
    ran = run("vendors", "confirm-prices", "realestateapi", "--user", "ann", "--json").json
    assert (ran["needsBillingCheck"], ran["trouble"], state()) == (False, "", (False, "", everywhere()))

    Vendor.objects.update(billing_check=True, paused_reason="Needs billing check: again")
    answer = Api(ann).post("/api/vendors/realestateapi/confirm-prices", {})
    assert (answer.status_code, answer.json()["vendor"]["available"]) == (200, True)
    assert state() == (False, "", everywhere())
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["The price list is right"] * 2


def test_a_persons_own_pause_outlives_the_check(paused: Vendor) -> None:
    boss = superuser()[0]
    vendors.pause_vendor(vendor=paused, by=boss, reason="holiday")

    vendors.confirm_price_list(paused, boss)

    vendor = Vendor.objects.get(pk="realestateapi")
    assert (vendor.billing_check, vendor.enabled, vendor.paused_reason) == (False, False, "holiday (boss)")


def test_setting_a_price_ends_the_check_by_page_command_and_api(paused: Vendor) -> None:
    ann, client = superuser("ann")
    detail = Operation.objects.get(vendor="realestateapi", name="property_detail")

    def again() -> None:
        assert state()[:2] == (False, "")
        Vendor.objects.filter(pk="realestateapi").update(billing_check=True, paused_reason="Needs billing check: again")

    client.post(page_of("realestateapi"), form_of(client, "realestateapi", property_detail__price="0.10"))
    again()
    page = address(Operation, "change", detail.pk)
    client.post(page, {"price": "0.11", "pace": "", "batch": "", "fresh_days": ""})
    again()
    told = run("vendors", "set-price", "realestateapi", "property_detail", "0.12", "--user", "ann").out
    assert told == "realestateapi: property_detail costs $0.12 a unit.\n"
    again()
    body = {"operation": "property_detail", "price": "0.13"}
    priced = Api(ann).post("/api/vendors/realestateapi/price", body).json()["vendor"]
    assert state()[:2] == (False, "")
    detail.refresh_from_db()
    assert (detail.price, detail.list_confirmed_at) == (Decimal("0.13"), None)  # claims count against the new price
    assert [o["price"] for o in priced["operations"] if o["name"] == "property_detail"] in (["0.13"], [0.13])


def test_changing_something_else_of_a_vendor_is_no_decision(paused: Vendor) -> None:
    client = superuser()[1]
    client.post(page_of("realestateapi"), form_of(client, "realestateapi", daily_cap="5", property_detail__pace="60"))
    assert Operation.objects.get(vendor="realestateapi", name="property_detail").pace == 60
    assert state() == (True, "Needs billing check: $9.50.", 0)


@pytest.mark.parametrize("price", ["-1", "0.00001", "100000"])
def test_a_senseless_price_is_refused_and_decides_nothing(price: str, paused: Vendor) -> None:
    ann = superuser("ann")[0]

    assert run("vendors", "set-price", "realestateapi", "property_detail", price, "--user", "ann").status == 1
    body = {"operation": "property_detail", "price": price}
    assert Api(ann).post("/api/vendors/realestateapi/price", body).status_code == 400
    unknown = Api(ann).post("/api/vendors/realestateapi/price", {"operation": "nothing", "price": "1"})
    assert (unknown.status_code, "sells no" in unknown.json()["error"]["message"]) == (400, True)
    assert catalogue.operation("property_detail").price is None
    assert state() == (True, "Needs billing check: $9.50.", 0)


@pytest.mark.parametrize("price", ["1_0", "٣", "NaN", True, None, [1], ""])
def test_a_price_in_no_plain_digits_is_refused(price: Any, paused: Vendor) -> None:
    body = {"operation": "property_detail", "price": price}

    refused(Api(superuser()[0]).post("/api/vendors/realestateapi/price", body), 400, "price")
    assert catalogue.operation("property_detail").price is None
    assert state() == (True, "Needs billing check: $9.50.", 0)


def test_only_who_may_change_vendors_decides(paused: Vendor) -> None:
    bob, client = staff("bob")
    api = Api(bob)

    assert client.post(page_of("realestateapi", "confirm-prices")).status_code == 403
    told = run("vendors", "confirm-prices", "realestateapi", "--user", "bob")
    assert (told.status, "bob may not change vendors" in told.err) == (1, True)
    for answer in (
        api.get("/api/vendors"),
        api.post("/api/vendors/realestateapi/confirm-prices", {}),
        api.post("/api/vendors/realestateapi/price", {"operation": "property_detail", "price": "1"}),
    ):
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, NEEDS_ADMINISTRATOR)
    assert Api(superuser()[0]).post("/api/vendors/nobody/confirm-prices", {}).status_code == 404
    assert state() == (True, "Needs billing check: $9.50.", 0)


# --- What it claims is shown ------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.django_db(transaction=True)  # `reconcile` reads in transactions of its own
def test_claims_above_the_list_are_summed_by_vendor_and_day_and_shown_everywhere(paused: Vendor) -> None:
    boss, client = superuser()
    settled: dict[str, Any] = {"state": "settled", "category": "", "claimed": 4, "units": 2, "cost": Decimal("0.10")}
    doubtful(boss, "run:a", excess=Decimal("0.10"), **settled)
    doubtful(boss, "run:b", excess=Decimal("1.40"), **settled)
    doubtful(boss, "run:c", operation="apollo_people", **settled)
    today = timezone.now().astimezone(UTC).date()

    (day,) = client.get(page_of("realestateapi")).context["days"]
    assert (day.day, day.spent, day.excess) == (today, Decimal("0.20"), Decimal("1.50"))
    assert 'bucket_excess_dollars{vendor="realestateapi"} 1.5' in exposition().decode()
    assert 'bucket_excess_dollars{vendor="apollo"} 0.0' in exposition().decode()
    assert 'bucket_billing_check{vendor="realestateapi"} 1.0' in exposition().decode()
    listed = {row["name"]: row for row in Api(boss).get("/api/vendors").json()["vendors"]}
    assert float(listed["realestateapi"]["excessToday"]) == 1.5
    assert (listed["realestateapi"]["available"], listed["apollo"]["available"]) == (False, True)
    assert "its own count is $1.50 above the price list, in 7 days" in run("vendors").out
    assert f"realestateapi, {dates.day(today)}: its own count is $1.50 above the price list." in run("reconcile").out


# --- What its server errors mean --------------------------------------------------------------------------------------


@pytest.mark.long
def test_what_server_errors_mean_is_set_on_the_page_and_by_command() -> None:
    client = superuser("ann")[1]
    catalogue.operation("property_detail")
    page = client.get(page_of("realestateapi")).content.decode()
    assert "What a server error in answer to a paid request means" in page
    for label in Vendor.ServerErrors.labels:
        assert label in page

    client.post(page_of("realestateapi"), form_of(client, "realestateapi", server_error_policy="billed"))
    assert Vendor.objects.get(pk="realestateapi").server_error_policy == "billed"
    told = run("vendors", "policy", "realestateapi", "not_billed", "--user", "ann")
    assert told.out == "realestateapi: Server errors in answer to a paid request: not billed: try again.\n"
    assert Vendor.objects.get(pk="realestateapi").server_error_policy == "not_billed"
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "server error policy: doubt → billed",
        "server error policy: billed → not_billed",
    ]
    refused = run("vendors", "policy", "realestateapi", "free", "--user", "ann")
    assert_refused(refused, "Which policy? One of doubt, not_billed, billed.")
    assert (
        client.post(page_of("realestateapi"), form_of(client, "realestateapi", server_error_policy="x")).status_code
        == 200
    )
    assert Vendor.objects.get(pk="realestateapi").server_error_policy == "not_billed"
