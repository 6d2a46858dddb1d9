"""The zones of ZIP codes: production reads a small table, which the development library and the map of zones make.

`python -m tests.campaigns.rules.test_zip_zones` writes it anew.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import tzfpy
import zipcodes

from campaigns.rules.places import ZIP_ZONES, ZONES, zones_of

HEAD = "# First and last ZIP of each run of codes in one time zone, and the zone. Made by test_zip_zones.py.\n"
MOST_BYTES = 500_000


def made() -> str:
    """The table: runs of ZIP codes in one zone, each inside one area of three digits."""
    zones = {}
    for row in zipcodes.list_all():
        zone = tzfpy.get_tz(float(row["long"]), float(row["lat"]))  # not the library's own: 76 are wrong
        if zone in ZONES and row["country"] == "US":
            zones[row["zip_code"]] = zone
    lines = []
    for (_, zone), run in groupby(sorted(zones), key=lambda code: (code[:3], zones[code])):
        codes = list(run)
        lines.append(f"{codes[0]} {codes[-1]} {zone}\n")
    return HEAD + "".join(lines)


def test_the_table_is_what_the_library_and_the_map_make():
    assert ZIP_ZONES.read_text("ascii") == made()
    assert ZIP_ZONES.stat().st_size < MOST_BYTES


def of_zip(code: str) -> tuple[str, ...]:
    return zones_of(latitude=None, longitude=None, property_zip=code, mailing_zip=None, phone=None)


def test_zip_codes_that_trip_software_have_the_zone_of_their_place():
    assert of_zip("86045") == ("America/Denver",)  # Tuba City, Navajo Nation: has daylight saving
    assert of_zip("86040") == ("America/Phoenix",)  # Page: has none
    assert of_zip("32501") == ("America/Chicago",)  # Pensacola, FL
    assert of_zip("97914") == ("America/Boise",)  # Ontario, OR
    assert of_zip("89883") == ("America/Denver",)  # West Wendover, NV
    assert of_zip("79901") == ("America/Denver",)  # El Paso, TX
    assert of_zip("00901") == ("America/Puerto_Rico",)
    assert of_zip("96910") == ("Pacific/Guam",)


def test_a_zip_code_that_nobody_has_is_unknown():
    assert of_zip("09123") == ()  # military
    assert of_zip("00000") == of_zip("99999") == of_zip("8504") == of_zip("٨٥٠٠٤") == of_zip("") == ()


if __name__ == "__main__":
    Path(ZIP_ZONES).write_text(made(), "ascii")
