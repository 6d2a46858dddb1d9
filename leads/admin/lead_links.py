"""Pages of other sites about a property, made of its address, its point and its county: plain links without a key,
which nothing asks for before a click.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from common.contact_access import told
from leads.admin.lead_facts import map_address, place
from leads.models import Lead


def links(lead: Lead) -> Iterator[tuple[str, str]]:
    """Words and address of each."""
    point = _point(lead)
    if point:
        yield f"Map ({point.replace(',', ', ')})", map_address(lead)
        # https://developers.google.com/maps/documentation/urls/get-started: Display a Street View panorama
        yield "Street View", f"https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={point}"
    elif lead.property_address and told(lead.property_address) == lead.property_address:
        address = quote_plus(f"{lead}, {place(lead)}")
        yield "Map", f"https://www.openstreetmap.org/search?query={address}"
        yield "Street View", f"https://www.google.com/maps/search/?api=1&query={address}"
    yield from _county(lead)


def _point(lead: Lead) -> str:
    if lead.latitude is None or lead.longitude is None:
        return ""
    return f"{lead.latitude:.5f},{lead.longitude:.5f}"


def _county(lead: Lead) -> Iterator[tuple[str, str]]:
    """Its assessor, recorder and tax office, as a directory lists them by state and county; of a county that is known
    by its FIPS code alone, a search.
    """
    state, county = lead.property_state or "", lead.property_county or ""
    county = re.sub(r"(?i)\s+(county|parish|borough)$", "", county)
    if re.fullmatch(r"[A-Z]{2}", state) and re.fullmatch(r"[A-Za-z .'’-]{2,40}", county):
        slug = quote(re.sub(r"[ .'’-]+", "_", county.lower()).strip("_"))
        words = f"County assessor ({county}, {state})"
        yield words, f"https://publicrecords.netronline.com/state/{state}/county/{slug}"
    elif lead.fips:
        words = f"county FIPS {lead.fips} assessor parcel {lead.apn or ''}".strip()
        yield f"County assessor (FIPS {lead.fips})", f"https://www.google.com/search?q={quote_plus(words)}"
