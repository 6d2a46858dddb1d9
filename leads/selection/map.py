"""Leads on a map: each as a pin, or where there are too many the cells of a grid, counted by PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, FloatField, Max, Min, Q, QuerySet
from django.db.models.functions import Cast, Floor

from common.values.geo import Box
from leads.models import Lead
from leads.selection.ground import ON_THE_MAP, in_box

PINS_MOST = 500  # beyond it a browser draws slowly, and nobody tells pins apart
CELLS_ACROSS = 24  # of a grid at most, whatever the zoom and the box are
CELL_PIXELS = 64  # about two clusters' circles
TILE_PIXELS = 256  # the world's width at zoom 0 (Web Mercator)
ZOOM_MOST = 22
SQUEEZE = 0.78  # a degree of longitude to one of latitude at 39° north, the middle of the country


@dataclass(frozen=True, slots=True)
class Cluster:
    """The leads of one cell. latitude, longitude: their middle. box: around all of them."""

    latitude: float
    longitude: float
    leads: int
    by_status: Mapping[str, int]
    box: Box


@dataclass(frozen=True, slots=True)
class Shown:
    """What a map shows of leads in its window: pins, or clusters where these are too many."""

    pins: list[Lead]
    clusters: list[Cluster]

    @property
    def total(self) -> int:
        return len(self.pins) or sum(cluster.leads for cluster in self.clusters)


def shown_on_map(leads: QuerySet[Lead], *, box: Box, zoom: int) -> Shown:
    """The leads with a point in the box, as pins; more than PINS_MOST: as clusters, by one more statement."""
    there = leads.filter(ON_THE_MAP, in_box(box)).order_by()
    pins = list(there.defer("apollo_data")[: PINS_MOST + 1])
    return Shown(pins, []) if len(pins) <= PINS_MOST else Shown([], _clusters(there, cell_of(box, zoom)))


def cell_of(box: Box, zoom: int) -> float:
    """The width of a cell in degrees: by zoom, and so that no box however wide has more than CELLS_ACROSS of them."""
    by_zoom = 360 / float(2**zoom) * CELL_PIXELS / TILE_PIXELS
    wide = box.east - box.west + (360 if box.west > box.east else 0)
    least = max(wide, (box.north - box.south) / SQUEEZE) / CELLS_ACROSS
    if by_zoom >= least:
        return by_zoom
    return by_zoom * float(2 ** math.ceil(math.log2(least / by_zoom)))  # its lines stay where those of a wider zoom are


def _clusters(there: QuerySet[Lead], cell: float) -> list[Cluster]:
    longitude, latitude = Cast("longitude", FloatField()), Cast("latitude", FloatField())
    statuses = {f"is_{status}": Count("pk", filter=Q(status=status)) for status in Lead.Status.values}
    cells = there.annotate(column=Floor(longitude / cell), row=Floor(latitude / (cell * SQUEEZE)))
    found = cells.values("column", "row").annotate(
        leads=Count("pk"), x=Avg(longitude), y=Avg(latitude),
        west=Min(longitude), east=Max(longitude), south=Min(latitude), north=Max(latitude),
        **statuses,
    )  # fmt: skip
    return [_cluster(row) for row in found.order_by("row", "column")]


def _cluster(row: Mapping[str, Any]) -> Cluster:
    return Cluster(
        latitude=row["y"],
        longitude=row["x"],
        leads=row["leads"],
        by_status={status: row[f"is_{status}"] for status in Lead.Status.values if row[f"is_{status}"]},
        box=Box(row["west"], row["south"], row["east"], row["north"]),
    )
