"""Texts with variables: `Hi {{firstName|there}}`. One pass: values are never read as templates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from typing import Final

from integrations.vendors import owners

VARIABLES: Final = (
    "firstName", "lastName", "fullName", "address", "city", "state", "zip", "county", "propertyType",
    "agentName", "agentPhone", "companyName", "companyAddress", "unsubscribeUrl",
)  # fmt: skip
SAMPLE: Final = {
    "firstName": "Maria", "lastName": "Santiago", "fullName": "Maria Santiago", "address": "1200 E Fillmore St",
    "city": "Phoenix", "state": "AZ", "zip": "85004", "county": "Maricopa", "propertyType": "house",
    "agentName": "Jane", "agentPhone": "(602) 555-0100", "companyName": "Desert Home Buyers",
    "companyAddress": "1 N 1st St, Phoenix, AZ 85004", "unsubscribeUrl": "https://example.com/u/…",
}  # fmt: skip

MOST_DEFAULT, MOST_VALUE = 40, 80  # characters
BRACES: Final = re.compile(r"[{}]+")
VARIABLE: Final = re.compile(r"\{\{\s*([a-zA-Z][a-zA-Z0-9]*)\s*(?:\|([^{}]*))?\}\}")
SNIPPET: Final = re.compile(r"\{\{\s*snippet:([A-Za-z0-9_-]{1,60})\s*\}\}")
STYLE_SHEET: Final = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.IGNORECASE | re.DOTALL)
HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})  # control, bidi marks and zero width, private, unassigned
PROPERTY_TYPES: Final = {
    "SFR": "house", "MFR": "multi-family property", "CONDO": "condo", "LAND": "land", "MOBILE": "mobile home",
    "OTHER": "",
}  # fmt: skip
PART: Final = re.compile(r"(\d+[^\W\d_]+)|([^\W\d_]+(?:['’][^\W\d_]+)?)")  # 1ST; O'NEIL
SMALL: Final = frozenset({"of", "the", "and", "at", "de", "la", "del", "van", "von"})
DIRECTIONS: Final = frozenset({"N", "S", "E", "W", "NE", "NW", "SE", "SW", "PO", "US", "II", "III", "IV"})


class BadTemplate(ValueError):
    """The text is no template. position: of its first wrong character, from 0; words: for who wrote it."""

    def __init__(self, position: int, words: str) -> None:
        super().__init__(words)
        self.position = position
        self.words = words


@dataclass(frozen=True, slots=True)
class Template:
    """pieces: plain texts, and (name, default) of each variable; default None: a value is needed."""

    text: str
    pieces: tuple[str | tuple[str, str | None], ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names, sorted, once each."""
        return tuple(sorted({piece[0] for piece in self.pieces if not isinstance(piece, str)}))


@dataclass(frozen=True, slots=True)
class Missing:
    """Variables without value or default, sorted: this person is left out."""

    names: tuple[str, ...]


def parse(text: str, *, html: bool = False) -> Template:
    """Raises BadTemplate: an unknown or mis-cased name, `{{{`, `{{#`, `{x}`, lone braces, a default of over 40
    characters, nothing at all, or characters that no message can carry. html: the braces of its style sheets are none
    of variables.
    """
    if not text.strip():
        raise BadTemplate(0, "Enter a text.")
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs", "Cn") and character not in "\n\t\r":
            raise BadTemplate(position, f"Character {position + 1} (U+{ord(character):04X}) cannot be sent.")
    pieces: list[str | tuple[str, str | None]] = []
    start = 0
    sheets = [found.span() for found in STYLE_SHEET.finditer(text)] if html else []
    position = 0
    while (braces := BRACES.search(text, position)) is not None:
        if sheet := next((span for span in sheets if span[0] <= braces.start() < span[1]), None):
            position = sheet[1]
            continue
        found = VARIABLE.match(text, braces.start())
        if found is None or text[found.end() : found.end() + 1] == "}":
            raise BadTemplate(braces.start(), _wrong_braces(text, braces.start()))
        if braces.start() > start:
            pieces.append(text[start : braces.start()])
        pieces.append((_name(found), _default(found)))
        start = position = found.end()
    if start < len(text):
        pieces.append(text[start:])
    return Template(text, tuple(pieces))


