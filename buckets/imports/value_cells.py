"""What a cell says of the house, the sale and the lead itself: money, counts, dates, marks, tags, notes. Pure.

Each gives text as `leads.facts.incoming` saves it (money in whole dollars), or None where the cell cannot be read.
"""

from __future__ import annotations

import re
from decimal import Decimal

from buckets.imports import damage
from buckets.imports.null_words import text_of
from integrations.vendors import normalise

_MONEY = re.compile(
    r"(?P<minus>-?)(?:USD?)?\s*\$?\s*(?P<also>-?)(?P<number>\d[\d,]*(?:\.\d+)?|\.\d+)\s*(?P<unit>[kmb]|mm|thousand|million)?"
    r"\s*(?:USD|dollars)?",
    re.IGNORECASE,
)
_WHOLE_DOLLARS = re.compile(r"\$?(?:\d{1,3}(?:,\d{3}){0,3}|\d{1,12})", re.ASCII)  # most are written so
_TIMES = {"k": 10**3, "thousand": 10**3, "m": 10**6, "mm": 10**6, "million": 10**6, "b": 10**9}
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+", re.ASCII)
_MONEY_MOST = 10**13
_UNITS = re.compile(
    r"\s*(?:sq\.?\s*\.?\s*f(?:ee|oo)?t\.?|square\s+feet|s\.?f\.?|bed(?:room)?s?|brs?|bds?|full|bath(?:room)?s?|bas?)\.?$",
    re.IGNORECASE,
)
_HALF = re.compile(r"(\d{1,3})(?:\s+|\s*-\s*)?(?:1/2|½)")
_PERCENT_MOST = 10**6 - 1
TAG_MAX = 50  # characters: leads.Tag
TAGS_MOST = 50  # of one row
NOTES_MAX = 2000  # characters: leads.Activity


def money(value: str) -> str | None:
    """Whole US dollars, "1234": of $1,234.50, (1,234), 450K, 1.2M."""
    text = value.strip()
    if _WHOLE_DOLLARS.fullmatch(text):
        return text.removeprefix("$").replace(",", "").lstrip("0") or "0"
    below = text.startswith("(") and text.endswith(")")
    found = _MONEY.fullmatch(text.strip("()").strip())
    if found is None or not _GROUPED.fullmatch(found["number"]):
        return None
    amount = Decimal(found["number"].replace(",", "")) * _TIMES.get((found["unit"] or "").lower(), 1)
    if below or found["minus"] or found["also"]:
        amount = -amount
    whole = normalise.integer(amount, least=-_MONEY_MOST, most=_MONEY_MOST)
    return None if whole is None else str(whole)


def price(value: str) -> str | None:
    """Money of which there cannot be less than none."""
    amount = money(value)
    return None if amount is None or amount.startswith("-") else amount


def _plain(value: str) -> str | None:
    """A number without its thousands' commas and its unit."""
    text = _UNITS.sub("", value.strip())
    return text.replace(",", "") if _GROUPED.fullmatch(text) else None


def bedrooms(value: str) -> str | None:
    return "0" if value.casefold() == "studio" else _whole(value, most=1000)


def square_feet(value: str) -> str | None:
    return _whole(value, most=normalise.INT_MAX)


def _whole(value: str, *, most: int) -> str | None:
    """A whole number; "3.0" is one, "2.5" is none."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return str(int(value)) if int(value) <= most else None
    plain = _plain(value)
    if plain is None or Decimal(plain) != Decimal(plain).to_integral_value():
        return None
    number = normalise.integer(plain, most=most)
    return None if number is None else str(number)


def bathrooms(value: str) -> str | None:
    """Of 2.5, "2 1/2", "2.5 baths"."""
    text = _UNITS.sub("", value.strip())
    if half := _HALF.fullmatch(text):
        return f"{int(half[1])}.5"
    return normalise.decimal(_plain(text), least=0, most=999, places=2)


def year(value: str) -> str | None:
    """A year, or that of a date."""
    digits = damage.whole(value)
    if re.fullmatch(r"\d{4}", digits, re.ASCII):
        return digits if 1600 <= int(digits) <= 2100 else None
    day = damage.iso_date(value) if damage.looks_like_date(value) else None
    return day[:4] if day else None


def percent(value: str) -> str | None:
    """45 of "45%", "45.0" and of a spreadsheet's 0.45."""
    sign = value.rstrip().endswith("%")
    plain = _plain_signed(value.rstrip(" %"))
    if plain is None:
        return None
    number = Decimal(plain)
    if not sign and 0 < abs(number) < 1:
        number *= 100
    return normalise.decimal(number, least=-_PERCENT_MOST, most=_PERCENT_MOST, places=2)


def _plain_signed(value: str) -> str | None:
    text = value.strip()
    below = text.startswith("-") or (text.startswith("(") and text.endswith(")"))
    plain = _plain(text.strip("()").removeprefix("-"))
    return f"-{plain}" if plain is not None and below else plain


