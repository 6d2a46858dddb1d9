"""AutoComplete: states, counties, cities, ZIPs, addresses and APNs of the parcel source."""

from collections.abc import Callable, Iterable

from sandbox.filters import words
from sandbox.parcels import Group, Parcel, ParcelSource
from sandbox.places import STATES, county_id
from sandbox.search_fields import state_id
from sandbox.wire import Json

RETURNED = 10  # in every sample
MOST_TOTAL = 10_000  # `totalResults` never exceeds it
_PARCELS_READ = 25_000  # of a generated million, so many nearest parcels are looked through for an address or APN


def complete(source: ParcelSource, text: str, kinds: set[str]) -> tuple[list[Json], int]:
    """The first suggestions for a text, and how many there are. `kinds` are the vendor's letters, empty for all."""
    found: list[Json] = []
    finders: dict[str, Callable[[ParcelSource, str], Iterable[Json]]] = {
        "T": _states,
        "Z": _zips,
        "N": _counties,
        "C": _cities,
        "P": _apns,
        "A": _addresses,
    }
    for kind, finder in finders.items():
        if not kinds or kind in kinds:
            found.extend(finder(source, text))
    return found[:RETURNED], min(len(found), MOST_TOTAL)


def _states(source: ParcelSource, text: str) -> Iterable[Json]:
    here = {group.state for group in source.groups}
    for state in sorted(here):
        name = STATES[state][1] if state in STATES else state
        if name.casefold().startswith(text.casefold()):
            yield {"state": state, "stateName": name, "searchType": "T", "title": f"{name}, USA"}


def _zips(source: ParcelSource, text: str) -> Iterable[Json]:
    if text.isdigit() and len(text) <= 5:
        pairs = sorted({(group.zip, group.state) for group in source.groups if group.zip.startswith(text)})
        for code, state in pairs:
            title = f"{code}, {state}"
            yield {"state": state, "stateId": state_id(state), "zip": code, "searchType": "Z", "title": title}


def _counties(source: ParcelSource, text: str) -> Iterable[Json]:
    wanted = words(text)
    seen: dict[tuple[str, str], Group] = {}
    for group in source.groups:
        names = (f"{group.county} {group.state}", f"{group.county} county {group.state}")
        if group.county and any(words(name).startswith(wanted) for name in names):
            seen.setdefault((group.county, group.state), group)
    for (county, state), group in sorted(seen.items()):
        yield {
            "state": state,
            "stateId": state_id(state),
            "county": county,
            "countyId": county_id(state, county),
            "searchType": "N",
            "fips": group.fips,
            "title": f"{county}, {state}",
        }


def _cities(source: ParcelSource, text: str) -> Iterable[Json]:
    wanted = words(text)
    cities = {
        (group.city, group.state) for group in source.groups if words(f"{group.city} {group.state}").startswith(wanted)
    }
    for city, state in sorted(cities):
        yield {"state": state, "city": city, "searchType": "C", "title": f"{city}, {state}"}


def _apns(source: ParcelSource, text: str) -> Iterable[Json]:
    for index in source.by_apn(text):
        yield {**_property(source.parcel(index)), "searchType": "P"}


def _addresses(source: ParcelSource, text: str) -> Iterable[Json]:
    """Addresses that start with the text; it must start with a house number, or the whole APN be the text."""
    wanted = words(text)
    if not wanted[0].isdigit() or " " not in wanted:
        return
    left = _PARCELS_READ
    for group in source.groups:
        for index in group.indices:
            parcel = source.parcel(index)
            if parcel.street and words(f"{parcel.street} {parcel.city} {parcel.state} {parcel.zip}").startswith(wanted):
                yield _property(parcel)
            left -= 1
        if left <= 0:
            return


def _property(parcel: Parcel) -> Json:
    house, _, street = (parcel.street or "").partition(" ")
    title = f"{parcel.street}, {parcel.city}, {parcel.state}, {parcel.zip}" if parcel.street else parcel.apn
    return {
        "id": str(parcel.id),
        "apn": parcel.apn,
        "state": parcel.state,
        "stateId": state_id(parcel.state),
        "zip": parcel.zip,
        "county": parcel.county,
        "countyId": county_id(parcel.state, parcel.county),
        "city": parcel.city,
        "house": house or None,
        "street": street or None,
        "searchType": "A",
        "address": title if parcel.street else None,
        "fips": parcel.fips,
        "latitude": parcel.latitude,
        "longitude": parcel.longitude,
        "title": title,
    }
