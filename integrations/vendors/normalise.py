"""Vendor values made ours: what cannot be trusted becomes None, never an exception. Pure functions.

Vendors send numbers as strings, "N" for false, 99999 for a year and NUL in a name; a record that was paid for must not
be lost for that.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from common.values.phones import e164

# PostgreSQL's integer: one number beyond its column would break the write of a whole batch.
INT_MAX = 2**31 - 1
TEXT_MAX = 200
UNITS_MAX = 9_999_999  # no request costs nearly as much
# No number worth keeping is longer; int() and Decimal arithmetic on a hostile one would take minutes.
_NUMBER_DIGITS = 40
_NUMBER_MOST = 10**_NUMBER_DIGITS - 1
_YES = frozenset({"y", "yes", "true", "t", "1"})
_NO = frozenset({"n", "no", "false", "f", "0"})
# What `fold` does to ASCII, at half the price: apostrophes go, what is no letter or digit is a space.
_PLAIN = {code: None if chr(code) == "'" else " " for code in range(128) if not chr(code).isalnum()}
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,30}")
_ATOM = r"[a-z0-9!#$%&'+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{{2,24}}")


def text(value: object, *, limit: int = TEXT_MAX) -> str | None:
    """One clean line of at most `limit` characters, or None: no control character, no unpaired surrogate."""
    if isinstance(value, str):
        line = value
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    else:
        line = decimal(value) or ""
    if line.isascii() and line.isprintable():
        if len(line) <= limit:
            return " ".join(line.split()) or None
        return " ".join(line.split())[:limit].strip() or None
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in line[: limit * 4])
    line = "".join(c for c in line if unicodedata.category(c) not in ("Cs", "Cf", "Cn", "Co"))
    return " ".join(line.split())[:limit].strip() or None


_PLAIN_ID = re.compile(r"[1-9][0-9]{0,17}")  # below 2**63 whatever its digits

_LONGEST_ID = 100  # digits, zeros before it counted


def property_id(value: object) -> str | None:
    """RealEstateAPI's property id as we keep it, from a string or a whole number; None where it is none.

    Without leading zeros, so that "0123" and 123 are one id. 1e3, "12.0" and 2**63 are none.
    """
    if isinstance(value, str) and _PLAIN_ID.fullmatch(value):  # nearly all of 100,000 that are saved at a time
        return value
    if type(value) is int:
        return str(value) if 0 < value < 2**63 else None
    digits = re.fullmatch(r"0*([0-9]{1,19})", text(value, limit=_LONGEST_ID + 1) or "")
    if digits is None or len(digits[0]) > _LONGEST_ID:
        return None
    return str(int(digits[1])) if 0 < int(digits[1]) < 2**63 else None


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) <= _NUMBER_MOST else None
    if isinstance(value, float | Decimal):
        raw = repr(value) if isinstance(value, float) else value
    elif isinstance(value, str):
        raw = value.strip().replace(",", "").removeprefix("$")
        if not raw.isascii() or len(raw) > _NUMBER_DIGITS or "_" in raw:
            return None
    else:
        return None
    try:
        number = Decimal(raw)
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or abs(number.adjusted()) > _NUMBER_DIGITS:
        return None
    return number if len(number.as_tuple().digits) <= _NUMBER_DIGITS else None


def integer(value: object, *, least: int = 0, most: int = INT_MAX) -> int | None:
    """A whole number within bounds; fractions are rounded (the vendor sends 1895936.4 for a value)."""
    number = _number(value)
    if number is None:
        return None
    whole = value if type(value) is int else int(number.to_integral_value())
    return whole if least <= whole <= most else None


def decimal(value: object, *, least: int | None = None, most: int | None = None, places: int = 9) -> str | None:
    """A decimal within bounds in plain notation without trailing zeros ("2.25"), rounded to `places`."""
    number = _number(value)
    if number is None or (least is not None and number < least) or (most is not None and number > most):
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        number = round(number, places)
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def day(value: object, *, first: int = 1700, last: int = 2200) -> str | None:
    """A date as ISO 8601 ("2020-07-14") within these years, from one or from a moment; None where it is none."""
    line = text(value, limit=40) or ""
    try:
        found = date.fromisoformat(line[:10]) if re.fullmatch(r"\d{4}-\d\d-\d\d(?:[T ].*)?", line) else None
    except ValueError:
        return None
    return found.isoformat() if found and first <= found.year <= last else None


def units(value: object, *, most: int = UNITS_MAX) -> Decimal | None:
    """What a vendor says it charged, or None where it says nothing sane (absent, negative, above `most`)."""
    number = _number(value)
    return number if number is not None and 0 <= number <= most else None


def boolean(value: object) -> bool | None:
    """A flag from a bool, 0/1 or a word. The string "N" is false, although Python takes it for true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {0: False, 1: True}.get(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in _YES else False if word in _NO else None


def phone(value: object) -> str | None:
    """An E.164 number as `common.values.phones.e164` reads it, or None where nobody could be called."""
    raw = text(value, limit=40)
    if raw is None or not _PHONE.fullmatch(raw):
        return None
    return e164(raw)


def email(value: object) -> str | None:
    """A plausible lower-case address, or None. Masked ("*****@aol.com") and Apollo's placeholder addresses are none."""
    raw = text(value, limit=255)
    if raw is None or len(raw) > 254:
        return None
    address = raw.lower()
    if not _EMAIL.fullmatch(address) or address.startswith("email_not_unlocked@"):
        return None
    return address


def state(value: object) -> str | None:
    """A two-letter state code in capitals, or None."""
    code = (text(value) or "").upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else None


def zip5(value: object) -> str | None:
    """The first five digits of a ZIP code; a number loses its leading zeros on the way ("8046") and gets them back."""
    if type(value) is str and len(value) == 5 and value.isascii() and value.isdigit():
        return value  # most are
    raw = text(value) or ""
    if isinstance(value, int | Decimal):
        raw = raw.zfill(5)
    found = re.match(r"(\d{5})(?:\D?\d{4})?$", raw, re.ASCII)
    return found.group(1) if found else None


def fold(value: object) -> str:
    """What two spellings of one name or address share: NFKC, capitals, single spaces, no punctuation."""
    return _folded(value) if type(value) is str and len(value) <= TEXT_MAX else _folded(text(value) or "")


@lru_cache(maxsize=2**14)  # one row of a file asks for its owner's name a dozen times
def _folded(value: str) -> str:
    line = value if value.isascii() and value.isprintable() else text(value) or ""
    if line.isascii():
        return " ".join(line.upper().translate(_PLAIN).split())
    folded = unicodedata.normalize("NFKC", line).upper()
    return " ".join("".join(c if c.isalnum() else " " for c in folded.replace("'", "").replace("’", "")).split())


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """The value where it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def parse_json(body: bytes) -> Any:
    """JSON whatever its content type, with exact decimals; numbers too long to be true and NaN are null.

    Raises ValueError where it is not JSON. One bad byte in a megabyte that was paid for is replaced, not fatal.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig", errors="replace"),
            parse_float=_number,
            parse_int=lambda digits: int(digits) if len(digits) <= _NUMBER_DIGITS else None,
            parse_constant=lambda _: None,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
