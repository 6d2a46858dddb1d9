"""What a person looks for, in the field's words, made a search in the vendor's. Pure: no rows, no vendor.

The names of the ranges and flags are the vendor's own (vendors' contract 1.2, "the real names"), so that a search reads
the same in an address, in a saved bucket and on the wire. Only what the vendor spells oddly is translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

WHOLE_MAX = 2**31 - 1  # the vendor's numbers are int32


@dataclass(frozen=True, slots=True)
class Range:
    """A filter with a lower and an upper end: `{name}_min` and `{name}_max`, both included."""

    label: str
    unit: str = ""  # shown before ("$") or after the number
    least: int = 0
    most: int = WHOLE_MAX
    date: bool = False


# The order is the page's. Groups are below.
RANGES: dict[str, Range] = {
    "beds": Range("Beds", most=1000),
    "baths": Range("Baths", most=1000),
    "building_size": Range("Building size", "sq ft"),
    "lot_size": Range("Lot size", "sq ft"),
    "year_built": Range("Year built", least=1600, most=2100),
    "value": Range("Value", "$"),
    "equity_percent": Range("Equity", "%", least=-1000, most=100),
    "mortgage": Range("Open mortgages", "$"),
    "years_owned": Range("Years owned", most=200),
    "properties_owned": Range("Properties owned"),
    "last_sale_date": Range("Last sale", date=True),
    "last_sale_price": Range("Last sale price", "$"),
}
FLAGS: dict[str, str] = {
    "absentee_owner": "Absentee owner",
    "out_of_state_owner": "Out-of-state owner",
    "individual_owned": "Individual owned",
    "corporate_owned": "Corporate owned",
    "trust_owned": "Trust owned",
    "inherited": "Inherited",
    "free_clear": "Free and clear",
    "negative_equity": "Negative equity",
    "cash_buyer": "Bought for cash",
    "private_lender": "Private lender",
    "pre_foreclosure": "Pre-foreclosure",
    "foreclosure": "Foreclosure",
    "auction": "Auction",
    "reo": "Bank owned (REO)",
    "tax_lien": "Tax lien",
    "judgment": "Judgment",
    "death": "Owner died",
    "vacant": "Vacant",
    "mls_active": "Listed for sale",
}
TYPES: dict[str, str] = {
    "SFR": "Single family",
    "MFR": "Multi family",
    "CONDO": "Condo",
    "MOBILE": "Mobile home",
    "LAND": "Land",
    "OTHER": "Other",
}
CIRCLE = ("latitude", "longitude", "radius")
RADIUS_MILES = (0.1, 10.0)  # "between 0.1-10 miles"
AREA = "area"  # corners that a person drew: the vendor's `polygon`, an array of {lat, lon} (vendors' contract 1.2)

# (title, ranges, flags) of the page's groups.
GROUPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Property", ("beds", "baths", "building_size", "lot_size", "year_built"), ("vacant", "mls_active")),
    ("Value", ("value", "equity_percent", "mortgage"), ("free_clear", "negative_equity", "private_lender")),
    (
        "Owner",
        ("years_owned", "properties_owned"),
        ("absentee_owner", "out_of_state_owner", "individual_owned", "corporate_owned", "trust_owned", "inherited"),
    ),
    (
        "Distress",
        (),
        ("pre_foreclosure", "foreclosure", "auction", "reo", "tax_lien", "judgment", "death"),
    ),
    ("Last sale", ("last_sale_date", "last_sale_price"), ("cash_buyer",)),
)


def criteria(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's filters for checked values by name: what a range, flag, place or circle is called above.

    Empty where nothing is asked. Raises ValueError for a place that cannot be read.
    """
    found: dict[str, Any] = place(asked.get("place") or "")
    types = list(asked.get("property_type") or ())
    if len(types) == 1:
        found["property_type"] = types[0]
    elif types:  # the vendor's filter takes one
        found["or"] = [{"property_type": one} for one in types]
    for name in RANGES:
        low, high = asked.get(f"{name}_min"), asked.get(f"{name}_max")
        found |= _equity(low, high) if name == "equity_percent" else _ends(name, low, high)
    found |= {name: bool(asked[name]) for name in FLAGS if asked.get(name) is not None}
    if all(asked.get(name) is not None for name in CIRCLE):
        found |= {name: float(asked[name]) for name in CIRCLE}
    if corners := asked.get(AREA):
        found["polygon"] = [{"lat": corner.latitude, "lon": corner.longitude} for corner in corners]
    return found


def _ends(name: str, low: date | int | None, high: date | int | None) -> dict[str, Any]:
    ends = {f"{name}_min": low, f"{name}_max": high}
    return {key: end.isoformat() if isinstance(end, date) else int(end) for key, end in ends.items() if end is not None}


