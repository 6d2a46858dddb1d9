"""Words of a search that a lead may have in another spelling: streets, units, ordinals, states, d'Alene. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from integrations.naming import states
from integrations.naming.street_words import NAME_WORDS, SUFFIXES

_SAME = (
    ("st", "street", "str", "strt"), ("st", "saint"), ("apt", "apartment", "unit", "ste", "suite"),
    ("jr", "junior"), ("sr", "senior"),
    ("n", "north"), ("s", "south"), ("e", "east"), ("w", "west"), ("ne", "northeast"), ("nw", "northwest"),
    ("se", "southeast"), ("sw", "southwest"),
)  # fmt: skip
_UNITS = frozenset({"apt", "apartment", "unit", "ste", "suite", "no", "number"})
_APOSTROPHE = re.compile(r"([DOL])['’‘`´ʼ](\w{2,})", re.IGNORECASE)
_ZIP4 = re.compile(r"(\d{5})-\d{4}", re.ASCII)
# "APN 0012-003-04", "Parcel no.: 12-3": the word is in no lead
_PARCEL = re.compile(r"(?:APN|PARCEL)\b\s*(?:NO|NUMBER|NUM|ID|#)?\b[\s.:#]*(?=\S*\d)", re.IGNORECASE)


def _spellings() -> dict[str, set[str]]:
    """Of a word all its spellings, itself among them: "fifth" and "5th", "blvd", "blv" and "boulevard"."""
    groups: dict[str, set[str]] = {}
    for table in (SUFFIXES, NAME_WORDS):
        for variant, short in table.items():
            if " " not in variant + short and {variant, short}.isdisjoint({"ST", "STE"}):
                groups.setdefault(short.lower(), {short.lower()}).add(variant.lower())
    found: dict[str, set[str]] = {}
    for group in [*groups.values(), *map(set, _SAME)]:
        for word in group:
            found.setdefault(word, set()).update(group)
    return found


SPELLINGS = _spellings()
_STATES = {tuple(name.lower().split()): code.lower() for name, code in states.NAMES.items()}
_LONGEST_STATE = max(map(len, _STATES))


@dataclass(frozen=True, slots=True)
class Said:
    """A word as it was typed, or several that mean one thing. parts: what it is made of as `search` has words.

    also: other words that mean the same, each of them all needed.
    """

    text: str
    parts: tuple[str, ...]
    also: tuple[tuple[str, ...], ...] = ()


def without_label(text: str) -> str:
    """Without the word APN before a parcel's number."""
    return _PARCEL.sub("", text, count=1) if _PARCEL.match(text) else text


def meanings(said: Sequence[tuple[str, Sequence[str]]]) -> list[Said]:
    """The words of a search, by (as typed, its parts), those that say nothing left out.

    1. A state's name, also of several words, is its two letters too.
    2. The word before a unit's number and "County" behind a name say nothing beside others.
    3. d Alene, d'Alene and dalene are one; the last four digits of a ZIP+4 need not be known.
    """
    return list(_meanings([Said(text, tuple(parts)) for text, parts in said if parts or "@" in text]))


def _meanings(words: Sequence[Said]) -> Iterator[Said]:
    at = 0
    while at < len(words):
        taken, meant = _state(words[at:]) or _with_next(words[at:]) or (1, _alone(words, at))
        at += taken
        if meant is not None:
            yield meant


def _joined(words: Iterable[Said], *also: tuple[str, ...]) -> Said:
    words = list(words)
    return Said(" ".join(word.text for word in words), tuple(part for word in words for part in word.parts), also)


def _state(words: Sequence[Said]) -> tuple[int, Said] | None:
    for many in range(min(_LONGEST_STATE, len(words)), 0, -1):
        of = words[:many]
        if code := _STATES.get(tuple(part for word in of for part in word.parts)):
            return many, _joined(of, (code,))
    return None


def _with_next(words: Sequence[Said]) -> tuple[int, Said] | None:
    """d Alene: the letter and the word behind it."""
    if len(words) > 1 and words[0].parts in (("d",), ("o",), ("l",)) and len(words[1].parts) == 1:
        name = words[1].parts[0]
        if name.isalpha() and len(name) > 1:
            return 2, _joined(words[:2], (words[0].parts[0] + name,))
    return None


def _alone(words: Sequence[Said], at: int) -> Said | None:
    word = words[at]
    if len(word.parts) == 1 and len(words) > 2 and at:
        (plain,) = word.parts
        following = words[at + 1].parts[:1] if at + 1 < len(words) else ()
        if plain in _UNITS and following and (following[0][:1].isdigit() or len(following[0]) == 1):
            return None
    if word.parts == ("county",) and at and words[at - 1].parts[-1:] and words[at - 1].parts[-1].isalpha():
        return None
    if split := _APOSTROPHE.fullmatch(word.text):
        return Said(word.text, word.parts, ((split[1].lower(), split[2].lower()),))
    if zip4 := _ZIP4.fullmatch(word.text):
        return Said(word.text, word.parts, ((zip4[1],),))
    return word
