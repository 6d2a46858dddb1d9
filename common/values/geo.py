"""Points, circles and areas on the ground, as people, addresses and vendors write them. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

# The 50 states, DC and Puerto Rico, in degrees: from Puerto Rico's Caja de Muertos to Point Barrow, and from Culebra
# west over the date line to Attu. A point outside, such as 0, 0, is no house of ours.
SOUTH, NORTH = 17.8, 71.5
WEST, EAST = -180.0, -65.2
ATTU_WEST, ATTU_EAST = 172.0, 180.0
MILES_PER_DEGREE = 69.0  # of latitude: 68.7 at the equator, 69.4 at the poles
CORNERS_LEAST, CORNERS_MOST = 3, 100
CIRCLE_MILES = (0.1, 100.0)
_NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?", re.ASCII)
_POINT = "Write points as latitude,longitude with a space between two: 47.61,-122.33 47.62,-122.33."
_CIRCLE = "Write latitude,longitude,miles: 47.6062,-122.3321,2."


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees north and east."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Circle:
    """radius: miles."""

    center: Point
    radius: float

    @property
    def squeeze(self) -> float:
        """How much shorter a degree of longitude is than one of latitude."""
        return math.cos(math.radians(self.center.latitude))

    @property
    def box(self) -> Box:
        high = self.radius / MILES_PER_DEGREE
        wide = high / max(self.squeeze, 0.01)
        at = self.center
        return Box(at.longitude - wide, at.latitude - high, at.longitude + wide, at.latitude + high)


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees; west may be more than east: over the date line."""

    west: float
    south: float
    east: float
    north: float


def is_in_us(latitude: float, longitude: float) -> bool:
    """Whether a house of the United States may stand there."""
    return SOUTH <= latitude <= NORTH and (WEST <= longitude <= EAST or ATTU_WEST <= longitude <= ATTU_EAST)


def read_area(text: str) -> list[Point]:
    """The corners of an area. Raises ValueError with words for who wrote it."""
    corners = [_point(part) for part in text.replace(";", " ").split()]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()  # closed by hand: it is closed anyway
    if len(corners) < CORNERS_LEAST:
        raise ValueError(f"An area has at least {CORNERS_LEAST} corners. {_POINT}")
    if len(corners) > CORNERS_MOST:
        raise ValueError(f"An area has at most {CORNERS_MOST} corners; this has {len(corners)}.")
    if len({corner.latitude for corner in corners}) == 1 or len({corner.longitude for corner in corners}) == 1:
        raise ValueError("The corners of this area are in one line.")
    if crosses(corners):
        raise ValueError("Two sides of this area cross: draw it without.")
    return corners


def read_circle(text: str) -> Circle:
    """A circle. Raises ValueError with words for who wrote it."""
    latitude, comma, rest = text.strip().partition(",")
    longitude, comma, miles = rest.partition(",")
    if not comma or not _NUMBER.fullmatch(miles.strip()):
        raise ValueError(_CIRCLE)
    low, high = CIRCLE_MILES
    if not low <= float(miles) <= high:
        raise ValueError(f"A circle's radius is {low:g} to {high:g} miles.")
    try:
        return Circle(_point(f"{latitude},{longitude}"), float(miles))
    except ValueError as error:
        raise ValueError(str(error).replace(_POINT, _CIRCLE)) from None


def write_area(corners: Sequence[Point]) -> str:
    """As `read_area` reads it."""
    return " ".join(f"{corner.latitude:.6g},{corner.longitude:.7g}" for corner in corners)


def _point(text: str) -> Point:
    latitude, comma, longitude = (part.strip() for part in text.partition(","))
    if not comma or not _NUMBER.fullmatch(latitude) or not _NUMBER.fullmatch(longitude):
        raise ValueError(_POINT)
    if not is_in_us(float(latitude), float(longitude)):
        raise ValueError(f"{text[:40]} is not in the United States.")
    return Point(float(latitude), float(longitude))


def crosses(corners: Sequence[Point]) -> bool:
    """Whether two sides that are no neighbours share a point: such an area has no inside that people agree on."""
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    return any(
        _meet(*sides[one], *sides[other])
        for one in range(len(sides))
        for other in range(one + 2, len(sides))
        if not (one == 0 and other == len(sides) - 1)
    )


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    """Above 0: c lies left of the way from a to b."""
    return (b.longitude - a.longitude) * (c.latitude - a.latitude) - (b.latitude - a.latitude) * (
        c.longitude - a.longitude
    )
