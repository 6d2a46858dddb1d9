"""Cutting a search into slices that the vendor can answer. Pure: no clock, no rows, no vendor.

RealEstateAPI gives at most 10,000 ids a request and ignores `size` and `resultIndex` there, so a wider search is cut by
a numeric range, and what has no value in that range is asked for by exclusion. Counts and ids are free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IDS_PER_REQUEST = 10_000  # RealEstateAPI, "ids_only Searches for Credit Optimization"
# Ranges that most properties have a value in, tried in turn: (vendor's filter, least, most). Each is cut in its middle
# by size, not by distance: half of all values are below a few hundred thousand dollars.
DIMENSIONS = (
    ("value", 1, 2**31 - 1),
    ("building_size", 1, 2**24),
    ("year_built", 1600, 2100),
    ("lot_size", 1, 2**31 - 1),
    ("last_sale_price", 1, 2**31 - 1),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a search. `low` and `high` bound the dimension it is being cut along, both included."""

    criteria: Mapping[str, Any]
    dimension: int = -1
    low: int = 0
    high: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"criteria": dict(self.criteria), "dimension": self.dimension, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Slice:
        return cls(data["criteria"], data["dimension"], data["low"], data["high"])

    def request(self) -> dict[str, Any]:
        """The criteria with the slice's own range."""
        if self.dimension < 0 or self.high == 0:
            return dict(self.criteria)
        name, least, most = DIMENSIONS[self.dimension]
        ranged = dict(self.criteria)
        if self.low > least or self.high == most:
            ranged[f"{name}_min"] = self.low
        if self.high < most:
            ranged[f"{name}_max"] = self.high
        return {key: value for key, value in ranged.items() if value is not None}


class TooManyAlike(ValueError):
    """More properties than one request may bring differ in none of the ranges."""


def halves(part: Slice) -> list[Slice]:
    """Cuts a slice that is too large into two that cover it, or along the next dimension. Raises TooManyAlike."""
    if part.dimension >= 0 and part.high > part.low:
        middle = max(part.low, min(part.high - 1, int((max(part.low, 1) * part.high) ** 0.5)))
        return [
            Slice(part.criteria, part.dimension, part.low, middle),
            Slice(part.criteria, part.dimension, middle + 1, part.high),
        ]
    criteria, dimension = part.request(), part.dimension + 1
    while dimension < len(DIMENSIONS) and _is_used(criteria, DIMENSIONS[dimension][0]):
        dimension += 1
    if dimension == len(DIMENSIONS):
        raise TooManyAlike("More than 10,000 properties are alike in value, size and age: narrow the search")
    name, least, most = DIMENSIONS[dimension]
    without = [*_excluded(criteria), {f"{name}_min": least}]
    return [Slice(criteria, dimension, least, most), Slice({**criteria, "exclude": without}, dimension, 0, 0)]


def _is_used(criteria: Mapping[str, Any], name: str) -> bool:
    """The search itself bounds this range: cutting along it would overwrite the person's own bounds."""
    return f"{name}_min" in criteria or f"{name}_max" in criteria


def _excluded(criteria: Mapping[str, Any]) -> list[Any]:
    already = criteria.get("exclude") or []
    return list(already) if isinstance(already, list) else [already]
