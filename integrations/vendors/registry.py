"""Which door sells which operation, by the settings of this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from integrations.vendors.account import Account
from integrations.vendors.apollo import client as apollo
from integrations.vendors.apollo import doors as apollo_doors
from integrations.vendors.contact import skip_trace_query
from integrations.vendors.contract import Door
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.realestateapi import doors as realestateapi_doors
from integrations.vendors.signalhouse import client as signalhouse
from integrations.vendors.signalhouse import doors as signalhouse_doors

__all__ = ["VENDOR_OF", "door", "skip_trace_query", "vendor_of"]

_Maker = tuple[Callable[[Account], Door], Callable[[], Account]]
_DOORS: Mapping[tuple[str, str], _Maker] = {
    ("property_search", "realestateapi"): (realestateapi_doors.PropertySearchPage, realestateapi.config),
    ("property_detail", "realestateapi"): (realestateapi_doors.PropertyDetail, realestateapi.config),
    ("skip_trace", "realestateapi"): (realestateapi_doors.SkipTrace, realestateapi.config),
    ("skip_trace", "signalhouse"): (signalhouse_doors.SkipTrace, signalhouse.config),
    ("apollo_people", "apollo"): (apollo_doors.PeopleMatch, apollo.config),
    ("apollo_organizations", "apollo"): (apollo_doors.OrganizationEnrich, apollo.config),
}


_VENDORS = {operation: vendor for operation, vendor in _DOORS if operation != "skip_trace"}


def vendor_of(operation: str) -> str:
    """The vendor an operation is bought from. Raises KeyError where nobody sells it."""
    vendor: str = settings.SKIP_TRACE_VENDOR if operation == "skip_trace" else _VENDORS[operation]
    return vendor


def door(operation: str) -> Door:
    """The door of an operation. A missing key is told when it is called, not here. Raises KeyError as `vendor_of`."""
    make, config = _DOORS[operation, vendor_of(operation)]
    return make(config())


# operation -> vendor as the process started; `vendor_of` follows a change of settings (in tests).
VENDOR_OF: dict[str, str] = {operation: vendor_of(operation) for operation, _ in _DOORS}
