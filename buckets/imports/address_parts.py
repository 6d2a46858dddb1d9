"""A street line from the columns that hold its parts; street, city, state and ZIP from one cell. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from buckets.imports.cells import state
from buckets.imports.fields import PLACE, STREET, mailing
from integrations.naming import states
from integrations.vendors.addresses import short_line

_STATE_NAME = "|".join(rf"{name}\b" for name in sorted(states.NAMES, key=len, reverse=True)).replace(" ", r"\s+")
_STATE_WORD = rf"(?:[A-Z]{{2}}\b|{_STATE_NAME})"
_STATE = r"(?P<state>[A-Z]{2})\.?"
_NAMED = rf"\s*,\s*(?P<name>{_STATE_NAME})"  # behind a comma: "Port Washington" is no state
_ZIP = r"(?P<zip>\d{5})(?:\s?-?\s?\d{4})?"
_WHOLE = re.compile(rf"(?P<street>.+?),\s*(?P<city>[^,]+?)(?:,?\s+{_STATE}|{_NAMED}),?(?:\s+{_ZIP})?", re.IGNORECASE)
_TOWN = re.compile(rf"(?P<city>[^,]+?)(?:(?:\s*,\s*|\s+){_STATE}|{_NAMED})(?:[\s,]+{_ZIP})?", re.IGNORECASE)
_SUFFIXES = (
    r"(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|court|ct|place|pl|boulevard|blvd|way|circle|cir|terrace|ter|"
    r"parkway|pkwy|trail|trl|highway|hwy)\b\.?"
)
_COUNTRY = re.compile(r",?\s*(USA|U\.S\.A\.|US|United States)\s*$", re.IGNORECASE)
# What a unit is called (USPS Publication 28, appendix C2).
_UNIT_WORD = (
    r"(?:apt|apartment|unit|suite|ste|bldg|building|fl|floor|rm|room|lot|spc|space|trlr|trailer|ph|penthouse|dept|hngr|"
    r"bsmt|basement|frnt|front|rear|uppr|upper|lowr|lower|side|slip|stop|key|pier|no)"
)
_UNIT = re.compile(rf"(?:#\s*\S.*|{_UNIT_WORD}\b.*|[a-z]?-?\d{{1,5}}-?[a-z]?|[a-z]{{1,2}})", re.IGNORECASE)
_NAMED_UNIT = re.compile(rf"#|{_UNIT_WORD}\b", re.IGNORECASE)
# 12 Oak St Apt 4 Austin TX 78701, without a comma: sure where one word alone may end the street.
_UNPARTED = re.compile(
    rf"(?P<street>\d\S*\s+(?:(?!{_SUFFIXES})\S+\s+)+{_SUFFIXES}(?:\s+[NS][EW]\b)?"
    rf"(?:\s*,?\s+(?:#\s*\S+|{_UNIT_WORD}\b\.?\s*#?\s*\S+))?)"
    rf",?\s+(?P<city>(?![NSEW]\b)(?!{_UNIT_WORD}\b)(?:(?!{_SUFFIXES})[A-Z.'’-]+\s+){{1,4}}?){_STATE},?\s+{_ZIP}",
    re.IGNORECASE,
)  # fmt: skip
_BARE_UNIT = re.compile(rf"(?:#|{_UNIT_WORD}\b\.?)\s*#?\s*", re.IGNORECASE)
_NO_UNIT = frozenset({"", "0", "-", "n/a", "na", "none", "null", "unknown", "#"})
_BESIDE = tuple(part for part in STREET if part not in ("address", "streetName"))
# A number behind one of these is the road's, not a unit's: "12 Highway 4".
_NUMBERED_ROADS = frozenset(
    {"HWY", "HIGHWAY", "ROUTE", "RTE", "RT", "COUNTY", "CR", "SR", "FM", "RM", "US", "STATE", "LOOP", "INTERSTATE", "I",
     "BOX"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """The fields of one address, by what each is of it."""

    street: Mapping[str, str]  # of STREET
    place: Mapping[str, str]  # of PLACE
    further: frozenset[str]  # of STREET, without the line

    @classmethod
    def of(cls, name: Callable[[str], str]) -> Address:
        street = {part: name(part) for part in STREET}
        further = frozenset(field for part, field in street.items() if part != "address")
        return cls(street, {part: name(part) for part in PLACE}, further)

    def join(self, said: dict[str, Any], *, in_parts: bool = True) -> None:
        """Puts the street line, city, state and ZIP of a row where a lead has them, from whatever columns hold them.

        in_parts: whether columns may hold parts of a street line or of a place.
        """
        line = self.street["address"]
        street: str | None = said.get(line)
        if street and (bare := self._without_place(street, said)):
            said[line] = street = bare
        if in_parts and not self.further.isdisjoint(said):
            street = street_line({part: said.get(field) for part, field in self.street.items()})
            if street is not None:
                said[line] = street
        if in_parts and (town := said.get(self.place["cityStateZip"]) or self._town_below(said)):
            self._split(_TOWN, town, said)
        if street and self.place["city"] not in said:
            self._split_whole(line, _COUNTRY.sub("", street), said)

    def _town_below(self, said: Mapping[str, Any]) -> str | None:
        """A second line that is the city, the state and the ZIP, where nothing else tells them."""
        line = said.get(self.street["address2"])
        if not line or self.place["city"] in said or self.place["zip"] in said:
            return None
        found = _TOWN.fullmatch(line)
        return line if found and found["zip"] and not re.search(r"\d", found["city"]) else None

    def _split_whole(self, line: str, text: str, said: dict[str, Any]) -> None:
        """Of a line that is a whole address, its street, city, state and ZIP; as it is, where that is not sure."""
        rules = [rule for rule, may_be in ((_WHOLE, "," in text), (_UNPARTED, text[-1:].isdigit())) if may_be]
        tried = [(rule, match) for rule in rules if (match := rule.fullmatch(text))]
        rule, found = next(((r, m) for r, m in tried if not _NAMED_UNIT.match(m["city"])), (_WHOLE, None))
        if found is None or (found["state"] and state(found["state"]) is None):
            return
        said[line] = found["street"]
        self._split(rule, text, said)

    def _without_place(self, street: str, said: Mapping[str, Any]) -> str | None:
        """The street of a whole address, "12 Oak St #4, Austin, TX 78701, United States", whose city, state and ZIP
        the row has too; None where the line has no such end.
        """
        city = said.get(self.place["city"])
        if not city or str(city).casefold() not in street.casefold():
            return None
        found = _ending(city, said.get(self.place["state"])).fullmatch(_COUNTRY.sub("", street))
        return found["street"] if found and re.search(r"\d.*\s", found["street"]) else None

    def _split(self, pattern: re.Pattern[str], text: str, said: dict[str, Any]) -> None:
        found = pattern.fullmatch(_COUNTRY.sub("", text))
        if found is None:
            said.setdefault(self.place["city"], text.strip(" ,"))
            return
        named = found.groupdict().get("name")
        told = {"city": found["city"], "state": state(named) if named else found["state"], "zip": found["zip"]}
        for part, value in told.items():
            if value:
                said.setdefault(self.place[part], value.upper() if part == "state" else value.strip())


PROPERTY, MAILING = Address.of(lambda part: part), Address.of(mailing)
PARTS = frozenset(f for one in (PROPERTY, MAILING) for f in (*one.street.values(), one.place["cityStateZip"]))


@lru_cache(maxsize=4096)
def _ending(city: str, region: str | None) -> re.Pattern[str]:
    """A whole address that ends with this city and state."""
    town = re.escape(city) + r"\.?"
    state_too = rf"[\s,]+(?:{re.escape(region)}|{_STATE_NAME})\b\.?" if region else rf"[\s,]+{_STATE_WORD}\.?"
    return re.compile(
        rf"(?P<street>.*?[^\s,])(?:\s*,\s*{town}(?:{state_too})?|\s+{town}{state_too})(?:[\s,]+{_ZIP})?[\s,]*",
        re.IGNORECASE,
    )


def street_line(parts: Mapping[str, str | None]) -> str | None:
    """House number, direction, street, suffix, direction and unit in one line; None where there is no street.

    parts: by STREET. Numbers are compared as words, so that house 1 of "1ST ST" is "1 1ST ST"; what a line has already
    is not said twice.
    """
    street = parts["address"] or parts["streetName"]
    if street is None:
        return None
    if not any(parts[part] for part in _BESIDE):
        return street
    house = _house(parts["house"])
    if not house or not _begins_with(street, house):
        if not street[:1].isdigit() or house or not parts["address"]:
            street = _around(street, parts["preDirection"], parts["streetSuffix"], parts["postDirection"])
        fraction = parts["houseSuffix"] or ""
        street = " ".join(filter(None, (house, fraction, street)))
    for unit in (parts["unit"], parts["address2"] if _is_unit(parts["address2"]) else None):
        street = _with_unit(street, unit)
    return street


def _house(value: str | None) -> str:
    """A house number; a spreadsheet has made "12.0" of 12, and an assessor "00012"."""
    number = re.sub(r"\.0*$", "", value or "").strip()
    return number.lstrip("0") if number[:1] == "0" and number.isdigit() else number


def _begins_with(street: str, house: str) -> bool:
    """Whether a line has this house number already, as a word: 12 of "12-14 Oak St" and "12A Oak St", no "12th St"."""
    rest = street.lstrip("0")
    if rest[: len(house)].upper() != house.upper():
        return False
    return re.match(r"$|[\s\-/&,.]|[A-Za-z]\b", rest[len(house) :]) is not None


def _around(street: str, before: str | None, suffix: str | None, behind: str | None) -> str:
    """A street's name with its direction before it, its suffix and its direction behind."""
    words = short_line(street).split()
    if before and words[:1] != short_line(before).split():
        street = f"{before} {street}"
    said = [part for part in (suffix, behind) if part]
    tail = [word for part in said for word in short_line(part).split()]
    if said and words[-len(tail) :] != tail:
        known = bool(suffix) and len(words) > 1 and words[-1:] == short_line(suffix).split()
        street = " ".join([street, *([behind] if known and behind else [] if known else said)])
    return street


def _is_unit(text: str | None) -> bool:
    """Whether a second line is a unit: "Apt 5", "#4", "4B", and not a town or whose care the post goes to."""
    return bool(text) and _UNIT.fullmatch(text or "") is not None


def _with_unit(street: str, unit: str | None) -> str:
    """The line with its unit, unless it has that already."""
    text = re.sub(r"^(\d+)\.0$", r"\1", unit or "")
    if text.lower() in _NO_UNIT:
        return street
    number = _BARE_UNIT.sub("", text, count=1).strip() if _NAMED_UNIT.match(text) else text
    if number and re.search(rf"(?:#|\b{_UNIT_WORD}\b\.?)\s*#?\s*{re.escape(number)}$", street, re.IGNORECASE):
        return street
    words = street.upper().replace(".", "").split()
    if len(words) > 2 and words[-1] == number.upper() and words[-2] not in _NUMBERED_ROADS:
        return street
    return f"{street} {text}" if _NAMED_UNIT.match(text) else f"{street} #{text}"
