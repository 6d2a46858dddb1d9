"""What RealEstateAPI's free calls say of places and of our key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.vendors import normalise


@dataclass(frozen=True, slots=True)
class Place:
    """A suggestion of AutoComplete. search_type: Address, City, G neighborhood, N county, Street, T state, Z ZIP."""

    title: str
    search_type: str
    property_id: str = ""
    apn: str = ""
    address: str = ""
    house: str = ""
    street: str = ""
    city: str = ""
    county: str = ""
    state: str = ""
    zip: str = ""
    fips: str = ""
    state_id: str = ""
    county_id: str = ""
    neighborhood_id: str = ""
    latitude: str = ""
    longitude: str = ""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What RealEstateAPI says of our key. kind: "live" or "test"."""

    kind: str
    version: str
    scopes: tuple[str, ...]
    requests_per_second: int | None


def place(record: Mapping[str, Any]) -> Place | None:
    """A suggestion, or None where it has no title."""

    def get(name: str) -> str:
        return normalise.text(record.get(name)) or ""

    if not get("title"):
        return None
    return Place(
        title=get("title"),
        search_type=get("searchType"),
        property_id=normalise.property_id(record.get("id")) or "",
        apn=get("apn"),
        address=get("address"),
        house=get("house"),
        street=get("street"),
        city=get("city"),
        county=get("county"),
        state=get("state"),
        zip=get("zip"),
        fips=get("fips"),
        state_id=get("stateId"),
        county_id=get("countyId"),
        neighborhood_id=get("neighborhoodId"),
        latitude=normalise.decimal(record.get("latitude"), least=-90, most=90) or "",
        longitude=normalise.decimal(record.get("longitude"), least=-180, most=180) or "",
    )


def key_info(data: Mapping[str, Any]) -> KeyInfo:
    """What `GET /v2/key/info` says."""
    limits = normalise.mapping(data.get("rateLimits"))
    scopes = (normalise.text(scope) for scope in normalise.sequence(data.get("scopes")))
    return KeyInfo(
        kind=normalise.text(data.get("keyType")) or "",
        version=normalise.text(data.get("version")) or "",
        scopes=tuple(scope for scope in scopes if scope),
        requests_per_second=normalise.integer(limits.get("requestsPerSecond"), least=1),
    )
