"""A million parcels that are nowhere stored: parcel i is computed from i and the seed."""

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

from sandbox.facts import pick, unit
from sandbox.names import STREET_NAMES, STREET_TYPES
from sandbox.parcels import FIRST_ID, ID_SPACE, Group, Parcel, plain_apn, roll
from sandbox.places import county_fips, residential

DEFAULT_PARCELS = 1_000_000
_SPREAD_DEGREES = 0.03  # a parcel lies within about two miles of its ZIP's centre
# Affine permutations (a * i + b) mod m, a coprime to m, so that ids and APNs can be turned back into i.
_ID_FACTOR, _ID_SHIFT = 1_640_531_527, 97_310_421
_APN_SPACE, _APN_FACTOR, _APN_SHIFT = 10**10, 2_654_435_761, 4_711_000_003


@lru_cache(maxsize=4)
def _markets(seed: int) -> tuple[list[float], dict[str, float]]:
    """Running total of the ZIPs' sizes (in no unit), and each ZIP's price level in US dollars a square foot."""
    draws = [(place.zip, roll(seed, f"zip|{place.zip}")) for place in residential()]
    sizes = accumulate(0.4 + 1.2 * unit(dice, 0) for _, dice in draws)
    return list(sizes), {code: 90 + 500 * unit(dice, 1) ** 2 for code, dice in draws}


class GeneratedParcels:
    """`count` parcels over the residential ZIPs of the fifty states and DC, each ZIP a run of neighbouring indices."""

    def __init__(self, count: int = DEFAULT_PARCELS, seed: int = 1) -> None:
        self._count, self._seed = count, seed
        spots = residential()
        weights, self._dollars_per_foot = _markets(seed)
        ends = [round(count * weight / weights[-1]) for weight in weights]
        self.groups: list[Group] = []
        for place, start, end in zip(spots, [0, *ends[:-1]], ends, strict=True):
            if start < end:
                fips = county_fips(place.state, place.county)
                box = (
                    place.latitude - _SPREAD_DEGREES,
                    place.latitude + _SPREAD_DEGREES,
                    place.longitude - _SPREAD_DEGREES,
                    place.longitude + _SPREAD_DEGREES,
                )
                self.groups.append(
                    Group(place.state, place.county, place.zip, place.city, fips, range(start, end), box)
                )
        self._starts = [group.indices.start for group in self.groups]
        self._id_inverse = pow(_ID_FACTOR, -1, ID_SPACE)
        self._apn_inverse = pow(_APN_FACTOR, -1, _APN_SPACE)

    def __len__(self) -> int:
        return self._count

    def parcel(self, index: int) -> Parcel:
        group = self.groups[bisect_right(self._starts, index) - 1]
        dice = roll(self._seed, f"parcel|{index}")
        land = unit(dice, 30) > 0.94
        beds = 0 if land else 1 + int(unit(dice, 17) * 5)
        baths = 0.0 if land else 1 + int(unit(dice, 18) * beds * 2) / 2
        sqft = 0 if land else 450 + beds * 300 + int(unit(dice, 19) * 700)
        lot = int(2000 + unit(dice, 30) * 12000)
        price = round((sqft or lot // 8) * self._dollars_per_foot[group.zip], -2)
        kind = unit(dice, 31)
        number = f"{(_APN_FACTOR * index + _APN_SHIFT) % _APN_SPACE:010d}"
        return Parcel(
            id=FIRST_ID + (_ID_FACTOR * index + _ID_SHIFT) % ID_SPACE,
            apn=f"{number[:4]}-{number[4:7]}-{number[7:]}",
            street=f"{100 + index - group.indices.start} {pick(STREET_NAMES, dice, 30)} {pick(STREET_TYPES, dice, 18)}",
            city=group.city,
            county=group.county,
            state=group.state,
            zip=group.zip,
            fips=group.fips,
            latitude=round(group.box[0] + 2 * _SPREAD_DEGREES * unit(dice, 17), 6),
            longitude=round(group.box[2] + 2 * _SPREAD_DEGREES * unit(dice, 19), 6),
            beds=beds,
            baths=int(baths) if baths.is_integer() else baths,
            sqft=sqft,
            lot_sqft=lot,
            year_built=None if land else 1905 + int(unit(dice, 31) * 118),
            stories=0 if land else 1 + int(unit(dice, 30) * 2),
            property_type="LAND" if land else "CONDO" if kind < 0.12 else "MFR" if kind < 0.18 else "SFR",
            price=int(price),
            sale_date=f"{2000 + int(unit(dice, 16) * 25)}-{1 + dice[33] % 12:02d}-{1 + dice[35] % 28:02d}",
            dice=dice,
        )

    def index_of(self, parcel_id: int) -> int | None:
        if not FIRST_ID <= parcel_id < FIRST_ID + ID_SPACE:
            return None
        index = (parcel_id - FIRST_ID - _ID_SHIFT) * self._id_inverse % ID_SPACE
        return index if index < self._count else None

    def by_apn(self, apn: str) -> list[int]:
        number = plain_apn(apn)
        if len(number) != 10 or not number.isdigit():
            return []
        index = (int(number) - _APN_SHIFT) * self._apn_inverse % _APN_SPACE
        return [index] if index < self._count else []
