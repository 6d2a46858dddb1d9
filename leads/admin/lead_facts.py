"""What a lead's page says of it: each group of facts with its source and age. No query."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from common import dates
from common.contact_access import MASKED, masked, masked_data, masked_text, told
from leads.facts.columns import SIGNALS
from leads.facts.sources import (
    DETAIL,
    FILE,
    MAILING,
    PERSONS,
    TRACED,
    WORDS,
    name_of,
    other_person,
    same_name,
    source_of,
)
from leads.models import Lead
from leads.permission.scrubbing import Check

_LOOKS = {"vacant": "warning", "absentee_owner": "warning", "high_equity": "info", "free_clear": "info"}  # else danger
_OWNERS = {
    "individual": "Individual",
    "trust": "Trust",
    "llc": "LLC",
    "corporation": "Corporation",
    "other": "Other",
}
_TYPES = {"SFR": "Single family", "MFR": "Multi-family", "CONDO": "Condo", "LAND": "Land", "MOBILE": "Mobile home"}
DO_NOT_CALL = {True: ("Do not call", "danger"), False: ("Not on DNC", "success"), None: ("DNC unknown", "warning")}
MAILS = "Mailing address"
# Facts that may be from another source than the others of their group.
_COLUMNS = {
    "Estimated value": "estimated_value", "Estimated equity": "estimated_equity", "Equity": "equity_percent",
    "Last sale": "last_sale_date", "Last sale price": "last_sale_price", "Type": "property_type", "Beds": "bedrooms",
    "Baths": "bathrooms", "Living area": "sqft", "Year built": "year_built", "Second owner": "second_owner_name",
    "Owner type": "owner_type", "Owner-occupied": "owner_occupied", "Litigator": "litigator",
    "Do not mail": "do_not_mail", "APN": "apn", "County FIPS": "fips",
}  # fmt: skip
_FACTS = {
    "phone": "Phone",
    "email": "E-mail",
    "owner_name": "Owner",
    "apn": "APN",
    "fips": "County FIPS",
    "sqft": "Living area",
}


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach the owner. href: where a click leads, empty while masked or where it must not be used now.

    person: whose it is, if it is not the owner's. source: where it is from, and when it came.
    """

    label: str
    text: str
    source: str
    type: str = ""
    mark: str = ""
    look: str = ""
    href: str = ""
    person: str = ""

    @property
    def copy(self) -> str:
        """What a press on Copy takes: the number as a phone takes it, without an extension."""
        return self.text if "@" in self.text else re.sub(r"[^+0-9]", "", self.text.partition(" ext.")[0])

    @property
    def mail(self) -> str:
        """Where a click writes to."""
        return self.href if self.href.startswith("mailto:") else ""

    @property
    def dial(self) -> str:
        """The number that a press may ask to call: no link, the press asks every rule again."""
        return self.href.removeprefix("tel:") if self.href.startswith("tel:") else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Facts of one source. at: when they came. others: of facts that are from elsewhere, by name, where and when."""

    title: str
    source: str
    at: datetime | None
    rows: list[tuple[str, str]] = field(default_factory=list)
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """Name, text, and where it is from if that is not the group's source."""
        return [(name, text, self.others.get(name, "")) for name, text in self.rows]

    @property
    def is_mailing(self) -> bool:
        """Where the owner gets mail: the county's records and a skip trace stand side by side."""
        return self.title.startswith(MAILS)

    @property
    def heading(self) -> str:
        """Of the two mailing addresses which one it is: a vendor's property data has the county's."""
        county = self.title == MAILS and self.source.lower() == WORDS[DETAIL].lower()
        return f"{self.title} (county records)" if county else self.title


def place(lead: Lead) -> str:
    """City, state and ZIP, and the county."""
    town = _joined(", ", lead.property_city, _joined(" ", lead.property_state, lead.property_zip))
    county = lead.property_county or ""
    said = _joined(" · ", town, county if not county or county.endswith("County") else f"{county} County")
    return str(told(said))


