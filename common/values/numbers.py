"""One reader of numbers from query strings, JSON bodies and commands: plain ASCII digits, finite, of a bounded size.

Python's own also take "1_000", "٣", "NaN" and "1e9999999", which takes minutes to make an integer of.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

MOST = 10**50  # far beyond every column
_NUMBER = re.compile(r"[+-]?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][+-]?[0-9]{1,3})?", re.ASCII)
WORDS = "Enter a number."
WHOLE = "Enter a whole number (integer)."


def read(value: object) -> Decimal:
    """The number that a JSON value or a text says. Raises ValueError for everything else, true and false included."""
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        number = Decimal(text)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, float) and math.isfinite(value):
        number = Decimal(repr(value))
    else:
        raise ValueError(WORDS)
    if not number.is_finite():
        raise ValueError(WORDS)
    if not -MOST <= number <= MOST:
        raise ValueError("This number is too large.")
    return number


def read_whole(value: object) -> int:
    """As `read`, but whole, and in digits where it is a text: 3, "3" and 3.0 are, 2.5 and "1e2" are none."""
    if isinstance(value, str) and "e" in value.casefold():
        raise ValueError(WHOLE)
    try:
        number = read(value)
    except ValueError as error:
        raise ValueError(WHOLE if str(error) == WORDS else str(error)) from None
    if number != number.to_integral_value():
        raise ValueError(WHOLE)
    return int(number)


def plain(number: Decimal) -> int | float:
    """The number as JSON has it: 3 for 3 and 3.00, 2.5 for 2.50."""
    return int(number) if number == number.to_integral_value() else float(number)
