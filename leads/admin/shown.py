"""What a lead's page says of it: each group of facts with its source and age. No query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from config.common.contacts import masked
from leads.facts import SIGNALS
from leads.models import Lead

_LOOKS = {"vacant": "warning", "absentee_owner": "warning", "high_equity": "info", "free_clear": "info"}  # else danger
_TYPES = {"SFR": "House", "MFR": "Multi-family", "CONDO": "Condo", "LAND": "Land", "MOBILE": "Mobile home"}
_DO_NOT_CALL = {True: ("Do not call", "danger"), False: ("May be called", "success"), None: ("Not checked", "")}


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach the owner. href: where a click leads, empty while masked or where it must not be called."""

    label: str
    text: str
    type: str = ""
    mark: str = ""
    look: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Facts of one source. at: when they came."""

    title: str
    source: str
    at: datetime | None
    rows: list[tuple[str, str]] = field(default_factory=list)


def place(lead: Lead) -> str:
    """City, state and ZIP, and the county."""
    town = _joined(", ", lead.property_city, _joined(" ", lead.property_state, lead.property_zip))
    county = lead.property_county or ""
    return _joined(" · ", town, county if not county or county.endswith("County") else f"{county} County")


def map_address(lead: Lead) -> str:
    """A map of the place, or "" where nobody knows it."""
    if lead.latitude is None or lead.longitude is None:
        return ""
    north, east = f"{lead.latitude:.5f}", f"{lead.longitude:.5f}"
    return f"https://www.openstreetmap.org/?mlat={north}&mlon={east}#map=18/{north}/{east}"


def signals(lead: Lead) -> list[tuple[str, str]]:
    """Labels of what is true of the property and its owner: (words, look)."""
    return [(words, _LOOKS.get(name, "danger")) for name, words in SIGNALS.items() if getattr(lead, name)]


def contacts(lead: Lead, *, shown: bool) -> list[Contact]:
    """Phones with type and do-not-call mark, and the e-mail; masked unless `shown`."""
    found = []
    for label, name in (("Phone", "phone"), ("Second phone", "secondary_phone")):
        number = getattr(lead, name)
        if number:
            listed = getattr(lead, f"{name}_do_not_call")
            href = f"tel:{number}" if shown and not listed else ""
            text = _spaced(number) if shown else masked(name, number)
            found.append(Contact(label, text, getattr(lead, f"{name}_type") or "", *_DO_NOT_CALL[listed], href))
    if lead.email:
        text = lead.email if shown else masked("email", lead.email)
        found.append(Contact("E-mail", text, href=f"mailto:{lead.email}" if shown else ""))
    return found


def groups(lead: Lead) -> list[Group]:
    """Every fact there is, by where it came from; a fact nobody knows is left out, and so is an empty group."""
    detail = ("RealEstateAPI detail", lead.enriched_at) if lead.enriched_at else (_own(lead), lead.created_at)
    mailing = ("Skip trace", lead.skip_traced_at) if lead.skip_traced_at else detail
    found = [
        Group("Money", *detail, _money(lead)),
        Group("Property", *detail, _property(lead)),
        Group("Owner", *detail, _owner(lead)),
        Group("Mailing address", *mailing, _mailing(lead)),
        Group("Business", "Apollo", lead.apollo_enriched_at, _business(lead)),
    ]
    known = (Group(g.title, g.source, g.at, [(name, text) for name, text in g.rows if text]) for g in found)
    return [group for group in known if group.rows]


def _own(lead: Lead) -> str:
    return f"Came with the lead ({lead.source})"


def _money(lead: Lead) -> list[tuple[str, str]]:
    percent = lead.equity_percent
    return [
        ("Estimated value", _dollars(lead.estimated_value)),
        ("Estimated equity", _dollars(lead.estimated_equity)),
        ("Equity", "" if percent is None else f"{percent:.0f} %"),
    ]


def _property(lead: Lead) -> list[tuple[str, str]]:
    kind = lead.property_type or ""
    return [
        ("Type", _TYPES.get(kind, kind)),
        ("Beds", _number(lead.bedrooms)),
        ("Baths", _number(lead.bathrooms)),
        ("Living area", f"{lead.sqft:,} sqft" if lead.sqft else ""),
        ("Year built", str(lead.year_built or "")),
        ("APN", lead.apn or ""),
        ("County FIPS", lead.fips or ""),
    ]


def _owner(lead: Lead) -> list[tuple[str, str]]:
    return [
        ("Name", lead.owner_name or ""),
        ("Person", _joined(" ", lead.first_name, lead.last_name)),
        ("Kind", lead.owner_type or ""),
        ("Lives there", {True: "Yes", False: "No", None: ""}[lead.owner_occupied]),
    ]


def _mailing(lead: Lead) -> list[tuple[str, str]]:
    state = _joined(" ", lead.mailing_state, lead.mailing_zip)
    return [("Street", lead.mailing_address or ""), ("Town", _joined(", ", lead.mailing_city, state))]


def _business(lead: Lead) -> list[tuple[str, str]]:
    return [
        ("Job title", lead.apollo_title or ""),
        ("Company", lead.apollo_company or ""),
        ("Industry", lead.apollo_industry or ""),
        ("Employees", _number(lead.apollo_employee_count)),
        ("LinkedIn", lead.apollo_linkedin_url or ""),
    ]


def _joined(between: str, *parts: str | None) -> str:
    return between.join(part for part in parts if part)


def _spaced(number: str) -> str:
    """A number of the North American plan as it is read out: +1 206 555 0142."""
    is_ours = len(number) == 12 and number.startswith("+1")
    return f"+1 {number[2:5]} {number[5:8]} {number[8:]}" if is_ours else number


def _dollars(amount: int | None) -> str:
    return "" if amount is None else f"${amount:,}"


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else f"{value:,}"
