"""Parcels: what one is, and how county open data in CSV files becomes parcels."""

import calendar
import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from sandbox.places import county_fips, places

FIRST_ID = 100_000_000
ID_SPACE = 2**31 - FIRST_ID  # vendor ids are positive 32-bit numbers of nine or ten digits


class Parcel(NamedTuple):
    """One property. Sizes in square feet, price in US dollars, dates ISO; null is "the source does not say".

    `dice` are 64 deterministic random bytes from the seed and the parcel; everything made up is read from them.
    """

    id: int
    apn: str | None
    street: str | None
    city: str
    county: str | None
    state: str
    zip: str
    fips: str | None
    latitude: float
    longitude: float
    beds: int | float | None
    baths: int | float | None
    sqft: int | float | None
    lot_sqft: int | float | None
    year_built: int | None
    stories: int | float | None
    property_type: str
    price: int
    sale_date: str | None
    dice: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """Parcels of one ZIP and city, which have neighbouring indices; `box` is (south, north, west, east) in degrees."""

    state: str
    county: str | None
    zip: str
    city: str
    fips: str | None
    indices: range
    box: tuple[float, float, float, float]


class ParcelSource(Protocol):
    """Where parcels come from. An index is the position in the source's own stable order."""

    @property
    def groups(self) -> Sequence[Group]:
        """All its groups, in the order of their indices."""

    def __len__(self) -> int: ...

    def parcel(self, index: int) -> Parcel:
        """The parcel at that position."""

    def index_of(self, parcel_id: int) -> int | None:
        """The position of the parcel with this vendor id."""

    def by_apn(self, apn: str) -> list[int]:
        """The positions of parcels with this APN, formatted or not."""


class ParcelFileError(Exception):
    """A parcel file that cannot be used at all; the text is for the person who named it."""


def roll(seed: int, key: str) -> bytes:
    """64 random bytes that depend on nothing but the seed and the key."""
    return hashlib.blake2b(f"{seed}|{key}".encode()).digest()


def plain_apn(apn: str) -> str:
    """The APN without punctuation (the vendor's `apnUnformatted`)."""
    return re.sub(r"[^0-9A-Za-z]", "", apn)


_COLUMNS = {
    "apn": "id,apn,parcel_number,parcelnumber,parcel_id,parcelid,parcel,pin",
    "street": "street,address,property_address,site_address,situs_address",
    "city": "city,property_city,situs_city",
    "zip": "zip,zipcode,zip_code,postal_code",
    "state": "state",
    "county": "county",
    "beds": "beds,bedrooms",
    "baths": "baths,bathrooms",
    "sqft": "sqft,sq__ft,sq_ft,sqft_living,square_feet,living_area",
    "lot_sqft": "sqft_lot,lot_sqft,lot_size,lot_square_feet",
    "year_built": "yr_built,year_built,yearbuilt",
    "stories": "floors,stories",
    "price": "price,sale_price,sale_amount",
    "type": "type,property_type",
    "latitude": "lat,latitude",
    "longitude": "long,lon,lng,longitude",
    "sale_date": "sale_date,date,last_sale_date",
}
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DATES = (
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})$"), (3, 1, 2)),  # 10/13/2014
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)"), (1, 2, 3)),  # 2014-10-13
    (re.compile(r"(\d{4})(\d\d)(\d\d)(?:T|$)"), (1, 2, 3)),  # 20141013T000000
    (re.compile(r"\w{3} (\w{3}) (\d{1,2}) [\d:]+ \w+ (\d{4})$"), (3, 1, 2)),  # Wed May 21 00:00:00 EDT 2008
)
_TYPES = {"residential": "SFR", "multi-family": "MFR", "condo": "CONDO", "land": "LAND", "mobile": "MOBILE"}


def _number(text: str) -> int | float | None:
    """A cell's number as it stands (0 stays 0, 2.25 stays 2.25, 3.0 is 3); empty is null. Raises ValueError."""
    if not text:
        return None
    value = float(text.replace(",", "").lstrip("$"))
    return int(value) if value.is_integer() else value


def _date(text: str) -> str | None:
    """ISO date of a cell; empty is null. Raises ValueError (also KeyError is one: an unknown month)."""
    if not text:
        return None
    for pattern, order in _DATES:
        if match := pattern.match(text):
            year, month, day = (match.group(group) for group in order)
            number = _MONTHS.get(month) or int(month)
            if not (1 <= number <= 12 and 1 <= int(day) <= 31):
                break
            return f"{year}-{number:02d}-{int(day):02d}"
    raise ValueError(text)


