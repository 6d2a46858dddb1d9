"""The tests single filters compile into, and how their values are checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox import search_fields as fields
from sandbox.parcels import Group
from sandbox.places import bare_county
from sandbox.search_fields import View
from sandbox.wire import Json, Refusal, is_number

_ADDRESS = re.compile(
    r"^\s*(?P<street>[^,]+),\s*(?P<city>[^,]+?),?\s+(?P<state>[A-Za-z]{2}),?(?:\s+(?P<zip>\d{5}))?\s*$"
)

Test = Callable[[View], bool]
PlaceTest = Callable[[Any], bool]


@dataclass(slots=True)
class Node:
    """A compiled filter object. `places` hold for groups and parcels alike, `tests` only for parcels."""

    places: list[PlaceTest] = field(default_factory=list)
    boxes: list[Callable[[Group], bool]] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    only: list[int] | None = None

    @property
    def exact(self) -> bool:
        """Whether a group either belongs as a whole or not at all."""
        return not self.tests

    def may_hold(self, group: Group) -> bool:
        """False if no parcel of the group can match."""
        return all(test(group) for test in self.places) and all(test(group) for test in self.boxes)

    def holds(self, view: View) -> bool:
        """Whether the parcel matches."""
        return all(test(view.parcel) for test in self.places) and all(test(view) for test in self.tests)


def words(text: str) -> str:
    """Text as addresses are compared: case, punctuation and runs of space do not matter."""
    return " ".join(re.sub(r"[.,#]", " ", text).casefold().split())


def parse_address(text: str) -> dict[str, str]:
    """Street, city, state and, where given, zip of a formatted address; empty where it is not one."""
    match = _ADDRESS.match(text)
    return {key: value for key, value in match.groupdict().items() if value} if match else {}


def boolean(key: str, value: object) -> bool:
    """A JSON boolean, or the words Joi would convert. Raises Refusal 400."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise Refusal(400, f'"{key}" must be a boolean', [key])


def number(key: str, value: object, low: float | None = None, high: float | None = None) -> float:
    """A number within bounds. Raises Refusal 400."""
    if not is_number(value):
        raise Refusal(400, f'"{key}" must be a number', [key])
    if low is not None and float(value) < low:
        raise Refusal(400, f'"{key}" must be greater than or equal to {low:g}', [key])
    if high is not None and float(value) > high:
        raise Refusal(400, f'"{key}" must be less than or equal to {high:g}', [key])
    return float(value)


def street_part(key: str, wanted: str) -> Test:
    """Whether the house number or the street name is the one wanted; "High" finds "High St"."""

    def test(view: View) -> bool:
        house, _, street = words(view.parcel.street or "").partition(" ")
        if key == "house":
            return house == wanted
        return street == wanted or street.startswith(wanted + " ")

    return test


def check_peers(filters: Json) -> None:
    """What PropertySearch asks to be given together. Raises Refusal 400."""
    for key in ("city", "house", "street", "county"):
        if key in filters and not {"state", "zip", "stateId"} & set(filters):
            raise Refusal(400, f'"{key}" missing required peer "state"', [""])
    pairs = (("radius", "latitude"), ("radius", "longitude"), ("latitude", "longitude"), ("longitude", "latitude"))
    for key, peer in pairs:
        if key in filters and peer not in filters:
            raise Refusal(400, f'"{key}" missing required peer "{peer}"', [""])
    if "latitude" in filters and "radius" not in filters and "searchType" not in filters:
        raise Refusal(400, '"latitude" missing required peer "radius"', [""])


def place_test(key: str, value: object) -> PlaceTest:
    """state, county, city, zip, fips, stateId or countyId equal to the value. Raises Refusal 400."""
    values = value if isinstance(value, list) and key == "zip" else [value]
    lengths = {"zip": 5, "state": 2, "fips": 5}
    wanted = set()
    for one in values:
        if not isinstance(one, str):
            raise Refusal(400, f'"{key}" must be a string', [key])
        if key in lengths and len(one) != lengths[key]:
            raise Refusal(400, f'"{key}" length must be {lengths[key]} characters long', [key])
        wanted.add((bare_county(one) if key == "county" else one).casefold())
    return lambda place: (fields.place_value(key, place) or "").casefold() in wanted


def bound(key: str, value: object) -> Test:
    """A _min or _max filter. Raises Refusal 400."""
    name, get = key[:-4], fields.RANGES[key[:-4]]
    limit: str | float = date_of(key, value) if name in fields.DATE_RANGES else number(key, value)
    return compared_to(limit, key[-4:], get)


def compared_to(limit: str | float, end: str, get: Callable[[View], Any]) -> Test:
    """Whether a parcel's known value is at least (`_min`) or at most (`_max`) the limit."""
    if end == "_min":
        return lambda view: (got := get(view)) is not None and got >= limit
    return lambda view: (got := get(view)) is not None and got <= limit


def date_of(key: str, value: object) -> str:
    """YYYY-MM-DD. Raises Refusal 400."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise Refusal(400, f'"{key}" must be a valid date', [key])
    return value[:10]


def compared(key: str, value: object, filters: Json) -> Test:
    """A filter with its operator beside it. Raises Refusal 400."""
    operator_key, get = fields.COMPARED[key]
    operator = filters.get(operator_key, "eq")
    if not isinstance(operator, str) or operator not in fields.OPERATORS:
        raise Refusal(400, f'"{operator_key}" must be one of [lt, lte, gt, gte]', [operator_key])
    compare = fields.OPERATORS[operator]
    limit: str | float = date_of(key, value) if key in fields.DATE_RANGES else number(key, value)
    return lambda view: (got := get(view)) is not None and compare(got, limit)


def exists(name: str, *, wanted: bool) -> Test:
    """Whether the field is known, or with `wanted` false unknown."""
    has, get = fields.EXISTS.get(name), fields.RANGES.get(name)
    if has is not None:
        return lambda view: has(view) is wanted
    return lambda view: (get is not None and get(view) is not None) is wanted


def never(_view: View) -> bool:
    """What a filter answers that the data cannot."""
    return False
