"""Questions to RealEstateAPI, normalised: equal ones have equal keys (docs/vendors/realestateapi.md 1.2 to 1.9)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.vendors.contract import Query
from integrations.vendors.realestateapi.flags import with_flags
from integrations.vendors.skip_trace import skip_trace_query

__all__ = ["PAGE_MAX", "detail_query", "filters", "search_query", "skip_trace_query"]

# "up to 250 property records per API call" (docs/vendors/realestateapi.md 1.2)
PAGE_MAX = 250
SEARCH_KEY_VERSION = "property-search-1"
# What a request asks for rather than which properties: ours to set, so that no saved search makes a free call paid.
_CONTROL = frozenset({"count", "ids_only", "obfuscate", "summary", "size", "resultIndex"})
_NEEDS_PLACE = ("house", "street", "city", "county")
_PLACES = frozenset({"state", "zip", "stateId", "countyId", "fips", "address", "id", "ids"})
_CRITERIA_BYTES_MAX = 256 * 1024
# More than a person asks, and few enough that one question keeps no vendor busy for long.
_DEPTH_MAX = 5  # of and, or and exclude within each other
_CONDITIONS_MAX = 500  # filters of a whole search
_ALTERNATIVES_MAX = {"ids": 10_000, "id": 10_000, "and": 100, "or": 100, "exclude": 100}
_VALUES_MAX = 1_000  # of any other filter


def detail_query(property_id: str | int) -> Query:
    """The facts of one property. Raises ValueError where the id is not RealEstateAPI's: a whole number."""
    digits = str(property_id).strip()
    if isinstance(property_id, bool) or not re.fullmatch(r"[0-9]{1,19}", digits) or not 0 < int(digits) < 2**63:
        raise ValueError(f"A RealEstateAPI property id is a whole number, such as 253175355; {digits[:64]!r} is none.")
    canonical = str(int(digits))
    return Query(key=canonical, params={"id": canonical})


def search_query(criteria: Mapping[str, Any], *, size: int = PAGE_MAX, result_index: int = 0) -> Query:
    """One page of full rows, charged by the row. `result_index` is the `next_index` of the page before."""
    if not 1 <= size <= PAGE_MAX:
        raise ValueError(f"A page holds 1 to {PAGE_MAX} properties, not {size}.")
    if result_index < 0:
        raise ValueError(f"A page starts at 0 or later, not at {result_index}.")
    asked = filters(criteria)
    spelled = json.dumps([SEARCH_KEY_VERSION, asked, size, result_index], sort_keys=True, allow_nan=False)
    return Query(
        key=hashlib.sha256(spelled.encode()).hexdigest(),
        params={"criteria": asked, "size": size, "result_index": result_index},
        weight=size,
    )


def filters(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria without the names that the client sets itself. Flags are booleans.

    Raises ValueError where the vendor would refuse them, and for a flag that is neither true nor false.
    """
    if not isinstance(criteria, Mapping):
        raise ValueError('Search criteria are an object of filters, such as {"state": "VA", "city": "Herndon"}.')
    try:
        _check_bounds(criteria)
        criteria = with_flags(criteria)
    except RecursionError as error:
        raise ValueError("Search criteria must be plain JSON.") from error
    asked = {name: value for name, value in criteria.items() if name not in _CONTROL and value is not None}
    if not asked.keys() - {"sort"}:
        raise ValueError("Search criteria need at least one filter, such as state or zip.")
    try:
        spelled = json.dumps(asked, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("Search criteria must be plain JSON.") from error
    if len(spelled) > _CRITERIA_BYTES_MAX:
        raise ValueError(f"Search criteria must be shorter than {_CRITERIA_BYTES_MAX // 1024} KB.")
    named = set(_names(asked))
    for name in _NEEDS_PLACE:
        if name in named and not named & _PLACES:
            raise ValueError(f"A search by {name} also needs a state or zip.")
    return asked


def _check_bounds(criteria: Mapping[str, Any]) -> None:
    """Raises ValueError, which names the filter, for a search that is larger than any that makes sense."""
    conditions = 0
    pending: list[tuple[str, object, int]] = [("", criteria, 0)]
    while pending:
        name, value, depth = pending.pop()
        if depth > _DEPTH_MAX:
            raise ValueError(f"{name}: filters are nested {_DEPTH_MAX} deep at most.")
        if isinstance(value, Mapping):
            conditions += len(value)
            pending += [(str(inner)[:40], each, depth + 1) for inner, each in value.items() if _is_nested(each)]
        elif isinstance(value, list | tuple):
            most = _ALTERNATIVES_MAX.get(name, _VALUES_MAX)
            if len(value) > most:
                raise ValueError(f"{name}: {most:,} alternatives at most, not {len(value):,}.")
            pending += [(name, each, depth + (not isinstance(each, Mapping))) for each in value if _is_nested(each)]
        if conditions > _CONDITIONS_MAX:
            raise ValueError(f"{name or 'search'}: a search has {_CONDITIONS_MAX} filters at most.")


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _names(value: object) -> Iterator[str]:
    """Every filter name, also inside and, or and exclude."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
