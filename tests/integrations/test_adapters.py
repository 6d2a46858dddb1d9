"""Which adapter sells what."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.vendors import adapters

OPERATIONS = {
    "property_search": ("realestateapi", 1),
    "property_detail": ("realestateapi", 1000),
    "skip_trace": ("realestateapi", 100),
    "apollo_people": ("apollo", 10),
    "apollo_organizations": ("apollo", 10),
}


@pytest.fixture(autouse=True)
def vendors(settings: Any) -> None:
    settings.VENDORS = {name: {"base_url": "", "key": ""} for name in ("realestateapi", "signalhouse", "apollo")}
    settings.SKIP_TRACE_VENDOR = "realestateapi"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_has_its_vendor_and_batch_and_no_key_is_needed_to_ask(operation: str) -> None:
    adapter = adapters.adapter_for(operation)
    assert (adapter.vendor, adapter.largest_batch) == OPERATIONS[operation]
    assert adapter.operation == operation
    assert adapters.vendor_of(operation) == adapter.vendor
    assert adapter.idempotent is False


def test_the_settings_choose_who_traces(settings: Any) -> None:
    settings.SKIP_TRACE_VENDOR = "signalhouse"
    adapter = adapters.adapter_for("skip_trace")
    assert (adapter.vendor, adapter.largest_batch, adapter.idempotent) == ("signalhouse", 1, True)


def test_an_operation_nobody_sells_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        adapters.adapter_for("palm_reading")


def test_every_operation_has_a_vendor_from_the_start() -> None:
    assert set(registry.VENDOR_OF) == set(OPERATIONS)
