"""A vendor without a key is not available: quotes, pages and commands say so, and it sells again once a key is set."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from buckets.models import Bucket
from devtools.mode import VENDORS
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from enrichment.selectors import why_waiting
from enrichment.services import resume_run
from integrations.ledger import catalogue
from integrations.models import Vendor, VendorCall
from integrations.vendors import available
from sandbox.server import Sandbox
from tests.admin_site import address, superuser
from tests.command_line import run as command
from tests.support import billed, finish, make_bucket, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = "RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)"


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    return make_bucket(sandbox, make_user(), 5)


@pytest.fixture
def without_key(bucket: Bucket, settings: Any) -> dict[str, Any]:
    """The settings of before, with the key."""
    before: dict[str, Any] = settings.VENDORS
    settings.VENDORS = before | {"realestateapi": before["realestateapi"] | {"key": ""}}
    return before


def test_a_quote_says_so_once_beside_the_price(bucket: Bucket, without_key: Any) -> None:
    priced = quote(bucket=bucket, by=bucket.owner, options=RunOptions())
    assert priced.limits == (TOLD,)
    assert priced.price == Decimal("0.50")
    told = command("process_bucket", bucket.pk, "--quote-only")
    assert (told.status, f"Note: {TOLD}." in told.out) == (0, True)


@pytest.mark.long
def test_a_run_waits_says_so_and_goes_on_once_the_key_is_set(
    bucket: Bucket, without_key: dict[str, Any], sandbox: Sandbox, settings: Any
) -> None:
    run = finish(start(bucket))
    assert (run.status, run.paused_by, run.reason, run.spent, run.failed) == ("paused", "vendor", TOLD, 0, 0)
    assert (requests_of(sandbox), VendorCall.objects.count()) == ({}, 0)
    assert Vendor.objects.get(pk="realestateapi").paused_reason == "", "nobody has to resume a vendor"
    settings.VENDORS = without_key
    resume_run(run=run, by=run.owner)
    run = finish(run)
    assert (run.status, run.done, run.spent) == ("completed", 5, billed(sandbox))


def test_a_run_that_has_just_started_says_what_it_waits_for(bucket: Bucket, without_key: Any) -> None:
    assert why_waiting(start(bucket)) == f"{TOLD}."


def test_the_vendors_command_and_pages_say_so(bucket: Bucket, without_key: Any) -> None:
    vendor = catalogue.vendor("realestateapi")
    told = command("vendors")
    assert f"realestateapi  {TOLD}.  $0.00 of" in told.out
    client = superuser()[1]
    page = client.get(address(Vendor, "changelist")).content.decode()
    assert f"{TOLD}." in page and f"paused: {TOLD}" not in page
    page = client.get(address(Vendor, "change", vendor.pk)).content.decode()
    assert f"{TOLD}. Key: not set." in page and "Not available</span>" in page.replace("\n", "").replace("  ", "")


def test_an_address_is_needed_as_well(settings: Any) -> None:
    settings.VENDORS = {"signalhouse": {"base_url": "", "key": "k"}}
    assert available.lack("signalhouse") == (
        "SignalHouse is not available: no address (SIGNALHOUSE_BASE_URL is not set)"
    )
    assert available.lack("realestateapi") == "", "nobody sells it here"


def test_the_development_place_knows_the_same_vendors_and_variables(settings: Any) -> None:
    assert set(VENDORS) == set(settings.VENDORS) - {"mail"}  # CAMPAIGN_EMAIL_URL is address and key in one
    for name, (title, address_variable, key_variable) in VENDORS.items():
        account = available.account(name)
        known = (account.title, account.address_variable, account.key_variable)
        assert known == (title, address_variable, key_variable)
