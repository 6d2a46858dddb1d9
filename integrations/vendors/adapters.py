"""Which adapter sells which operation, by the settings of this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from integrations.vendors.apollo import adapters as apollo_adapters
from integrations.vendors.apollo import client as apollo
from integrations.vendors.contract import Adapter
from integrations.vendors.credentials import Account
from integrations.vendors.realestateapi import adapters as realestateapi_adapters
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.signalhouse import adapters as signalhouse_adapters
from integrations.vendors.signalhouse import client as signalhouse

__all__ = ["adapter_for", "vendor_of"]

_Maker = tuple[Callable[[Account], Adapter], Callable[[], Account]]
_ADAPTERS: Mapping[tuple[str, str], _Maker] = {
    ("property_search", "realestateapi"): (realestateapi_adapters.PropertySearchPage, realestateapi.config),
    ("property_detail", "realestateapi"): (realestateapi_adapters.PropertyDetail, realestateapi.config),
    ("skip_trace", "realestateapi"): (realestateapi_adapters.SkipTrace, realestateapi.config),
    ("skip_trace", "signalhouse"): (signalhouse_adapters.SkipTrace, signalhouse.config),
    ("apollo_people", "apollo"): (apollo_adapters.PeopleMatch, apollo.config),
    ("apollo_organizations", "apollo"): (apollo_adapters.OrganizationEnrich, apollo.config),
}


_VENDORS = {operation: vendor for operation, vendor in _ADAPTERS if operation != "skip_trace"}


def vendor_of(operation: str) -> str:
    """The vendor an operation is bought from. Raises KeyError for an operation that no vendor sells."""
    vendor: str = settings.SKIP_TRACE_VENDOR if operation == "skip_trace" else _VENDORS[operation]
    return vendor


def adapter_for(operation: str) -> Adapter:
    """The adapter of an operation. A missing key fails at its call, not here. Raises KeyError as `vendor_of`."""
    make, config = _ADAPTERS[operation, vendor_of(operation)]
    return make(config())
