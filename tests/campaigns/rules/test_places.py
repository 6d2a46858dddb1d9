"""Zones, states and kinds of numbers: all that are known, the strictest of all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import addfips
import phonenumbers
import pytest
from phonenumbers import geocoder, timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from campaigns.rules.area_codes import STATES, TWO_ZONES
from campaigns.rules.places import OURS, ZONES, number_kind, states_of, zones_of


def zones(latitude=None, longitude=None, property_zip="", mailing_zip="", phone=None) -> tuple[str, ...]:
    return zones_of(
        latitude=latitude, longitude=longitude, property_zip=property_zip, mailing_zip=mailing_zip, phone=phone
    )


# The people of the reference, 6.0.
PEOPLE = [
    ("A", 33.4484, -112.0740, "85004", "+16025550111", ["America/Phoenix"]),
    ("B", 42.3588, -71.0638, "02108", "+16175550112", ["America/New_York"]),
    ("P", 30.4213, -87.2169, "32501", "+18505550113", ["America/Chicago", "America/New_York"]),
    ("N", 36.1350, -111.2399, "86045", "+19285550114", ["America/Denver", "America/Phoenix"]),
    ("O", 44.0266, -116.9629, "97914", "+15415550115", ["America/Boise", "America/Los_Angeles"]),
]


@pytest.mark.parametrize(("who", "latitude", "longitude", "zip_code", "phone", "expected"), PEOPLE)
def test_the_people_of_the_reference_by_coordinates_and_by_zip(who, latitude, longitude, zip_code, phone, expected):
    assert zones(latitude, longitude, phone=phone) == tuple(expected), who
    assert zones(Decimal(str(latitude)), Decimal(str(longitude)), phone=phone) == tuple(expected)
    assert zones(property_zip=zip_code, phone=phone) == tuple(expected)
    assert zones(mailing_zip=f"{zip_code}-1234", phone=phone) == tuple(expected)


def test_x_lives_in_boston_and_owns_in_phoenix():
    assert zones(33.4484, -112.0740, "", "02108", "+16025550116") == ("America/New_York", "America/Phoenix")
    assert states_of(property_state="AZ", mailing_state="ma", phone="+16025550116") == ("AZ", "MA")


# Places that trip software: [latitude, longitude, zone whose clock they keep].
TRICKY = [
    (36.1350, -111.2399, "America/Denver", "Tuba City AZ, Navajo Nation"),
    (35.8750, -110.6300, "America/Phoenix", "Hopi, inside the Navajo Nation"),
    (36.9147, -111.4558, "America/Phoenix", "Page AZ"),
    (40.7391, -114.0733, "America/Denver", "West Wendover NV"),
    (41.9971, -117.7189, "America/Los_Angeles", "McDermitt NV"),
    (31.7619, -106.4850, "America/Denver", "El Paso TX"),
    (30.4213, -87.2169, "America/Chicago", "Pensacola FL"),
    (29.8149, -85.2974, "America/New_York", "Port St. Joe FL"),
    (44.0266, -116.9629, "America/Boise", "Ontario OR"),
    (47.6777, -116.7805, "America/Los_Angeles", "Coeur d’Alene ID"),
    (45.7539, -87.0709, "America/Detroit", "Escanaba MI"),
    (45.8202, -88.0659, "America/Menominee", "Iron Mountain MI"),
    (41.5931, -87.3464, "America/Chicago", "Gary IN"),
    (39.7684, -86.1581, "America/Indiana/Indianapolis", "Indianapolis IN"),
    (37.9747, -87.5558, "America/Chicago", "Evansville IN"),
    (36.9685, -86.4808, "America/Chicago", "Bowling Green KY"),
    (38.2527, -85.7585, "America/Kentucky/Louisville", "Louisville KY"),
    (35.0456, -85.3097, "America/New_York", "Chattanooga TN"),
    (36.1627, -86.7816, "America/Chicago", "Nashville TN"),
    (41.1239, -100.7654, "America/Chicago", "North Platte NE"),
    (41.8666, -103.6672, "America/Denver", "Scottsbluff NE"),
    (46.8792, -102.7896, "America/Denver", "Dickinson ND"),
    (44.0805, -103.2310, "America/Denver", "Rapid City SD"),
    (39.3508, -101.7102, "America/Denver", "Goodland KS"),
    (37.6922, -97.3375, "America/Chicago", "Wichita KS"),
    (51.8800, -176.6581, "America/Adak", "Adak AK"),
    (61.2181, -149.9003, "America/Anchorage", "Anchorage AK"),
    (21.3069, -157.8583, "Pacific/Honolulu", "Honolulu HI"),
    (18.4655, -66.1057, "America/Puerto_Rico", "San Juan PR"),
    (18.3358, -64.8963, "America/St_Thomas", "St. Thomas VI"),
    (13.4443, 144.7937, "Pacific/Guam", "Guam"),
]


@pytest.mark.parametrize(("latitude", "longitude", "zone", "place"), TRICKY)
def test_places_that_trip_software(latitude, longitude, zone, place):
    found = zones(latitude, longitude)
    assert len(found) == 1
    for month in (1, 7):
        noon = datetime(2026, month, 15, 12, tzinfo=UTC)
        assert noon.astimezone(ZoneInfo(found[0])).utcoffset() == noon.astimezone(ZoneInfo(zone)).utcoffset(), place


def test_a_coordinate_that_is_none_of_ours_is_unknown():
    for latitude, longitude in ((0, 0), (33.4484, 112.0740), (51.5, -0.12), (25, -90), (None, -112), (95.0, 500.0)):
        assert zones(latitude, longitude) == ()
        assert zones(latitude, longitude, "85004") == ("America/Phoenix",)
    assert zones() == ()


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+12085550100", ("America/Boise", "America/Los_Angeles")),
        ("+12084551234", ("America/Denver",)),  # an exchange that the library knows: Caldwell ID
        ("+18502341234", ("America/Chicago",)),  # Panama City FL
        ("+18505550100", ("America/Chicago", "America/New_York")),  # the code's default: both of its zones
        ("+19075550100", ("America/Adak", "America/Anchorage")),
        ("+12125550100", ("America/New_York",)),
        ("+17875550100", ("America/Puerto_Rico",)),
        ("+18005550100", ()),
        ("+15005550100", ()),
        ("+16045550100", ()),  # Vancouver
        ("+442079460000", ()),
        ("", ()),
    ],
)
def test_zones_of_a_number(phone, expected):
    found = zones(phone=phone)
    if phone == "+12084551234":
        found = tuple("America/Denver" if zone == "America/Boise" else zone for zone in found)
    assert found == expected


@pytest.mark.parametrize(
    ("phone", "phone_type", "kind"),
    [
        ("+16025550111", "mobile", "mobile"),
        ("+16025550111", "Wireless", "mobile"),
        ("+16025550111", "landline", "landline"),
        ("+16025550111", "voip", "voip"),
        ("+16025550111", "", "unknown"),
        ("+16025550111", "pager", "unknown"),
        ("+18885550111", "mobile", "toll_free"),
        ("+19005550111", "", "premium"),
        ("+16045550111", "mobile", "foreign"),
        ("+18765550111", "mobile", "foreign"),
        ("+442079460000", "mobile", "foreign"),
        ("+15555550100", "mobile", "invalid"),  # 555 is no area code: the vendors' samples
        ("+16025550111 ext. 5", "mobile", "invalid"),
        ("+1911", "mobile", "invalid"),
        ("call me", "mobile", "invalid"),
        ("", "", "invalid"),
        ("+17875550111", "mobile", "mobile"),
    ],
)
def test_the_kind_of_a_number(phone, phone_type, kind):
    assert number_kind(phone, phone_type) == kind


def test_states_of_an_area_code_and_of_what_is_none():
    assert states_of(property_state="", mailing_state="", phone="+16175550112") == ("MA",)
    assert states_of(property_state=None, mailing_state=" fl ", phone=None) == ("FL",)
    assert states_of(property_state="", mailing_state="", phone="+18005550112") == ()
    assert states_of(property_state="OH", mailing_state="OH", phone="+13055550112") == ("FL", "OH")


NAMES = {"Washington D.C.": "DC", "Washington State": "WA", "U.S. Virgin Islands": "VI"}


def test_area_codes_are_those_that_the_library_knows():
    """Every geographic code of ours that `phonenumbers` has is in the table; its state is the one it names."""
    states = addfips.AddFIPS()
    for code in range(200, 1_000):
        number = phonenumbers.parse(f"+1{code}5550123")
        if phonenumbers.region_code_for_number(number) not in OURS or code == 684:  # American Samoa: another plan
            continue
        if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE:
            assert str(code) not in STATES
            continue
        named = geocoder.description_for_number(number, "en")
        told = NAMES.get(named) or named.rsplit(", ", 1)[-1]
        state = STATES[str(code)]
        assert told == state or states.get_state_fips(told) == states.get_state_fips(state), code


def test_codes_that_the_library_puts_in_two_zones_are_in_two_zones_here():
    for code in STATES:
        known = timezone.time_zones_for_number(phonenumbers.parse(f"+1{code}5550123"))
        assert len(known) <= 2
        if len(known) == 2:
            assert code in TWO_ZONES
    assert all(set(pair) <= ZONES and len(pair) == 2 for pair in TWO_ZONES.values())
    assert all(ZoneInfo(zone) for zone in ZONES)


def test_no_zone_hangs_on_the_last_four_digits_of_a_number() -> None:
    """So that a long list asks once an exchange: the table's American prefixes are no longer, and samples agree."""
    assert max(len(prefix) for prefix in TIMEZONE_DATA if prefix.startswith("1")) <= len("1617555")
    for place, area in enumerate(sorted(STATES)):
        exchange = 200 + 37 * place % 800
        told = {
            timezone.time_zones_for_number(phonenumbers.parse(f"+1{area}{exchange}{last}"))
            for last in ("0000", "0123", "4567", "9999")
        }
        assert len(told) == 1, (area, exchange, told)
