"""Searching a circle or a polygon: a coarse test on a group's box, an exact one on the parcel."""

import math
from collections.abc import Callable

from sandbox.parcels import Group
from sandbox.search_fields import View
from sandbox.wire import Json, Refusal, is_number

MILES_PER_DEGREE = 69.0  # of latitude
RADIUS_MILES = (0.1, 10.0)  # "Provide a search radius between 0.1-10 miles"
Shape = tuple[Callable[[Group], bool], Callable[[View], bool]]


def circle(filters: Json) -> Shape:
    """The tests of latitude, longitude and radius (miles). Raises Refusal 400."""
    for key in ("latitude", "longitude", "radius"):
        if not is_number(filters[key]):
            raise Refusal(400, f'"{key}" must be a number', [key])
    latitude, longitude = float(filters["latitude"]), float(filters["longitude"])
    radius = float(filters["radius"])
    low, high = RADIUS_MILES
    if radius < low:
        raise Refusal(400, f'"radius" must be greater than or equal to {low:g}', ["radius"])
    if radius > high:
        raise Refusal(400, f'"radius" must be less than or equal to {high:g}', ["radius"])
    squeeze = math.cos(math.radians(latitude))
    reach = radius / MILES_PER_DEGREE
    box = (latitude - reach, latitude + reach, longitude - reach / squeeze, longitude + reach / squeeze)

    def inside(view: View) -> bool:
        north = view.parcel.latitude - latitude
        east = (view.parcel.longitude - longitude) * squeeze
        return math.hypot(north, east) <= reach

    return (lambda group: overlap(group.box, box)), inside


def polygons(key: str, value: object) -> Shape:
    """The tests of `polygon` (corners) or `multi_polygon` (objects with `boundaries`). Raises Refusal 400."""
    if not isinstance(value, list) or not value:
        raise Refusal(400, f'"{key}" must be an array', [key])
    rings = [_ring(key, value)] if key == "polygon" else [_ring(key, _boundaries(one)) for one in value]
    boxes = [
        (min(y for y, _ in ring), max(y for y, _ in ring), min(x for _, x in ring), max(x for _, x in ring))
        for ring in rings
    ]
    return (
        lambda group: any(overlap(group.box, box) for box in boxes),
        lambda view: any(_inside(view.parcel.latitude, view.parcel.longitude, ring) for ring in rings),
    )


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (south, north, west, east) share a point."""
    return one[0] <= other[1] and other[0] <= one[1] and one[2] <= other[3] and other[2] <= one[3]


def _boundaries(value: object) -> object:
    return value.get("boundaries") if isinstance(value, dict) else None


def _ring(key: str, corners: object) -> list[tuple[float, float]]:
    if not isinstance(corners, list) or len(corners) < 3:
        raise Refusal(400, f'"{key}" must contain at least 3 items', [key])
    for index, corner in enumerate(corners):
        if not isinstance(corner, dict) or not is_number(corner.get("lat")) or not is_number(corner.get("lon")):
            raise Refusal(400, f'"{key}[{index}].lat" is required', [f"{key}[{index}].lat"])
    return [(float(corner["lat"]), float(corner["lon"])) for corner in corners]


def _inside(latitude: float, longitude: float, ring: list[tuple[float, float]]) -> bool:
    """Even-odd rule."""
    inside = False
    for (y1, x1), (y2, x2) in zip(ring, [ring[-1], *ring[:-1]], strict=True):
        if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