def map_address(lead: Lead) -> str:
    """A map of the place, or "" where nobody knows it."""
    if lead.latitude is None or lead.longitude is None:
        return ""
    north, east = f"{lead.latitude:.5f}", f"{lead.longitude:.5f}"
    return f"https://www.openstreetmap.org/?mlat={north}&mlon={east}#map=18/{north}/{east}"


def signals(lead: Lead) -> list[tuple[str, str]]:
    """Labels of what is true of the property and its owner: (words, look)."""
    return [(words, _LOOKS.get(name, "danger")) for name, words in SIGNALS.items() if getattr(lead, name)]


def numbers_of(lead: Lead) -> list[str]:
    """All that its page lists."""
    others = [entry.get("value") for entry in (lead.other_facts or {}).get("phone", [])]
    return [str(number) for number in (lead.phone, lead.secondary_phone, *others) if number]


def contacts(
    lead: Any,
    *,
    shown: bool,
    usable: Collection[str] | None = None,
    checks: Mapping[str, Check] | None = None,
    kept: Collection[str] = (),
) -> list[Contact]:
    """Phones with type and do-not-call mark, and the e-mail; masked unless `shown`. checks: of the national registry.
    kept: phones that are suppressed for calls. lead: with `dnc` of its best phone (`admin.dnc`).

    usable: the addresses that may be used now; None: nobody judges that, and all but those marked do-not-call may.
    """
    found = _contacts(lead, shown=shown, checks=checks or {}, kept=kept)
    if usable is None:
        return found
    return [one if one.href.partition(":")[2] in usable else replace(one, href="") for one in found]


def _contacts(lead: Any, *, shown: bool, checks: Mapping[str, Check], kept: Collection[str]) -> list[Contact]:
    row, others = vars(lead), lead.other_facts or {}
    dnc = getattr(lead, "dnc", lead.phone_do_not_call)
    found = []
    for label, name in (("Phone", "phone"), ("Second phone", "secondary_phone")):
        if number := getattr(lead, name):
            flag = number in kept or getattr(lead, f"{name}_do_not_call")
            marks = {"type": getattr(lead, f"{name}_type"), "do_not_call": flag}
            entry = {**source_of(row, name), **marks, "value": number, "person": other_person(row, name)}
            found.append(_phone(label, entry, checks.get(number), shown=shown, best=name == "phone", dnc=dnc))
    phones = [one | {"do_not_call": one["value"] in kept or one.get("do_not_call")} for one in others.get("phone", [])]
    found += [_phone("Other phone", entry, checks.get(entry["value"]), shown=shown) for entry in phones]
    if lead.email:
        entry = {**source_of(row, "email"), "value": lead.email, "person": other_person(row, "email")}
        found.append(_email("E-mail", entry, shown=shown))
    return found + [_email("Other e-mail", entry, shown=shown) for entry in others.get("email", [])]


def _phone(
    label: str,
    entry: Mapping[str, Any],
    check: Check | None,
    *,
    shown: bool,
    best: bool = False,
    dnc: bool | None = None,
) -> Contact:
    """check: of the registry, which is asked where no vendor flags the number; who is on it is marked in any case.

    best: of the number by which the lead is called `dnc` is known, and what keeps the person from calls counts too.
    """
    number, listed = entry["value"], entry.get("do_not_call")
    by_check = check is not None and listed is not True and (check.listed or listed is None)
    known = dnc if best else check.listed if check and by_check else listed
    mark, look = DO_NOT_CALL[known]
    at = entry.get("at") if listed is False and known is False else None
    if check and by_check and known is check.listed:
        mark = "On DNC" if check.listed else mark
        at = f"{check.version_date or check.checked_at.date()}T12:00:00+00:00"
    if at:
        mark = f"{mark} (checked {_day(at)})"
    extension = f" ext. {entry['extension']}" if shown and entry.get("extension") else ""
    text = f"{spaced(number)}{extension}" if shown else masked("phone", number)
    href = f"tel:{number}" if shown and not listed else ""
    return Contact(
        label, text, told_source(entry), entry.get("type") or "", mark, look, href, _person(entry, shown=shown)
    )


