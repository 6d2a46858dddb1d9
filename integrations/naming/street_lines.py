"""A street line in one spelling: house, direction, street, suffix, direction, unit. Pure.

By USPS Publication 28. Lines of these parts are read here; what has other words after its suffix is read by usaddress,
a trained model, which costs twenty times as much.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import usaddress

from integrations.naming import house_numbers, routes, states, units
from integrations.naming.street_words import (
    ANY_UNIT,
    COUNTED,
    DIRECTIONS,
    NAME_WORDS,
    NO_IS_A_NAME_BEFORE,
    NUMBERED,
    ORDINALS_BELOW_TEN,
    SUFFIXES,
    TENS,
    UNIT_ALONE,
    UNIT_WORDS,
    WITHOUT_SUFFIX,
    ordinal,
)

_SHORT_DIRECTIONS = frozenset(DIRECTIONS.values())
STREETS_KEPT = 2**14  # of a file: the houses of a street share its line; 16,384 take 8 MB


class Street(NamedTuple):
    """A line without its house. line: with the unit ("N OAK ST #4"). core: what streets that may be the same share,
    without spaces. name: without directions, suffix and unit.
    """

    line: str
    core: str
    name: str


class Line(NamedTuple):
    """exact: two lines with it are one address. possible: two lines with it may be: the house and the street's core."""

    exact: str
    possible: str


def read(street: str) -> Line | None:
    """A street line in one spelling, or None where it names no house; see `house_numbers.problem`."""
    parts = house_numbers.split(house_numbers.folded(street))
    if parts is None:
        return None
    house, rest = _with_letter(*parts)
    line, core, _ = _street(rest)
    return Line(f"{house} {line}", f"{_first(house) if '-' in house else house} {core}")


def house_and_unit(street: str) -> tuple[str, str]:
    """The house number of a street line and its unit, each in one spelling; "" where it has none."""
    parts = house_numbers.split(house_numbers.folded(street))
    if parts is None:
        return "", ""
    house, rest = _with_letter(*parts)
    return house, _street(rest).line.partition(" #")[2]


def _with_letter(house: str, rest: str) -> tuple[str, str]:
    """12 A Oak St is house 12A, but 12 A St is on A Street."""
    if rest[1:2] == " " and rest[0] in "ABC" and house.isdigit():
        words = rest.split(" ", 3)
        if len(words) > 2 and len(words[1]) > 1 and words[1].isalpha() and not _LETTERS_STREET.issuperset(words[1:2]):
            return house + rest[0], rest[2:]
    return house, rest


def _first(house: str) -> str:
    """12 of the range 12-14; a number of Queens, as 112-10, is one house's."""
    first, _, last = house.partition("-")
    if not (first.isdigit() and last.isdigit() and len(first) == len(last)):
        return house
    return first if 0 < int(last) - int(first) <= MOST_OF_RANGE and (int(last) - int(first)) % 2 == 0 else house


_LETTERS_STREET = frozenset({*SUFFIXES, *DIRECTIONS, *UNIT_WORDS})
MOST_OF_RANGE = 10  # house numbers


def without_place(street: str, city: str, region: str, zip_code: str) -> str:
    """The line without the record's own city, and its state and ZIP, at its end: "100 Willow Court, Ashby" of Ashby.

    city, region, zip_code: of the record. Without a comma, a city ends the line only after a street with its suffix.
    """
    town = house_numbers.folded(city).split()
    words = house_numbers.folded(street).split()
    end = len(words)
    if end and (words[end - 1] == zip_code or words[end - 1].startswith(f"{zip_code}-")):
        end -= 1
    for tail in ([region], states.NAME_OF.get(region, "").split()):
        if tail and words[end - len(tail) : end] == tail:
            end -= len(tail)
            break
    while end and words[end - 1] == ",":
        end -= 1
    start = end - len(town)
    if not town or start < 3 or words[start:end] != town:
        return street
    by_comma = words[start - 1] == ","
    return " ".join(words[: start - by_comma]) if by_comma or _ends_street(words[1:start], start - 1) else street


def name_and_directions(street: str) -> tuple[str, frozenset[str]]:
    """The street of a line without its directions, suffix and unit, and its directions; "" where it names no house."""
    parts = house_numbers.split(house_numbers.folded(street))
    if parts is None:
        return "", frozenset()
    _, rest = _with_letter(*parts)
    line, _, name = _street(rest)
    beside = set(line.partition(" #")[0].split()) - set(name.split())
    return name, frozenset(beside & _SHORT_DIRECTIONS)


