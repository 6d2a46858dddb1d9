"""The column that a list of leads has more for what it is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin

from common.contact_access import masked_text
from common.dates import day, moment
from leads.models import Lead


def _column(attribute: str, title: str, told: Callable[[Any], str]) -> Callable[[Lead], str]:
    @admin.display(description=title)
    def column(lead: Lead) -> str:
        value = getattr(lead, attribute)
        return "–" if value is None else told(value)

    return column


def _dollars(amount: int) -> str:
    return f"-${-amount:,}" if amount < 0 else f"${amount:,}"


# By the names of `leads.selection.sorting.SORTS`. Moments are told by the clock of the person who looks.
COLUMNS: Mapping[str, Callable[[Lead], str]] = {
    "estimatedEquity": _column("estimated_equity", "equity", _dollars),
    "estimatedValue": _column("estimated_value", "value", _dollars),
    "equityPercent": _column("equity_percent", "equity %", "{:.0f}%".format),
    "bedrooms": _column("bedrooms", "beds", str),
    "yearBuilt": _column("year_built", "year built", str),
    "lastSaleDate": _column("last_sale_date", "last sale", day),
    "lastContactAt": _column("last_contact_at", "last contact", moment),
    "callbackAt": _column("callback_at", "call back at", moment),
    "enrichedAt": _column("enriched_at", "data purchased", day),
    "lastActivityAt": _column("last_activity_at", "last touch", moment),
    "updatedAt": _column("updated_at", "changed", moment),
    "bathrooms": _column("bathrooms", "baths", "{:g}".format),
    "sqft": _column("sqft", "sq ft", "{:,}".format),
    "propertyCity": _column("property_city", "city", masked_text),
    "propertyZip": _column("property_zip", "ZIP", str),
    "propertyCounty": _column("property_county", "county", masked_text),
    "createdAt": _column("created_at", "saved", day),
}