def _read_row(cells: dict[str, str], seed: int) -> tuple[str, Parcel]:
    """The parcel of one row, still without a vendor id, and its key. Raises ValueError where it cannot be read."""
    code = cells.get("zip", "").partition("-")[0]
    place = places().get(code)
    apn, street = cells.get("apn") or None, cells.get("street") or None
    state = cells.get("state", "").upper() or (place.state if place else "")
    if len(code) != 5 or not code.isdigit() or not state or not (apn or street):
        raise ValueError("no key or no place")
    county = cells.get("county") or (place.county if place else None)
    year, price = _number(cells.get("year_built", "")), _number(cells.get("price", ""))
    latitude, longitude = _number(cells.get("latitude", "")), _number(cells.get("longitude", ""))
    if (latitude is None or longitude is None) and place:
        latitude, longitude = place.latitude, place.longitude
    key = f"apn|{state}|{county}|{apn}" if apn else f"street|{street}|{cells.get('city')}|{code}".casefold()
    kind = cells.get("type", "residential").casefold()
    return key, Parcel(
        id=0,
        apn=apn,
        street=street,
        city=cells.get("city") or (place.city if place else ""),
        county=county,
        state=state,
        zip=code,
        fips=county_fips(state, county),
        latitude=float(latitude or 0),
        longitude=float(longitude or 0),
        beds=_number(cells.get("beds", "")),
        baths=_number(cells.get("baths", "")),
        sqft=_number(cells.get("sqft", "")),
        lot_sqft=_number(cells.get("lot_sqft", "")),
        year_built=int(year) if year else None,
        stories=_number(cells.get("stories", "")),
        property_type=kind.upper() if kind.upper() in {"SFR", "MFR"} else _TYPES.get(kind, "OTHER"),
        price=round(price or 0),
        sale_date=_date(cells.get("sale_date", "")),
        dice=roll(seed, key),
    )


class CsvParcels:
    """The parcels of CSV files, once each: of a parcel sold twice the last sale counts.

    The county is the one the parcel's ZIP lies in (the ZIP's main county by `zipcodes`), not the file's name: of the
    Sacramento-area file three rows in four are Sacramento County, the rest Placer, El Dorado and Yolo.
    `unreadable` counts the rows skipped.
    """

    def __init__(self, files: Iterable[Path], seed: int = 1) -> None:
        self.unreadable = 0
        latest: dict[str, Parcel] = {}
        for file in files:
            self._read(file, seed, latest)
        parcels = sorted(_with_ids(latest), key=lambda p: (p.state, p.county or "", p.zip, p.city, p.id))
        self._parcels = parcels
        self._index = {parcel.id: index for index, parcel in enumerate(parcels)}
        self._apns: dict[str, list[int]] = {}
        for index, parcel in enumerate(parcels):
            if parcel.apn:
                self._apns.setdefault(plain_apn(parcel.apn), []).append(index)
        self.groups = _group(parcels)

    def _read(self, file: Path, seed: int, latest: dict[str, Parcel]) -> None:
        try:
            with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
                rows = csv.reader(line.replace("\0", "") for line in stream)
                header = [name.strip().casefold().replace(" ", "_") for name in next(rows, [])]
                wanted = {
                    name: header.index(alias)
                    for name, aliases in _COLUMNS.items()
                    for alias in reversed(aliases.split(","))
                    if alias in header
                }
                if "zip" not in wanted or not {"apn", "street"} & set(wanted):
                    raise ParcelFileError(f"{file}: no column for the ZIP, or none for a parcel number or street")
                for row in rows:
                    if row:
                        self._keep(row, wanted, seed, latest)
        except (OSError, csv.Error) as error:
            raise ParcelFileError(f"{file}: {error}") from error

    def _keep(self, row: list[str], wanted: dict[str, int], seed: int, latest: dict[str, Parcel]) -> None:
        try:
            key, parcel = _read_row({name: row[column].strip() for name, column in wanted.items()}, seed)
        except (ValueError, IndexError, OverflowError):
            self.unreadable += 1
            return
        known = latest.get(key)
        if known is None or (parcel.sale_date or "", parcel.price) >= (known.sale_date or "", known.price):
            latest[key] = parcel

    def __len__(self) -> int:
        return len(self._parcels)

    def parcel(self, index: int) -> Parcel:
        return self._parcels[index]

    def index_of(self, parcel_id: int) -> int | None:
        return self._index.get(parcel_id)

    def by_apn(self, apn: str) -> list[int]:
        return self._apns.get(plain_apn(apn), [])


def _with_ids(latest: dict[str, Parcel]) -> Iterable[Parcel]:
    """Each parcel with its vendor id: a hash of its key, the next free number for the later key on a collision."""
    taken: set[int] = set()
    for key in sorted(latest):
        offset = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % ID_SPACE
        while offset in taken:
            offset = (offset + 1) % ID_SPACE
        taken.add(offset)
        yield latest[key]._replace(id=FIRST_ID + offset)


def _group(parcels: list[Parcel]) -> list[Group]:
    groups, start = [], 0
    for (state, county, code, city), members in groupby(parcels, key=lambda p: (p.state, p.county, p.zip, p.city)):
        few = list(members)
        latitudes, longitudes = [p.latitude for p in few], [p.longitude for p in few]
        box = (min(latitudes), max(latitudes), min(longitudes), max(longitudes))
        groups.append(Group(state, county, code, city, few[0].fips, range(start, start + len(few)), box))
        start += len(few)
    return groups
