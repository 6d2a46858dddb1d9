"""Where leads are: filters by a circle and by an area, and which points are shown at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, FloatField, Func, Q, Value
from django.db.models.functions import Cast

from common.filters import Filter
from common.values import geo
from common.values.geo import Box, Circle, Point

AREA_CHARACTERS = 4000  # 100 corners of 30 digits and a few spaces


def in_box(box: Box) -> Q:
    """Has a point in this box."""
    of_latitude = Q(latitude__gte=box.south, latitude__lte=box.north)
    if box.west > box.east:  # over the date line
        return of_latitude & (Q(longitude__gte=box.west) | Q(longitude__lte=box.east))
    return of_latitude & Q(longitude__gte=box.west, longitude__lte=box.east)


# Has a point where a house of ours may stand: none at 0, 0, which is what a failed look-up leaves.
ON_THE_MAP = in_box(Box(geo.WEST, geo.SOUTH, geo.EAST, geo.NORTH)) | in_box(
    Box(geo.ATTU_WEST, geo.SOUTH, geo.ATTU_EAST, geo.NORTH)
)


def _within(shape: str, kind: str, *, squeeze: float = 1.0) -> Func:
    """The lead's point is in a shape of PostgreSQL's own geometry (its manual, 8.8 and 9.11): x is longitude."""
    x = Cast(F("longitude"), FloatField()) * Value(squeeze) if squeeze != 1 else Cast(F("longitude"), FloatField())
    point = Func(x, Cast(F("latitude"), FloatField()), function="point", output_field=FloatField())
    there = Func(Value(shape), template=f"CAST(%(expressions)s AS {kind})", output_field=FloatField())
    return Func(point, there, template="(%(expressions)s)", arg_joiner=" <@ ", output_field=BooleanField())


def in_area(corners: Sequence[Point]) -> Q:
    """Has a point inside these corners, or on their sides."""
    north, south = max(corner.latitude for corner in corners), min(corner.latitude for corner in corners)
    east, west = max(corner.longitude for corner in corners), min(corner.longitude for corner in corners)
    shape = ",".join(f"({corner.longitude!r},{corner.latitude!r})" for corner in corners)
    return in_box(Box(west, south, east, north)) & Q(_within(f"({shape})", "polygon"))


def in_circle(circle: Circle) -> Q:
    """Has a point in this circle; on a plane, which is right to a hundredth at 100 miles."""
    at, squeeze = circle.center, circle.squeeze
    shape = f"<({at.longitude * squeeze!r},{at.latitude!r}),{circle.radius / geo.MILES_PER_DEGREE!r}>"
    return in_box(circle.box) & Q(_within(shape, "circle", squeeze=squeeze))


class _Shape(Filter):
    """Kept as the text that was given: an address, a saved view and a job's guard hold it so."""

    several = False

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("Write a text.")
        if len(value) > AREA_CHARACTERS:
            raise ValueError(f"It has at most {AREA_CHARACTERS:,} characters.")
        return " ".join(value.split())


class Near(_Shape):
    def read(self, value: object) -> Any:
        text = self._text(value)
        geo.read_circle(text)
        return text

    def passes(self, values: Sequence[Any]) -> Q:
        return in_circle(geo.read_circle(values[0]))


class Inside(_Shape):
    def read(self, value: object) -> Any:
        text = self._text(value)
        geo.read_area(text)
        return text

    def passes(self, values: Sequence[Any]) -> Q:
        return in_area(geo.read_area(values[0]))
