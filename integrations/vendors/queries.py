"""The questions that a vendor can be asked, for the rooms above: which vendor answers is `adapters.vendor_of`."""

from __future__ import annotations

from integrations.vendors.apollo.queries import (
    CREDITS_WITH_PHONE,
    CREDITS_WITHOUT_PHONE,
    organization_query,
    people_query,
)
from integrations.vendors.realestateapi.queries import PAGE_MAX, detail_query, filters, search_query
from integrations.vendors.skip_trace import bears_name, name_and_address, shared_query, skip_trace_query

__all__ = [
    "CREDITS_WITHOUT_PHONE",
    "CREDITS_WITH_PHONE",
    "PAGE_MAX",
    "bears_name",
    "detail_query",
    "filters",
    "name_and_address",
    "organization_query",
    "people_query",
    "search_query",
    "shared_query",
    "skip_trace_query",
]
