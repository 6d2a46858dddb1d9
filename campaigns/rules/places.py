"""Where a contact is: its time zones and states, by coordinates, ZIP codes and number; and which kind of number."""

from __future__ import annotations

import re
from bisect import bisect_right
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import phonenumbers
import tzfpy
from phonenumbers import PhoneNumberType, timezone

from campaigns.rules.area_codes import STATES, TWO_ZONES

# Of the United States and its territories (tzdata's zone.tab). Any other answer is a wrong coordinate: unknown.
ZONES: Final = frozenset(
    {
        "America/New_York", "America/Detroit", "America/Kentucky/Louisville", "America/Kentucky/Monticello",
        "America/Indiana/Indianapolis", "America/Indiana/Vincennes", "America/Indiana/Winamac",
        "America/Indiana/Marengo", "America/Indiana/Petersburg", "America/Indiana/Vevay",
        "America/Indiana/Tell_City", "America/Indiana/Knox", "America/Chicago", "America/Menominee",
        "America/North_Dakota/Center", "America/North_Dakota/New_Salem", "America/North_Dakota/Beulah",
        "America/Denver", "America/Boise", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
        "America/Juneau", "America/Sitka", "America/Metlakatla", "America/Yakutat", "America/Nome", "America/Adak",
        "Pacific/Honolulu", "America/Puerto_Rico", "America/St_Thomas", "Pacific/Guam", "Pacific/Saipan",
        "Pacific/Pago_Pago",
    }
)  # fmt: skip
OURS: Final = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})  # regions whose numbers may be contacted
ZIP_ZONES: Final = Path(__file__).with_name("zip_zones.txt")  # made and held by tests/campaigns/rules/test_zip_zones.py
PAID: Final = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
KINDS: Final = {
    "mobile": "mobile", "wireless": "mobile", "cell": "mobile", "cellular": "mobile",
    "landline": "landline", "land line": "landline", "residential": "landline", "fixed": "landline",
    "voip": "voip",
}  # fmt: skip
NANP: Final = re.compile(r"\+1([2-9]\d\d)([2-9]\d{6})")
E164: Final = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)


def zones_of(
    *,
    latitude: float | Decimal | None,
    longitude: float | Decimal | None,
    property_zip: str | None,
    mailing_zip: str | None,
    phone: str | None,
) -> tuple[str, ...]:
    """IANA names, sorted: of the property, of the mailing address, of the number. All count. Empty: unknown.

    The property's by its coordinates, by its ZIP where these say nothing.
    """
    found = {
        _zone_at(latitude, longitude) or _zone_of_zip(property_zip),
        _zone_of_zip(mailing_zip),
        *_zones_of_phone(phone or ""),
    }
    return tuple(sorted(found - {""}))


def states_of(*, property_state: str | None, mailing_state: str | None, phone: str | None) -> tuple[str, ...]:
    """Two letters each, sorted: of the property, of the mailing address, of the number's area code. Empty: unknown."""
    match = NANP.fullmatch(phone or "")
    named = (property_state or "", mailing_state or "", STATES.get(match[1], "") if match else "")
    return tuple(sorted({state.strip().upper() for state in named} - {""}))


@lru_cache(50_000)
def number_kind(phone: str, phone_type: str | None) -> str:
    """mobile, landline, voip, unknown, toll_free, premium, foreign or invalid.

    phone: +1…; phone_type: what the skip trace said of it (mobile, landline, voip, …), '' where it said nothing: no
    area code tells a mobile from a landline.
    """
    if not E164.fullmatch(phone):
        return "invalid"
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return "invalid"
    if number.extension or not phonenumbers.is_valid_number(number):
        return "invalid"
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.TOLL_FREE:
        return "toll_free"
    if kind in PAID:
        return "premium"
    if phonenumbers.region_code_for_number(number) not in OURS:
        return "foreign"
    return KINDS.get((phone_type or "").strip().lower(), "unknown")


def _zone_at(latitude: float | Decimal | None, longitude: float | Decimal | None) -> str:
    if latitude is None or longitude is None:
        return ""
    name = tzfpy.get_tz(float(longitude), float(latitude))
    return name if name in ZONES else ""


def _zone_of_zip(code: str | None) -> str:
    """'' where the table does not have it, and where its neighbours are in two zones."""
    digits = (code or "").strip()[:5]
    if len(digits) != 5 or not digits.isdecimal() or not digits.isascii():
        return ""
    firsts, runs = _zip_table()
    place = bisect_right(firsts, digits) - 1
    if place < 0 or digits > runs[place][0]:
        return ""
    return runs[place][1]


@cache
def _zip_table() -> tuple[list[str], list[tuple[str, str]]]:
    """First ZIP of each run, sorted; its last ZIP and its zone."""
    lines = [line.split(" ") for line in ZIP_ZONES.read_text("ascii").splitlines() if not line.startswith("#")]
    return [line[0] for line in lines], [(line[1], line[2]) for line in lines]


def _zones_of_phone(phone: str) -> tuple[str, ...]:
    """Of its exchange where that is known, else of its area code: all zones of it. Not geographic: none."""
    match = NANP.fullmatch(phone)
    return _zones_of_exchange(match[1], match[2][:3]) if match is not None and match[1] in STATES else ()


@lru_cache(50_000)
def _zones_of_exchange(area: str, exchange: str) -> tuple[str, ...]:
    """No zone hangs on the last four digits (tests/campaigns/rules/test_places.py): a list of 100,000 asks for a few
    thousand exchanges.
    """
    zones = _named(f"+1{area}{exchange}0000")
    if area in TWO_ZONES and zones == _named(f"+1{area}5550123"):
        zones = TWO_ZONES[area]
    return tuple(zone for zone in zones if zone in ZONES)


def _named(phone: str) -> tuple[str, ...]:
    return tuple(timezone.time_zones_for_number(phonenumbers.parse(phone)))
