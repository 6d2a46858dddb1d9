"""What a price, a pace, a batch, a freshness or a cap may be, wherever it is set: environment, page or command."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `least` to `most`, both allowed, with at most `places` decimals."""

    least: Decimal
    most: Decimal
    places: int

    def read(self, text: str) -> Decimal | None:
        """The number in this text, or None where it is none or out of bounds."""
        try:
            value = Decimal(text.strip())
        except InvalidOperation:
            return None
        if not value.is_finite() or not self.least <= value <= self.most:
            return None
        rounded = round(value, self.places)
        if rounded != value:
            return None
        return min(value + 0, rounded, key=lambda same: len(str(same)))  # 0.05 stays 0.05, 1E+3 and -0 become plain

    def __str__(self) -> str:
        """As in "is not a number from 0 to 99,999 with at most 4 decimals"."""
        span = f"from {self.least:,} to {self.most:,}"
        if not self.places:
            return f"a whole number {span}"
        return f"a number {span} with at most {self.places} decimals"


def bounds(least: str, most: str, places: int) -> Bounds:
    return Bounds(Decimal(least), Decimal(most), places)


def whole(least: int, most: int) -> Bounds:
    return Bounds(Decimal(least), Decimal(most), 0)


# The ledger keeps four decimals of a dollar: a finer price would leak between what is reserved and what is spent.
PRICE = bounds("0", "99999", 4)  # US dollars a unit
PACE = bounds("0", "100000", 2)  # requests a minute; 0: no pace
BATCH = whole(1, 1000)  # inputs of one request; the largest any vendor takes
FRESH_DAYS = whole(0, 3650)  # ten years
CAP = bounds("0", "999999999", 2)  # US dollars a day or a month