@lru_cache(maxsize=STREETS_KEPT)
def _street(rest: str) -> Street:
    """What follows the house number.

    1. After a comma, and from a word such as APT on: the unit.
    2. A numbered road is one word from here on.
    3. A value after the suffix is a unit too.
    4. Where other words follow the suffix, usaddress says which of them are the unit.
    """
    words, unit = _without_unit(rest)
    if words[0] in routes.FIRST_WORDS or not routes.WORDS.isdisjoint(words):
        words = routes.joined(" ".join(words)).split()
    if not unit:
        words, unit = _without_bare_unit(words)
    if not unit and _is_odd(words):
        words, unit = _by_model(words)
    return _spelled(words, unit)


_CITY = re.compile(rf"[A-Z ]+(?:, )?\b(?:{'|'.join(states.FIPS)})(?: ,)?(?: \d{{5}}(?:-\d{{4}})?)?")

# --- The unit --------------------------------------------------------------------------------------------------------


def _without_unit(rest: str) -> tuple[list[str], str]:
    head, comma, tail = rest.partition(" ,")
    words = head.split()
    if comma:
        before, first = _without_unit(head)
        after = [word for word in tail.split() if word != ","]
        if unit := units.spelling(after):
            return before, f"{first} {unit}".lstrip()
        if _CITY.fullmatch(tail) and (first or _ends_street(before, len(before))):
            return before, first
        words += after
    if UNIT_WORDS.isdisjoint(words):
        return words, ""
    if len(words) > 2 and words[-1] in UNIT_ALONE and _ends_street(words, len(words) - 1):
        return words[:-1], ""  # "12 Main St Apt", of a column without a number
    for at in range(1, len(words)):
        if words[at] in UNIT_WORDS and _may_begin_unit(words, at) and (unit := units.spelling(words[at:])):
            return words[:at], unit
    return words, ""


def _may_begin_unit(words: list[str], at: int) -> bool:
    """A word without a number, as REAR, is a unit after a suffix only; before, it may be the street's name."""
    if words[at] == "#":
        return True
    return len(words) > at + 1 or (words[at] not in ANY_UNIT and _ends_street(words, at))


def _ends_street(words: list[str], end: int) -> bool:
    """Whether words[:end] are a street with its suffix, so that what follows is no part of it."""
    last = end - 1
    if last >= 2 and words[last] in DIRECTIONS:
        last -= 1
    if last >= 0 and ("_" in words[last] or words[last] in WITHOUT_SUFFIX):
        return True
    if words[last] not in SUFFIXES:
        return False
    if SUFFIXES[words[last]] in NUMBERED and all(word in DIRECTIONS for word in words[:last]):
        return False  # N E Loop 410
    name = words[1:last] if words[0] in DIRECTIONS else words[:last]
    return bool(name) or (last == 1 and SUFFIXES[words[1]] == "ST")  # E St, but Yuma's S Avenue 3


def _without_bare_unit(words: list[str]) -> tuple[list[str], str]:
    for at in (len(words) - 1, len(words) - 2):
        if at >= 1 and words[at] not in DIRECTIONS and units.is_value(words[at]) and _ends_street(words, at):
            if "_" in words[at - 1] and not words[at].isdigit():
                break  # "CR 12 A" may be the road CR 12A
            return words[:at], units.spelling(words[at:]) or ""
    return words, ""


# --- The street ------------------------------------------------------------------------------------------------------


def _spelled(words: list[str], unit: str) -> Street:
    """Direction, name, suffix and direction in USPS's short words.

    "14 E St" is E Street and "1 Avenue E" Avenue E: a direction without another name is the name, as it is written.
    """
    before = after = suffix = ""
    words = _with_initials_joined(words)
    only_type = _has_only_type(words)
    if len(words) > 1 and words[-1] in DIRECTIONS and not only_type:
        after = DIRECTIONS[words[-1]]
        words = words[:-1]
    if len(words) > 1 and words[-1] in SUFFIXES:
        suffix = SUFFIXES[words[-1]]
        words = words[:-1]
    if len(words) > 1 and words[0] in DIRECTIONS and not only_type and not _is_name(words):
        before = DIRECTIONS[words[0]]
        words = words[1:]
    name = _name(words, suffix)
    line = " ".join(part for part in (before, name, suffix, after) if part).replace("_", " ")
    if "_" in name:
        core = " ".join(map(routes.possible, name.split()))
    else:  # La Salle and LaSalle, East St and E St
        core = DIRECTIONS.get(name, name).replace(" ", "").replace("CENTRE", "CENTER")
    return Street(f"{line} #{unit}" if unit else line, core, name.replace("_", " "))


