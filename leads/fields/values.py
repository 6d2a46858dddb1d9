"""What may stand in a custom field: read from what a person writes, a file says or a program sends. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from common.values import booleans, numbers

TEXT_MAX = 500  # characters of one value, as of a file's own columns
NUMBER_MAX = 10**15
PLACES = 4  # decimals of a number
KEY = re.compile(r"[a-z][a-zA-Z0-9]{0,39}")
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
Value = str | int | float | bool


class Field(Protocol):
    """What is needed of a `CustomField` to read a value of it."""

    kind: str
    choices: Any


def read(field: Field, said: object) -> Value | None:
    """A value as it is kept, in JSON: a text, a number, a day as 2026-11-29, true or false; None: nothing is said.

    Raises ValueError with words for the person who wrote it.
    """
    if said is None or (isinstance(said, str) and not said.replace("\x00", "").strip()):
        return None
    value: Value = _READERS[field.kind](field, said)
    return value


def shown(kind: str, value: object) -> str:
    """A value as pages and files have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float) and kind == "number":
        return f"{value:,}"
    return str(value)


def day_of(value: object) -> date | None:
    """The day of a value of a date field; None: what stands there is none, for its field was another one once."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _text(_field: Field, said: object) -> str:
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        raise ValueError("Write a text.")
    text = " ".join(str(said).replace("\x00", "").split())
    if len(text) > TEXT_MAX:
        raise ValueError(f"It has at most {TEXT_MAX} characters.")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("Halves of characters are not allowed.")
    return text


def _number(_field: Field, said: object) -> int | float:
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        raise ValueError("Write a number, such as 1250.50.")
    plain = said.strip().removeprefix("$").replace(",", "") if isinstance(said, str) else said
    try:
        number = Decimal(repr(numbers.plain(numbers.read(plain))))
    except (ValueError, ArithmeticError):
        raise ValueError("Write a number, such as 1250.50.") from None
    if abs(number) > NUMBER_MAX:
        raise ValueError("This number is too large.")
    number = round(number, PLACES)
    return int(number) if number == number.to_integral_value() else float(number)


def _date(_field: Field, said: object) -> str:
    text = said.strip() if isinstance(said, str) else ""
    if us := _US_DATE.fullmatch(text):
        text = f"{us[3]}-{int(us[1]):02}-{int(us[2]):02}"
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-29") else datetime.fromisoformat(text).date()
    except ValueError:
        raise ValueError("Write a day, such as 2026-11-29 or 11/29/2026.") from None
    if not 1800 <= day.year <= 2999:
        raise ValueError("Write a day between 1800 and 2999.")
    return day.isoformat()


def _choice(field: Field, said: object) -> str:
    wanted = " ".join(said.split()).casefold() if isinstance(said, str) else None
    for choice in field.choices:
        if str(choice).casefold() == wanted:
            return str(choice)
    raise ValueError(f"Choose one of: {', '.join(map(str, field.choices))}.")


def _yes_no(_field: Field, said: object) -> bool:
    if isinstance(said, str) and said.strip().casefold() in ("y", "x"):
        return True
    if isinstance(said, str) and said.strip().casefold() == "n":
        return False
    try:
        return booleans.read(said)
    except ValueError:
        raise ValueError("Write yes or no.") from None


_READERS: Mapping[str, Any] = {
    "text": _text, "number": _number, "date": _date, "choice": _choice, "yesNo": _yes_no,
}  # fmt: skip


def read_all(fields: Sequence[Any], said: Mapping[str, object]) -> tuple[dict[str, Value | None], dict[str, str]]:
    """The values by key of what is said by key or by name, and what is wrong by what it was called."""
    known = {one.key: one for one in fields}
    values: dict[str, Value | None] = {}
    wrong: dict[str, str] = {}
    for key, value in said.items():
        if key not in known:
            wrong[str(key)[:100]] = "Your team has no such custom field."
            continue
        try:
            values[key] = read(known[key], value)
        except ValueError as error:
            wrong[key] = str(error)
    return values, wrong
