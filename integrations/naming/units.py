"""The unit of a street line in one spelling: USPS Publication 28, appendix C2. Pure.

Apt 5, Ste 5, Unit 5 and # 5 are one unit; Bldg 5, Lot 5 and Fl 5 are others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from integrations.naming.street_words import ANY_UNIT, OTHER_UNITS, SUFFIXES, UNITS_WITHOUT_NUMBER

_GLUED = re.compile(r"\b(APT|UNIT|STE|SUITE|BLDG|LOT|RM|SPC|FL|PH)(?=\d)")  # "APT5"
_FLOOR = re.compile(r"\b(\d{1,3})(?:ST|ND|RD|TH) (?:FL|FLR|FLOOR)\b")
_VALUE = re.compile(r"[A-Z0-9/-]*\d[A-Z0-9/-]*|[A-Z]{1,2}")
_COUNTED = re.compile(r"\d+(?:ST|ND|RD|TH)")  # 5th is a street's, not a unit's
_BOUNDARY = re.compile(r"(?<=\d)[ -](?=[A-Z])|(?<=[A-Z])[ -](?=\d)")
_ZEROS = re.compile(r"\b0+(?=\d)")


def is_value(word: str) -> bool:
    """5, 4B, B4, 1-23, A: what may stand after APT, or alone after a street's suffix."""
    return _VALUE.fullmatch(word) is not None and word not in SUFFIXES and not _COUNTED.fullmatch(word)


def spelling(words: Sequence[str]) -> str | None:
    """The words of a line's end as one unit ("5", "BLDG 2 5"), or None where they are none.

    1. A word such as APT is left out, BLDG and the like stay before their value, REAR and the like need none.
    2. Letters and digits that stand side by side are one value (4-B and 4 B are 4B); digits keep their hyphen.
    3. What stands before its value comes first: Apt 5 Bldg 2 is Bldg 2 Apt 5.
    """
    parted = _GLUED.sub(r"\1 ", _FLOOR.sub(r"FL \1", " ".join(words))).split()
    groups: list[tuple[str, list[str]]] = [("", [])]
    for at, word in enumerate(parted):
        following = parted[at + 1] if at + 1 < len(parted) else ""
        if word in ANY_UNIT:
            groups.append(("", []))
        elif (kind := OTHER_UNITS.get(word)) and following not in ANY_UNIT and is_value(following):
            groups.append((kind, []))
        elif word in UNITS_WITHOUT_NUMBER:
            groups[-1][1].append(UNITS_WITHOUT_NUMBER[word])
        elif is_value(word) or (word.isalpha() and len(word) == 3 and at and parted[at - 1] in ANY_UNIT):
            groups[-1][1].append(word)
        else:
            return None
    named = sorted(f"{kind} {_value(values)}" for kind, values in groups if kind)
    plain = [_value(values) for kind, values in groups if values and not kind]
    return " ".join(named + plain) or None


def _value(values: Sequence[str]) -> str:
    return _ZEROS.sub("", _BOUNDARY.sub("", " ".join(values)).replace(" ", "-"))