_FULL_NS, _FULL_EW = frozenset({"NORTH", "SOUTH"}), frozenset({"EAST", "WEST"})
_NS, _EW = frozenset({"N", "S"}), frozenset({"E", "W"})
_JOINED = frozenset({"O", "MC"})  # O Neil, Mc Donald
_THREE_INITIALS = re.compile(r"\b[A-Z](?: [A-Z]){2,}\b")  # J F K Blvd
_KING = re.compile(r"\b(?:(?:DR|DOCTOR|REV) )?(?:MARTIN LUTHER KING|M ?L ?KING|MLK)(?: (?:JR|JUNIOR))?\b")


def _with_initials_joined(words: list[str]) -> list[str]:
    """N W 5th St and North West 5th St are NW 5th St, but N W St is W Street's north."""
    for at in (0, -2):
        if len(words) > 3 and words[at] in _FULL_NS and words[at + 1] in _FULL_EW:
            words = [*words]
            words[at], words[at + 1] = words[at][0], words[at + 1][0]
    if len(words) > 2 and words[-1] in _EW and words[-2] in _NS:
        words = [*words[:-2], words[-2] + words[-1]]
    if len(words) > 2 and words[0] in _NS and words[1] in _EW and (len(words) > 3 or words[2] not in SUFFIXES):
        words = [words[0] + words[1], *words[2:]]
    return words


def _has_only_type(words: list[str]) -> bool:
    """Whether directions are the name, there being none but the type: Avenue E, N Avenue E, E N. But E St NW and
    E Ave NW have a name, E.
    """
    if words[-1] not in DIRECTIONS or not 1 < len(words) < 4:
        return False
    if words[-2] not in SUFFIXES:
        return all(word in DIRECTIONS for word in words)
    one_letter = len(DIRECTIONS[words[-1]]) == 1 and SUFFIXES[words[-2]] != "ST"
    return len(words) == 2 or (one_letter and words[0] in DIRECTIONS)


def _is_name(words: list[str]) -> bool:
    """Whether NO or SO before a street's name belongs to it: No Name Rd, No 5 Rd."""
    return words[0] in ("NO", "SO") and (words[1] in NO_IS_A_NAME_BEFORE or words[1].isdigit())


def _name(words: list[str], suffix: str) -> str:
    if len(words) == 1:
        word = words[0]
        if word.isdigit() and suffix in COUNTED and len(word) < 4 and int(word):
            return ordinal(int(word))
        return NAME_WORDS.get(word, word)
    spelled: list[str] = []
    for at, (word, following) in enumerate(zip(words, [*words[1:], ""], strict=True)):
        if word == "ST" and (suffix or not at) and _is_saints(following):
            spelled.append("SAINT")
        elif spelled and spelled[-1] in _JOINED and len(word) > 2 and word.isalpha() and word not in SUFFIXES:
            spelled[-1] += word
        elif spelled and spelled[-1] in TENS and word in ORDINALS_BELOW_TEN:
            spelled[-1] = ordinal(TENS[spelled[-1]] + ORDINALS_BELOW_TEN[word])
        else:
            spelled.append(NAME_WORDS.get(word, word))
    name = _THREE_INITIALS.sub(lambda found: found[0].replace(" ", ""), " ".join(spelled))
    return _KING.sub("MARTIN LUTHER KING", name) if "KING" in name or "MLK" in name else name


def _is_saints(word: str) -> bool:
    """Whether ST before this word is Saint: St Charles Ave, but Main St Ext."""
    return len(word) > 1 and word.isalpha() and word not in SUFFIXES


# --- What the rules do not read --------------------------------------------------------------------------------------

_PLACE_LABELS = frozenset({"PlaceName", "StateName", "ZipCode"})
_UNIT_LABELS = frozenset({"OccupancyType", "OccupancyIdentifier", "SubaddressType", "SubaddressIdentifier"})


def _is_odd(words: list[str]) -> bool:
    """Whether words that are no direction follow what may be the suffix: "Main St Upstairs Left"."""
    if len(words) < 3 or words[-1] in SUFFIXES or words[-1] in DIRECTIONS or "_" in words[-1]:
        return False
    return any(word in SUFFIXES for word in words[1:-1])


def _by_model(words: list[str]) -> tuple[list[str], str]:
    """The street and its unit, without the city that stands before a state and a ZIP."""
    labels = [label for _, label in usaddress.parse("1 " + " ".join(words))][1:]
    if len(labels) != len(words):
        return words, ""
    end = len(words)
    if labels[-2:] == ["StateName", "ZipCode"]:
        while end > 1 and labels[end - 1] in _PLACE_LABELS:
            end -= 1
    at = end
    while at > 1 and labels[at - 1] in _UNIT_LABELS:
        at -= 1
    unit = units.spelling(words[at:end]) if at < end else None
    if unit or (end < len(words) and _ends_street(words, end)):
        return words[:at], unit or ""
    return words, ""