def with_snippets(text: str, snippets: Mapping[str, str]) -> str:
    """The text with `{{snippet:name}}` replaced: a snippet holds none itself. snippets: texts by name. Raises
    BadTemplate: there is none of this name.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name in snippets:
            return snippets[name]
        close = get_close_matches(name.casefold(), list(snippets), 1, 0.7)
        hint = f"did you mean {{{{snippet:{close[0]}}}}}?" if close else _there_are(snippets)
        raise BadTemplate(found.start(), f'Your company has no snippet "{name}"; {hint}')

    return SNIPPET.sub(replaced, text)


def _there_are(snippets: Mapping[str, str]) -> str:
    return f"there are {', '.join(sorted(snippets)[:20])}." if snippets else "it has none yet: add one under Snippets."


def without_snippets(text: str) -> str:
    """The text with as many plain characters in place of each snippet: what is wrong beside them keeps its place."""
    return SNIPPET.sub(lambda found: "x" * len(found[0]), text)


def render(template: Template, values: Mapping[str, str], *, html: bool = False) -> str | Missing:
    """The text for one person. values: as `values_of` makes them; '' is no value. html: values are escaped."""
    missing = {
        piece[0]
        for piece in template.pieces
        if not isinstance(piece, str) and piece[1] is None and not values.get(piece[0])
    }
    if missing:
        return Missing(tuple(sorted(missing)))
    return "".join(
        piece
        if isinstance(piece, str)
        else (escape(values.get(piece[0]) or piece[1] or "") if html else values.get(piece[0]) or piece[1] or "")
        for piece in template.pieces
    )


def _name(found: re.Match[str]) -> str:
    name = found[1]
    if name in VARIABLES:
        return name
    close = get_close_matches(name.casefold(), [known.casefold() for known in VARIABLES], 1, 0.7)
    meant = [known for known in VARIABLES if close and known.casefold() == close[0]]
    hint = f"did you mean {{{{{meant[0]}}}}}?" if meant else f"there are {', '.join(VARIABLES)}."
    raise BadTemplate(found.start(), f'"{{{{{name}}}}}" is no variable; {hint}')


def _default(found: re.Match[str]) -> str | None:
    default = found[2]
    if default is None:
        return None
    if not default.strip():
        raise BadTemplate(found.start(2), f"Enter what to write where {found[1]} is unknown, or leave out the |.")
    if len(default.strip()) > MOST_DEFAULT:
        raise BadTemplate(found.start(2), f"A default has at most {MOST_DEFAULT} characters.")
    return default.strip()


def _wrong_braces(text: str, position: int) -> str:
    shown = text[position : position + 12].split("\n")[0]
    where = f"At character {position + 1}, “{shown}”"
    if text.startswith("{{{", position):
        return f"{where}: a variable has two braces, {{{{firstName}}}}."
    if re.match(r"\{\{\s*snippet", text[position:], re.IGNORECASE):
        return f"{where}: a snippet cannot stand here. It is {{{{snippet:name}}}}, in the text of a template."
    if re.match(r"\{\{\s*[#/^>&!]", text[position:]):
        return f"{where}: sections and partials are not known here, only variables."
    if text.startswith("{{", position):
        return f"{where}: a variable is {{{{firstName}}}}, or {{{{firstName|there}}}} with a default."
    return f"{where}: braces stand around variables only, two on each side."


@dataclass(frozen=True, slots=True)
class Person:
    """What a lead's row says, as it stands there; '' where it says nothing. owner_type: individual, llc, trust, …"""

    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    owner_type: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    county: str = ""
    property_type: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """In whose name: the Seller's, and the agent's."""

    name: str = ""
    address: str = ""
    agent_name: str = ""
    agent_phone: str = ""


def values_of(person: Person, company: Company, *, unsubscribe_url: str = "") -> dict[str, str]:
    """Clean values by variable: no control or bidi characters, at most 80 characters, SMITH as Smith. A company is
    nobody's first or last name. '' where there is none.
    """
    is_company = is_a_company(person)
    return {
        "firstName": "" if is_company else _titled(_clean(person.first_name)),
        "lastName": "" if is_company else _titled(_clean(person.last_name)),
        "fullName": _clean(person.full_name) if is_company else _titled(_clean(person.full_name)),
        "address": _titled(_clean(person.address)),
        "city": _titled(_clean(person.city)),
        "state": _clean(person.state).upper(),
        "zip": _clean(person.zip)[:5],
        "county": _titled(_clean(person.county)),
        "propertyType": PROPERTY_TYPES.get(person.property_type, _clean(person.property_type)),
        "agentName": _clean(company.agent_name),
        "agentPhone": _NANP.sub(r"(\1) \2-\3", _clean(company.agent_phone)),
        "companyName": _clean(company.name),
        "companyAddress": _clean(company.address, 300),
        "unsubscribeUrl": unsubscribe_url,
    }


_NANP: Final = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")  # written as Americans do: (617) 555-0100


def is_a_company(person: Person) -> bool:
    """Whether the owner is none that has a first name: by its type, or by the words of its name."""
    if person.owner_type and person.owner_type.casefold() != "individual":
        return True
    return any(owners.is_company(name) for name in (person.full_name, person.first_name, person.last_name) if name)


def _clean(value: str, most: int = MOST_VALUE) -> str:
    if value.isascii() and value.isprintable():
        return " ".join(value.split())[:most].strip()
    spaced = "".join(" " if character in "\r\n\t\v\f\u2028\u2029" else character for character in value)
    seen = "".join(character for character in spaced if unicodedata.category(character) not in HIDDEN)
    return " ".join(seen.split())[:most].strip()


def _titled(value: str) -> str:
    """SMITH-JONES as Smith-Jones, MCDONALD as Mcdonald; as it is where somebody wrote small letters."""
    if not value.isupper():
        return value
    return " ".join(_word(word, position) for position, word in enumerate(value.split()))


def _word(word: str, position: int) -> str:
    if word in DIRECTIONS:
        return word
    if position and word.casefold() in SMALL:
        return word.casefold()
    return PART.sub(lambda part: part[0].lower() if part[1] else _letters(part[2]), word)


def _letters(word: str) -> str:
    """O'NEIL as O'Neil, DAVID'S as David's."""
    head, mark, tail = word.partition("'" if "'" in word else "’")
    return head.capitalize() + mark + (tail.capitalize() if len(tail) > 1 else tail.lower())