def _person(entry: Mapping[str, Any], *, shown: bool) -> str:
    """Whose it is, where it is another person's than the owner's."""
    person = str(entry.get("person") or "")
    return person if shown else masked_text(person)


def _email(label: str, entry: Mapping[str, Any], *, shown: bool) -> Contact:
    text = entry["value"] if shown else masked("email", entry["value"])
    href = f"mailto:{entry['value']}" if shown else ""
    return Contact(label, text, told_source(entry), href=href, person=_person(entry, shown=shown))


def told_source(entry: Mapping[str, Any]) -> str:
    """Where a value is from and when it came: skip trace, Nov 24, 2026."""
    who = _words(entry)
    return f"{who}, {_day(entry['at'], year=True)}" if entry.get("at") else who


def _words(entry: Mapping[str, Any]) -> str:
    return f"typed by {entry['by']}" if entry.get("by") else WORDS[entry["source"]]


def _day(at: str, *, year: bool = False) -> str:
    text = dates.day(datetime.fromisoformat(at))
    return text if year else text.rpartition(",")[0]


def another_owner(lead: Lead) -> str:
    """In words, where a person names another owner than the newest detail does; "" where not."""
    entry = source_of(vars(lead), "owner_name")
    record = next((e for e in (lead.other_facts or {}).get("owner_name", []) if e["source"] == DETAIL), None)
    shown = name_of(vars(lead))
    if record is None or entry["source"] not in PERSONS or same_name(shown, record["value"]):
        return ""
    who = "Your file names" if entry["source"] == FILE else "A person typed"
    return f"{who} {shown}; the owner of record is {record['value']}. A skip trace asks for the owner of record."


def groups(lead: Lead, *, shown: bool = True) -> list[Group]:
    """Every fact there is, by where it came from; a fact nobody knows is left out, and so is an empty group.

    shown: whether phones and e-mails among a file's other columns are.
    """
    detail = ("RealEstateAPI detail", lead.enriched_at) if lead.enriched_at else (_own(lead), lead.created_at)
    traced = _mailing(lead, TRACED)
    found = [
        Group("Money", *detail, _money(lead)),
        Group("Property", *detail, _property(lead)),
        Group("Owner", *_from(lead, "owner_name"), _as_seen(_owner(lead), shown=shown)),
        Group(MAILS, *_from(lead, "mailing_address"), _as_seen(_mailing(lead, MAILING), shown=shown)),
        Group(f"{MAILS} by skip trace", "Skip trace", lead.skip_traced_at, _as_seen(traced, shown=shown)),
        Group("Business", "Apollo", lead.apollo_enriched_at, _as_seen(_business(lead), shown=shown)),
        Group(
            "Other values",
            "Not shown above: what a person typed or imported comes first, then the newest",
            None,
            _as_seen(_others(lead), shown=shown),
        ),
        Group("Other columns", "Your file", lead.created_at, _kept(lead, shown=shown)),
    ]
    told = (replace(g, rows=[(name, text) for name, text in g.rows if text]) for g in found)
    known = (replace(group, others=_elsewhere(lead, group)) for group in told)
    return [group for group in known if group.rows]


def _elsewhere(lead: Lead, group: Group) -> dict[str, str]:
    """Of the facts that are of another source than their group, each with its source and its day. What came with the
    lead, of which nothing was purchased, says so once.
    """
    said, own = lead.fact_sources or {}, group.source.lower()
    entries = {
        name: source_of(vars(lead), column)
        for name, _ in group.rows
        if (column := _COLUMNS.get(name)) and (column in said or lead.enriched_at)
    }
    return {name: told_source(entry) for name, entry in entries.items() if _words(entry).lower() != own}


