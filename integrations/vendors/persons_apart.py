"""What tells two people of one first and last name apart: Jr, Sr, III and the middle names. Pure functions.

A phone that was bought for one must never be shown as the other's: whoever is in doubt is somebody else here.
"""

from __future__ import annotations

import re

from integrations.vendors import normalise, owners


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GENERATIONS = {
    "JR": "JR", "JUNIOR": "JR", "SR": "SR", "SENIOR": "SR", "II": "II", "2ND": "II", "III": "III", "3RD": "III",
    "IV": "IV", "4TH": "IV",
}  # fmt: skip
# What stands on a line beside a person's name and is not part of it, wherever it stands.
_ROLES = _words(
    "TRS TR TTEE TTEES TRUSTEE TRUSTEES COTR COTRS COTRUSTEE COTRUSTEES COTTEE COTTEES JT JTRS JTWROS ET AL ETAL ETALS "
    "UX VIR ETUX ETVIR HUSBAND WIFE DECD DECEASED ESQ MD DDS PHD MR MRS MS"
)
_COUPLE = re.compile(r"\bH\s?[&/]\s?W\b|\bW\s?[&/]\s?H\b|\s(?:C/O|ATTN)\b.*|%.*", re.IGNORECASE)
_HALVES = re.compile(r"[&+;/]|\bAND\b|\bET[\s-]?(?:UX|VIR)\b", re.IGNORECASE)
# Words of a line that names nobody: "CURRENT OCCUPANT", "NOT AVAILABLE", "CONFIDENTIAL RECORD", "FIRST BAPTIST".
_NOBODY = _words(
    "OCCUPANT OCCUPANTS RESIDENT CURRENT AVAILABLE CONFIDENTIAL WITHHELD NONE NULL NAN TBD UNNAMED UNASSIGNED EXEMPT "
    "REDACTED UNKNOWN UNAVAILABLE UNDISCLOSED RESTRICTED PROTECTED APPLICABLE TAXPAYER HOMEOWNER BAPTIST METHODIST "
    "LUTHERAN PRESBYTERIAN EPISCOPAL PENTECOSTAL"
)
# Words that name nobody where a line has no other.
_NOBODY_ALONE = _words(
    "THE OF NO NOT NAME NAMES OWNER OWNERS RECORD RECORDS TAX PAYER PROPERTY PRIVATE PUBLIC FILE "
    "PROVIDED LISTED GIVEN FOUND DETERMINED VARIOUS MULTIPLE FIRST LAST OCCUPIED"
)


def names_nobody(line: object) -> bool:
    """Whether a line, or a first and a last name, is empty or a placeholder: "Current Resident", "Tax Payer"."""
    return no_names(set(normalise.fold(line).split()))


def no_names(words: set[str]) -> bool:
    """Whether words in capitals name nobody."""
    return not words or bool(words & _NOBODY) or words <= _NOBODY_ALONE


def generation(word: str) -> str | None:
    """JR of Jr and Junior, II of II and 2nd; None where it is no such word. word: as `normalise.fold` spells it."""
    return _GENERATIONS.get(word)


def bare_name(value: object) -> str:
    """A first or last name in capitals without Jr, Sr, III."""
    return " ".join(word for word in normalise.fold(value).split() if word not in _GENERATIONS)


def marks(given: object, family: object, line: object = "") -> tuple[str, ...]:
    """What else is said of a person of this name, sorted: the generation, middle names and initials.

    line: the county's, in which she may stand with others: the part that has her given name is hers, and a generation
    anywhere on it. `("A", "JR")` of John Smith on "SMITH JOHN A JR & MARY". Two persons are one only where these are
    equal: an initial against none, or against a whole name, is somebody else.
    """
    first, *middle = bare_name(given).split() or [""]
    last = bare_name(family).split()
    found = set(middle) | _generations(given) | _generations(family)
    halves = [bare_name(half).split() for half in _HALVES.split(_COUPLE.sub("", normalise.text(line) or ""))]
    hers = next((half for half in halves if first in half), halves[0])
    found |= _generations(line) | (set(hers) - {first, *last, "".join(last)} - _ROLES)
    return tuple(sorted(found))


def _generations(value: object) -> set[str]:
    return {_GENERATIONS[word] for word in normalise.fold(value).split() if word in _GENERATIONS}


def agrees(found_first: object, found_last: object, wanted: tuple[str, ...]) -> bool:
    """Whether a person found may be the one with these marks: what the vendor says of her contradicts none of them.

    It need not repeat them: vendors leave Jr and middle names away. wanted: of `marks`.
    """
    told = _generations(found_first) | _generations(found_last)
    if told and told != {mark for mark in wanted if mark in _GENERATIONS.values()}:
        return False
    middle = bare_name(found_first).split()[1:]
    known = [mark for mark in wanted if mark not in _GENERATIONS.values()]
    return all(any(_same(name, mark) for mark in known) for name in middle) if known else True


def _same(one: str, other: str) -> bool:
    return one == other or (1 in (len(one), len(other)) and one[0] == other[0])


def owner_marks(line: object) -> list[tuple[str, ...]]:
    """Of each person of `owners.each_person`, the generation and initials that her key leaves away."""
    text = _COUPLE.sub("", normalise.text(line) or "")
    people = owners.each_person(text)
    halves = [half for part in _HALVES.split(text) if (half := normalise.fold(part).split())]
    if len(halves) != len(people):
        halves = [max(halves, key=lambda half: len(person.intersection(half)), default=[]) for person in people]
    return [_of_half(half, person) for half, person in zip(halves, people, strict=True)]


def _of_half(half: list[str], person: frozenset[str]) -> tuple[str, ...]:
    left = [_GENERATIONS.get(word, word) for word in half if word not in person]
    return tuple(sorted({word for word in left if len(word) == 1 or word in _GENERATIONS.values()}))