def latitude(value: str) -> str | None:
    return normalise.decimal(value.rstrip("° Nn"), least=-90, most=90, places=7)


def longitude(value: str) -> str | None:
    return normalise.decimal(value.rstrip("° "), least=-180, most=180, places=7)


# --- Marks and words --------------------------------------------------------------------------------------------------

_OCCUPIED = {"owner occupied": True, "owner": True, "owneroccupied": True, "absentee": False, "absentee owner": False,
             "non owner occupied": False, "not owner occupied": False, "tenant": False, "tenant occupied": False,
             "rented": False, "renter": False, "rental": False}  # fmt: skip
_VACANT = {"vacant": True, "occupied": False, "not vacant": False, "owner occupied": False, "tenant occupied": False}
_TICK = frozenset({"x", "✓", "✔", "1.0", "on"})


def _flag(value: str, words: dict[str, bool]) -> bool | None:
    word = " ".join(value.casefold().replace("-", " ").split())
    if word in words:
        return words[word]
    return True if word in _TICK else False if word in ("0.0", "off") else normalise.boolean(word)


def owner_occupied(value: str) -> bool | None:
    return _flag(value, _OCCUPIED)


def absentee(value: str) -> bool | None:
    """Whether the owner lives elsewhere."""
    word = " ".join(value.casefold().replace("-", " ").split())
    if word in ("in state absentee", "out of state absentee", "in state", "out of state", "in county", "out of county"):
        return True
    return _flag(value, {word: not said for word, said in _OCCUPIED.items()})


def vacant(value: str) -> bool | None:
    return _flag(value, _VACANT)


_STATUS = {
    "new": ("new", "new lead", "not contacted", "uncontacted", "not started"),
    "contacted": ("contacted", "contact made", "contacted lead", "spoke with owner"),
    "qualified": ("qualified", "qualified lead"),
    "closed": ("closed", "closed deal", "deal closed", "closed won", "won"),
    "lost": ("lost", "lost lead", "dead", "dead lead", "dead deal", "closed lost", "lost deal", "not interested"),
}
_STATUS_OF = {word: status for status, words in _STATUS.items() for word in words}


def status(value: str) -> str | None:
    """A Lead.Status of words that mean only one of them: another tool's "Hot lead" is not ours to place."""
    return _STATUS_OF.get(" ".join(re.sub(r"[-–—_:/]+", " ", value.casefold()).split()))


_TYPES = (  # the first whose words the cell has
    ("MOBILE", r"mobile|manufactured|mfd|trailer|double wide|single wide"),
    ("CONDO", r"condo(?:minium)?s?|co ?op(?:erative)?"),
    (
        "MFR",
        r"mfr|mfh|multi ?family|duplex|triplex|(?:four|quad|4) ?plex|apartments?|2 4 units?|5\+? units?"
        r"|(?:two|three|four|2|3|4) (?:family|units?)",
    ),
    ("LAND", r"land|vacant (?:land|lot)|lots?|acreage"),
    ("SFR", r"sfr|sfh|sfd|single|house|(?:town|row) ?(?:house|home)|(?:one|1) family"),
    ("OTHER", r"other|commercial|industrial|office|retail|agricultur\w+|farm"),
)
_TYPE_RULES = [(kind, re.compile(rf"\b(?:{words})\b")) for kind, words in _TYPES]


def property_type(value: str) -> str | None:
    """SFR, MFR, CONDO, LAND, MOBILE or OTHER."""
    word = " ".join(re.sub(r"[^a-z0-9+]+", " ", value.casefold()).split())
    return next((kind for kind, rule in _TYPE_RULES if rule.search(word)), None)


def tags(value: str) -> list[str] | None:
    """The tags of a cell, each once, cut at , ; | or a line's end. Longer ones than a tag may be are cut off."""
    told: dict[str, str] = {}
    for part in re.split(r"[,;|\n]", value):
        name = normalise.text(text_of("tags", part), limit=TAG_MAX)
        if name:
            told.setdefault(name.casefold(), name)
    return list(told.values())[:TAGS_MOST] or None


def notes(value: str) -> str | None:
    """At most NOTES_MAX characters with the lines they stand in; what is longer ends with an ellipsis."""
    lines = [normalise.text(line, limit=NOTES_MAX + 1) or "" for line in value[: 8 * NOTES_MAX].splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return (text if len(text) <= NOTES_MAX else text[: NOTES_MAX - 1] + "…") or None


def emails(value: str) -> list[str] | None:
    """The addresses of a cell, the first first: "ann@example.com; bob@example.com", Ann <ann@example.com>, mailto:."""
    if whole := normalise.email(value):
        return [whole]
    parts = re.split(r"[\s,;|/<>()]+|\band\b|\bor\b", value.replace("mailto:", " "))
    found = [address for part in parts if "@" in part and (address := normalise.email(part.strip("'\"[].:")))]
    return list(dict.fromkeys(found)) or None
