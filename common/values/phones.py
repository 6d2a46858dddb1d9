"""What a text says of phones: every number a person could call, each with its extension, in the spellings people use.

Pure.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

Number = tuple[str, str]  # E.164, and its extension or ""

# The North American plan: area code and exchange start with 2-9. `phonenumbers` calls any ten digits possible.
_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")

_LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999", strict=True))
# Gaps are taken whole and begin behind a digit or a sign only: what stands in a cell is looked at a few times at most.
_GAP = r"[\s.\-()\[\]*_]*+"
_EXTENSION = (
    r"(?:[\s,;.]*+\(?+\s*+(?:\bext(?:ension|n)?\b|ext(?:ension|n)?|\bxt|x|\#)[\s.:=\#]*+"
    r"(?P<extension>\d{1,7})(?![\d]|[\s.\-/)]*+\d{3}[\s.\-]*+\d{4})\)?)?"
)
_NUMBER = re.compile(
    r"(?<!\d)(?:"
    rf"\+\s*+(?P<abroad>[2-9]\d(?:{_GAP}\d){{6,13}})(?!\d)"
    rf"|(?:(?:(?:\+|011|00){_GAP})?1{_GAP})?(?P<area>[2-9]\d\d){_GAP}/?{_GAP}(?P<exchange>[2-9]\d\d){_GAP}(?P<line>\d{{4}})(?!\d)"
    rf"|(?:00|011){_GAP}(?P<dialled>[2-9]\d(?:{_GAP}\d){{6,13}})(?!\d)"
    rf"){_EXTENSION}",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"\(?([2-9]\d\d)\)?[\s.\-]?([2-9]\d\d)[\s.\-]?(\d{4})", re.ASCII)  # most are written so
# Ten digits of the North American plan, with or without its 1, as vendors and our own columns have them.
_WRITTEN = re.compile(r"(?:\+1[ .\-]?)?\(?([2-9]\d\d)\)?[ .\-]?([2-9]\d\d)[ .\-]?(\d{4})", re.ASCII)
_LONGEST = 1000  # characters of a cell that are looked through
_TOLL_FREE = "800 833 844 855 866 877 888"
_VANITY = re.compile(
    rf"(?:\+?1{_GAP})?\(?(?P<area>[2-9]\d\d)\)?[\s.\-]*+(?P<rest>[A-Z0-9](?:[\s.\-]?[A-Z0-9]){{6}})", re.IGNORECASE
)
_ITS_EXTENSION = re.compile(_EXTENSION, re.IGNORECASE)
_LABELS = frozenset(
    {
        "tel", "telephone", "phone", "ph", "p", "cell", "c", "cellular", "mobile", "mob", "m", "home", "h", "work", "w",
        "office", "o", "fax", "landline", "voip", "call", "number", "no", "num", "nr", "ext", "extension", "extn", "xt",
        "x", "or", "and", "main", "primary", "us", "usa",
    }
)  # fmt: skip
_DO_NOT_CALL = re.compile(
    r"\bD\.?N\.?C\b|do[\s\-]*not[\s\-]*(?:call|contact|text|phone)|don'?t\s+call|litigator|\bTCPA\b"
    r"|\bopt(?:ed|s)?[\s\-]*out\b|\bunsubscribed?\b",
    re.IGNORECASE,
)
_ALLOWED = re.compile(r"\b(?:not?|non)[\s\-]+(?:on\s+)?(?:the\s+)?(?:dnc|do|litigator|tcpa)", re.IGNORECASE)


def phones(value: str) -> list[Number] | None:
    """The numbers of a cell in their order, each once; None where nobody could be called."""
    if plain := _PLAIN.fullmatch(value):
        return [("+1" + "".join(plain.groups()), "")]
    text = _plain(value[:_LONGEST])
    if rounded := _SCIENTIFIC.fullmatch(text.strip()):
        text = _digits(rounded)
    found = [number for match in _NUMBER.finditer(text) if not _is_fax(text, match) and (number := _read(match))]
    if not found and (vanity := _VANITY.fullmatch(text.strip())):
        found = _spelled(vanity)
    return list(dict.fromkeys(found)) or None


def only_phones(text: str) -> list[Number]:
    """The numbers of a text that says nothing else: tel:+16025550123, 602 555 0123 (cell), Phone: 602-555-0123 x12.

    Empty where it has another word or is no phone.
    """
    if not set(re.findall(r"[^\W\d_]+", text.lower())) <= _LABELS:
        return []
    return phones(text) or []


def extension_at(text: str, end: int) -> int:
    """Where the extension ends that follows a number that ends here; the same place where none does."""
    found = _ITS_EXTENSION.match(text, end)
    return found.end() if found else end


_SCIENTIFIC = re.compile(r"(?P<whole>\d)[.,](?P<more>\d{6,10})E\+?0?(?P<places>9|10)", re.IGNORECASE | re.ASCII)


def _digits(found: re.Match[str]) -> str:
    """The number of 6.175550101E+09, where no digit of it is lost: one zero at its end may be left out, not more."""
    more, places = found["more"], int(found["places"])
    return found["whole"] + more.ljust(places, "0") if places - 1 <= len(more) <= places else ""


def _is_fax(text: str, match: re.Match[str]) -> bool:
    return bool(
        re.search(
            r"\bfax(?:\s+(?:no|number))?[\s:.#(]*$", text[max(0, match.start() - 40) : match.start()], re.IGNORECASE
        )
        or re.match(r"\s*[(\-]\s*fax\b", text[match.end() :], re.IGNORECASE)
    )


def says_do_not_call(value: str) -> bool:
    """Whether words in a cell forbid the call: 617-555-0101 (DNC), "Do not contact". "Not on DNC" does not."""
    if value.lower() == value.upper():  # no letter is in it, as in most numbers
        return False
    return bool(_DO_NOT_CALL.search(value)) and not _ALLOWED.search(value)


def _plain(value: str) -> str:
    """Full-width digits, dashes of every kind and hard spaces as ASCII. Marks of direction are left out."""
    if value.isascii():
        return value
    text = unicodedata.normalize("NFKC", value)
    kinds = ((c, unicodedata.category(c)) for c in text)
    return "".join("-" if kind == "Pd" or c == "\u2212" else c for c, kind in kinds if kind != "Cf")


def e164(raw: str) -> str | None:
    """The number ("+15125550100") that a text is, read as one of the United States; None where nobody could be called.

    Possible is enough: 555-0100 to 555-0199 are possible and, being reserved for fiction, never valid.
    """
    if plain := _WRITTEN.fullmatch(raw):  # most are, and the library takes 50 times as long
        return "+1" + "".join(plain.groups())
    try:
        number = phonenumbers.parse(raw, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    told: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return told if number.country_code != 1 or _NANP.fullmatch(told) else None


def _read(match: re.Match[str]) -> Number | None:
    if match["area"]:
        return f"+1{match['area']}{match['exchange']}{re.sub('[ -]', '', match['line'])}", match["extension"] or ""
    number = e164("+" + re.sub(r"\D", "", match["abroad"] or match["dialled"]))
    return (number, match["extension"] or "") if number else None


def _spelled(match: re.Match[str]) -> list[Number]:
    """617-555-HOME, 1-800-FLOWERS: letters as the keys have them. Seven letters alone may be a word, not a number."""
    rest = re.sub(r"[^A-Z0-9]", "", match["rest"].upper())
    if not rest[:3].isdigit() and match["area"] not in _TOLL_FREE.split():
        return []
    number = e164(f"+1{match['area']}" + "".join(_LETTERS.get(c, c) for c in rest))
    return [(number, "")] if number else []