def _equity(low: int | None, high: int | None) -> dict[str, Any]:
    """The vendor has no `equity_percent_min`, only a number with an operator, and one of them a level."""
    ends = [
        {"equity_percent": int(end), "equity_percent_operator": operator}
        for end, operator in ((low, "gte"), (high, "lte"))
        if end is not None
    ]
    return ends[0] if len(ends) == 1 else {"and": ends} if ends else {}


# --- Places -----------------------------------------------------------------------------------------------------------

_NO_PLACE = "Write a city or county with its state (Seattle, WA · King County, WA), a state, or ZIP codes."
_COUNTY = re.compile(r"^(?P<name>.+) county$", re.IGNORECASE)
_COUNTY_BY_NAME = re.compile(r" (parish|borough|census area|municipio)$", re.IGNORECASE)
_WORD = re.compile(r"[^\s,]+")
_ZIP = re.compile(r"(\d{5})(?:-\d{4})?", re.ASCII)
_NAMES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|"
    "DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|"
    "KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|"
    "MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|"
    "NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|PR Puerto Rico|RI Rhode Island|"
    "SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|"
    "WV West Virginia|WI Wisconsin|WY Wyoming"
)
STATES: dict[str, str] = {line[:2]: line[3:] for line in _NAMES.split("|")}
_CODES = {name.casefold(): code for code, name in STATES.items()} | {code.casefold(): code for code in STATES}


def place(text: str) -> dict[str, Any]:
    """A place as people write it: "Seattle, WA", "King County, WA", "98103", "98103, 98105", "98103, WA", "Washington".

    Empty for no text. Raises ValueError where it is none of these.
    """
    zips = [found[1] for word in _WORD.findall(text) if (found := _ZIP.fullmatch(word))]
    rest = _named(" ".join(_WORD.sub(lambda word: "" if _ZIP.fullmatch(word[0]) else word[0], text).split()))
    if not zips:
        return rest
    alone = {} if rest.keys() == {"state"} else rest  # a ZIP says its state
    return alone | {"zip": zips[0] if len(zips) == 1 else list(dict.fromkeys(zips))}


def _named(text: str) -> dict[str, Any]:
    """A state, or a city or county with its state."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts and parts[-1].casefold() in ("usa", "us"):
        parts.pop()
    if not parts:
        return {}
    state = _CODES.get(parts[-1].casefold())
    if state and len(parts) == 1:
        return {"state": state}
    if len(parts) == 1:  # "Seattle WA"
        name, _, last = parts[0].rpartition(" ")
        state, parts = _CODES.get(last.casefold()), [name.strip(), last]
    if not state or len(parts) != 2 or not parts[0]:
        raise ValueError(_NO_PLACE)
    if county := _COUNTY.fullmatch(parts[0]):
        return {"county": county["name"], "state": state}
    return {"county" if _COUNTY_BY_NAME.search(parts[0]) else "city": parts[0], "state": state}


# --- In words ---------------------------------------------------------------------------------------------------------


def in_words(asked: Mapping[str, Any]) -> str:
    """What is asked, in one line: "Seattle, WA · Beds from 3 · Absentee owner"."""
    return " · ".join(_words(asked))


def _words(asked: Mapping[str, Any]) -> Iterator[str]:
    if asked.get("place"):
        yield " ".join(asked["place"].split())
    if all(asked.get(name) is not None for name in CIRCLE):
        yield f"{asked['radius']:g} mi around {asked['latitude']:.4f}, {asked['longitude']:.4f}"
    if corners := asked.get(AREA):
        middle = [sum(getattr(corner, end) for corner in corners) / len(corners) for end in ("latitude", "longitude")]
        yield f"Area with {len(corners)} corners around {middle[0]:.4f}, {middle[1]:.4f}"
    if asked.get("property_type"):
        yield ", ".join(TYPES[one] for one in asked["property_type"])
    for name, spec in RANGES.items():
        low, high = (_shown(asked.get(f"{name}_{end}"), spec, name) for end in ("min", "max"))
        if low and high:
            yield f"{spec.label} {low}–{high}"
        elif low or high:
            yield f"{spec.label} from {low}" if low else f"{spec.label} to {high}"
    for name, label in FLAGS.items():
        if asked.get(name) is not None:
            yield label if asked[name] else f"{label}: no"


def _shown(end: date | int | None, spec: Range, name: str) -> str:
    if end is None:
        return ""
    if spec.date or name == "year_built":
        return str(end)
    return {"$": f"${end:,}", "%": f"{end}%", "": f"{end:,}"}.get(spec.unit) or f"{end:,} {spec.unit}"
