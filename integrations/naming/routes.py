"""Numbered roads in one spelling: USPS Publication 28, appendix F. Pure.

A road becomes one word with its number ("CR_12"), so that its number is not read as a unit's.
"""

from __future__ import annotations

import re

from integrations.naming import states

_WAY = "(?:HIGHWAY|HIGHWY|HIWAY|HIWY|HWAY|HWY|ROUTE|RTE|RT)"
_ROAD = "(?:ROAD|RD)"
_BEFORE = (
    "^((?:(?:N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST|NORTHEAST|NORTHWEST|SOUTHEAST|SOUTHWEST|OLD|NEW|BUS|BUSINESS|ALT)"
    " )*)"
)
_NUMBER = r" ?(\d{1,5}[A-Z]?)(?= |$)"
_LETTER = r" (?!NE |NW |SE |SW |NE$|NW$|SE$|SW$)([A-Z]{1,2}\d?)(?= |$)"  # County Road KK, B2
_COUNTY = "(?:COUNTY|CNTY|CTY|CO)"
_STATE_NAMES = "|".join(sorted(states.NAMES, key=len, reverse=True))
_CODES = "|".join(sorted(set(states.FIPS) - {"CO", "CT", "NE"}))  # County, Court and Northeast
_SPACED_CODES = "|".join(f"{code[0]} ?{code[1]}" for code in _CODES.split("|"))  # N.C. Highway 5

_RULES = tuple(
    (re.compile(pattern), spelling)
    for pattern, spelling in (
        (f"{_BEFORE}(?:US|U S|USH)(?: {_WAY})?{_NUMBER}", r"\1US_\2"),
        (f"{_BEFORE}(?:INTERSTATE(?: {_WAY})?|IH|I H|I){_NUMBER}", r"\1I_\2"),
        (f"{_BEFORE}(?:(?:{_STATE_NAMES}|{_CODES}) )?(?:STATE|ST) (?:TRUNK )?(?:{_WAY}|{_ROAD}){_NUMBER}", r"\1SR_\2"),
        (f"{_BEFORE}(?:{_STATE_NAMES}|{_SPACED_CODES}|NYS) {_WAY}{_NUMBER}", r"\1SR_\2"),
        (f"{_BEFORE}(?:SR|S R|SH|STH|{_CODES}){_NUMBER}", r"\1SR_\2"),
        (rf"(\b){_COUNTY} (?:{_ROAD}|ROUTE|RTE|RT)(?:{_NUMBER}|{_LETTER})", r"\1CR_\2\3"),
        (rf"(\b){_COUNTY} (?:TRUNK )?(?:STATE AID )?{_WAY}(?:{_NUMBER}|{_LETTER})", r"\1CH_\2\3"),
        (f"{_BEFORE}(?:CR|C R)(?:{_NUMBER}|{_LETTER})", r"\1CR_\2\3"),
        (f"{_BEFORE}(?:CTH|CSAH)(?:{_NUMBER}|{_LETTER})", r"\1CH_\2\3"),
        (f"{_BEFORE}(?:FM|F M|FARM (?:TO )?MARKET)(?: (?:{_ROAD}|{_WAY}))?{_NUMBER}(?: {_ROAD}(?= |$))?", r"\1FM_\2"),
        (
            f"{_BEFORE}(?:RM|R M|RR|RANCH (?:TO )?MARKET|RANCH(?= {_ROAD} ))(?: {_ROAD})?{_NUMBER}(?: {_ROAD}(?= |$))?",
            r"\1RM_\2",
        ),
        (f"{_BEFORE}(?:(?:TOWNSHIP|TWP|TWSP|TOWN) (?:{_ROAD}|{_WAY})|TR){_NUMBER}", r"\1TR_\2"),
        (f"{_BEFORE}(?:PRIVATE {_ROAD}|PR){_NUMBER}", r"\1PR_\2"),
        (f"{_BEFORE}(?:FOREST (?:SERVICE )?{_ROAD}|FSR|FS){_NUMBER}", r"\1FR_\2"),
        (f"{_BEFORE}(PARK|PARISH|FARM|LEASE|RECREATIONAL|INDIAN) (?:{_ROAD}|{_WAY}){_NUMBER}", r"\1\2_RD_\3"),
        (f"{_BEFORE}(?:ROUTE|RTE|RT){_NUMBER}", r"\1RTE_\2"),
        (f"{_BEFORE}{_WAY}{_NUMBER}", r"\1HWY_\2"),
        (f"{_BEFORE}RURAL (?:{_ROAD}|{_WAY}){_NUMBER}", r"\1RR_\2"),
    )
)
# The kinds that people take for one another: their numbers alone make a possible match
LIKE = {"US": "HWY", "SR": "HWY", "I": "HWY", "RTE": "HWY", "CH": "CR", "RM": "FM", "RR": "FM"}
# Too common elsewhere to try every rule for them: St Rd 5, I 35, U S 1, S R 5, C R 5, F M 5, R M 5
FIRST_WORDS = frozenset({"ST", "I", "U", "S", "C", "F", "R"})
_ROUTE_WORDS = """
    US USH INTERSTATE IH STATE SR SH STH COUNTY CNTY CTY CO CR CTH CSAH FM FARM RM RR RANCH TOWNSHIP TWP TWSP TOWN TR
    PRIVATE PR FOREST FSR FS PARK PARISH LEASE RECREATIONAL INDIAN ROUTE RTE RT HIGHWAY HIGHWY HIWAY HIWY HWAY HWY
"""
WORDS = frozenset(_ROUTE_WORDS.split()) | frozenset(_CODES.split("|"))
_WITH_NUMBER = re.compile(rf" \d|\b(?:{_COUNTY} |CR |CTH )")


def joined(line: str) -> str:
    """The rest of a street line with its numbered road, if it has one, as one word."""
    if not _WITH_NUMBER.search(line):
        return line
    for pattern, spelling in _RULES:
        line, found = pattern.subn(spelling, line, count=1)
        if found:
            return line
    return line


def possible(word: str) -> str:
    """What a road's word shares with the other spellings of its number: "SR_5" and "US_5" are both "HWY_5"."""
    kind, mark, number = word.partition("_")
    return f"{LIKE.get(kind, kind)}_{number}" if mark else word
