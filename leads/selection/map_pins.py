"""What a map is told of its leads, in JSON: the same for the API and the page. Phones and e-mails are not among it."""

from __future__ import annotations

from typing import Any

from common.contact_access import masked_text
from common.values.geo import Box
from leads.facts.sources import name_of
from leads.models import Lead
from leads.selection.map import Cluster, Shown


def as_json(shown: Shown) -> dict[str, Any]:
    """{total, pins, clusters}. A pin has an address, its owner's name with contacts behind dots, and a status."""
    return {
        "total": shown.total,
        "pins": [_pin(lead) for lead in shown.pins],
        "clusters": [_cluster(cluster) for cluster in shown.clusters],
    }


def _pin(lead: Lead) -> dict[str, Any]:
    return {
        "id": str(lead.pk),
        "latitude": float(lead.latitude or 0),
        "longitude": float(lead.longitude or 0),
        "status": lead.status,
        "address": masked_text(str(lead)),
        "owner": masked_text(name_of(vars(lead)) or ""),
        "hasPhone": lead.phone is not None,
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "latitude": round(cluster.latitude, 6),
        "longitude": round(cluster.longitude, 6),
        "leads": cluster.leads,
        "byStatus": dict(cluster.by_status),
        "box": write_box(cluster.box),
    }


def write_box(box: Box) -> list[float]:
    """West, south, east, north, as GeoJSON has it (RFC 7946, 5)."""
    return [round(end, 6) for end in (box.west, box.south, box.east, box.north)]


def read_box(text: str) -> Box:
    """The same as text with commas. Raises ValueError."""
    words = "Write west,south,east,north in degrees, such as -122.5,47.4,-122.2,47.8."
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(words) from None
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError(words)
    if west == east or south == north:
        raise ValueError("It has no inside: west and east, and south and north, must differ.")
    return Box(west, south, east, north)
