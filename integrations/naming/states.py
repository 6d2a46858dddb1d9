"""The states and territories by code, name and FIPS number. Pure; the table is addfips's."""

from __future__ import annotations

import csv
from functools import lru_cache

from addfips import AddFIPS
from addfips.addfips import STATES


def _rows() -> list[dict[str, str]]:
    with AddFIPS.data.joinpath(STATES).open("rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


_ROWS = _rows()
FIPS = {row["postal"]: row["fips"] for row in _ROWS}  # "WA": "53"
CODE_OF_FIPS = {fips: code for code, fips in FIPS.items()}
NAMES = {row["name"].upper().replace(".", ""): row["postal"] for row in _ROWS}  # "NEW YORK": "NY"
NAME_OF = {code: name for name, code in NAMES.items()}
_OLD_CODES = {"WASH": "WA", "CALIF": "CA", "FLA": "FL", "TEX": "TX", "MASS": "MA", "PENN": "PA", "MICH": "MI"}
_KNOWN = {**NAMES, **_OLD_CODES, "WASHINGTON DC": "DC", "D C": "DC"}


@lru_cache(maxsize=1024)  # a file is of few states
def code(state: str) -> str:
    """A state's two letters from its code or its name in any case; two letters that are no state's stay. Empty where
    it is neither.
    """
    words = " ".join(state[:60].upper().replace(".", "").split())
    return _KNOWN.get(words) or (words if len(words) == 2 and words.isascii() and words.isalpha() else "")
