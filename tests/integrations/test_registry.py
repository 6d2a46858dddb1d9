"""Which door sells what."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.vendors import registry

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
    door = registry.door(operation)
    assert (door.vendor, door.largest_batch) == OPERATIONS[operation]
    assert door.operation == operation
    assert registry.vendor_of(operation) == door.vendor
    assert door.idempotent is False


def test_the_settings_choose_who_traces(settings: Any) -> None:
    settings.SKIP_TRACE_VENDOR = "signalhouse"
    door = registry.door("skip_trace")
    assert (door.vendor, door.largest_batch, door.idempotent) == ("signalhouse", 1, True)


def test_an_operation_nobody_sells_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        registry.door("palm_reading")


def test_every_operation_has_a_vendor_from_the_start() -> None:
    assert set(registry.VENDOR_OF) == set(OPERATIONS)