def _from(lead: Lead, fact: str) -> tuple[str, datetime | None]:
    entry = source_of(vars(lead), fact)
    words = _words(entry)
    return f"{words[:1].upper()}{words[1:]}", datetime.fromisoformat(entry["at"]) if entry.get("at") else None


def _others(lead: Lead) -> list[tuple[str, str]]:
    """What is not shown, but for phones and e-mails: those stand with the contacts, and may be masked."""
    return [
        (_FACTS.get(fact, fact.replace("_", " ").capitalize()), f"{entry['value']} ({told_source(entry)})")
        for fact, entries in sorted((lead.other_facts or {}).items())
        if fact not in MASKED
        for entry in entries
    ]


def _as_seen(rows: list[tuple[str, str]], *, shown: bool) -> list[tuple[str, str]]:
    """Names and other words of a file or a person, which may hold a phone or an e-mail."""
    return rows if shown else [(name, masked_text(text)) for name, text in rows]


def _kept(lead: Lead, *, shown: bool) -> list[tuple[str, str]]:
    """The columns of a file that no field holds."""
    data = lead.data or {}
    return list((data if shown else masked_data(data)).items())


def _own(lead: Lead) -> str:
    return f"Came with the lead ({lead.source})"


def _money(lead: Lead) -> list[tuple[str, str]]:
    percent = lead.equity_percent
    return [
        ("Estimated value", _dollars(lead.estimated_value)),
        ("Estimated equity", _dollars(lead.estimated_equity)),
        ("Equity", "" if percent is None else f"{percent:.0f}%"),
        ("Last sale", "" if lead.last_sale_date is None else _sold(lead.last_sale_date)),
        ("Last sale price", _dollars(lead.last_sale_price)),
    ]


def _property(lead: Lead) -> list[tuple[str, str]]:
    kind = lead.property_type or ""
    return [
        ("Type", _TYPES.get(kind) or str(told(kind))),
        ("Beds", _number(lead.bedrooms)),
        ("Baths", _number(lead.bathrooms)),
        ("Living area", f"{lead.sqft:,} sq ft" if lead.sqft else ""),
        ("Year built", str(lead.year_built or "")),
        ("APN", lead.apn or ""),
        ("County FIPS", lead.fips or ""),
    ]


def _owner(lead: Lead) -> list[tuple[str, str]]:
    return [
        ("Name", lead.owner_name or ""),
        ("Person", _joined(" ", lead.first_name, lead.last_name)),
        ("Second owner", lead.second_owner_name or ""),
        ("Owner type", _OWNERS.get(lead.owner_type or "", lead.owner_type or "")),
        ("Owner-occupied", {True: "Yes", False: "No", None: ""}[lead.owner_occupied]),
        ("Litigator", "Yes: nobody calls" if lead.litigator else "" if lead.litigator is None else "No"),
        ("Do not mail", {True: "Yes", False: "No", None: ""}[lead.do_not_mail]),
    ]


def _mailing(lead: Lead, columns: Sequence[str]) -> list[tuple[str, str]]:
    street, city, state, code = (getattr(lead, column) for column in columns)
    return [("Street", street or ""), ("City", _joined(", ", city, _joined(" ", state, code)))]


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


def spaced(number: str) -> str:
    """A number of the North American plan as it is read out: +1 206 555 0142."""
    is_ours = len(number) == 12 and number.startswith("+1")
    return f"+1 {number[2:5]} {number[5:8]} {number[8:]}" if is_ours else number


def _sold(day: date | str) -> str:
    """Jul 14, 2020, from a date or, of a lead not saved yet, its text."""
    when = day if isinstance(day, date) else date.fromisoformat(day)
    return f"{when:%b} {when.day}, {when.year}"


def _dollars(amount: int | None) -> str:
    return "" if amount is None else f"${amount:,}"


def _number(value: object) -> str:
    if value is None:
        return ""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else f"{value:,}"
