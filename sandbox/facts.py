"""Made-up facts of a parcel: value, debt, equity, distress. Deterministic by its dice; nothing is stored."""

import struct
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sandbox.parcels import Parcel

TODAY = date(2026, 1, 15)  # the sandbox's fixed day, so that the same request has the same answer on any day
_MONTH_DAY = "01-15"
_DRAWS = struct.Struct(">32H")
HIGH_EQUITY_PERCENT = 39  # "Indicates properties with high equity (>39%)", vendor OpenAPI


class Facts(NamedTuple):
    """Money in whole US dollars, `equity_percent` rounded; flags as the vendor names them."""

    value: int
    balance: int
    equity: int
    equity_percent: int
    owner_kind: str
    absentee: bool
    out_of_state: bool
    vacant: bool
    pre_foreclosure: bool
    foreclosure: bool
    auction: bool
    reo: bool
    tax_lien: bool
    judgment: bool
    death: bool
    inherited: bool
    cash_buyer: bool
    private_lender: bool
    adjustable_rate: bool
    mls_active: bool
    years_owned: int | None
    properties_owned: int

    @property
    def in_state_absentee(self) -> bool:
        """The owner lives elsewhere in the same state."""
        return self.absentee and not self.out_of_state

    @property
    def free_clear(self) -> bool:
        """No open mortgage."""
        return self.balance == 0

    @property
    def high_equity(self) -> bool:
        """More than 39 %, as the OpenAPI says (a page says 70: ask for `equity_percent` instead)."""
        return self.equity_percent > HIGH_EQUITY_PERCENT


def unit(dice: bytes, at: int) -> float:
    """The draw at position 0..31: uniform in [0, 1)."""
    return (dice[2 * at] << 8 | dice[2 * at + 1]) / 65536


def pick(choices: Sequence[str], dice: bytes, at: int) -> str:
    """One of the choices by the draw at that position."""
    return choices[int(unit(dice, at) * len(choices))]


def facts_of(parcel: Parcel) -> Facts:
    """The made-up facts of a parcel.

    The value is the last price times 1.2 to 2.0; 30 % have no mortgage, 5 % owe more than the value. Rates of the
    flags are of the order seen in county lists; companies never live in what they own.
    """
    draw = [number / 65536 for number in _DRAWS.unpack(parcel.dice)]
    value = round(parcel.price * (1.2 + 0.8 * draw[0]))
    debt = draw[1]
    share = 0.0 if debt < 0.3 else 1.0 + 0.1 * draw[2] if debt > 0.95 else 0.1 + 0.85 * draw[2]
    balance = round(value * share)
    kind_draw = draw[3]
    kind = "Individual" if kind_draw < 0.8 else "Trust" if kind_draw < 0.9 else "Company"
    absentee = kind == "Company" or draw[4] < 0.3
    distress = draw[6]
    owned = _years(parcel.sale_date)
    return Facts(
        value=value,
        balance=balance,
        equity=value - balance,
        equity_percent=round(100 * (value - balance) / value) if value else 0,
        owner_kind=kind,
        absentee=absentee,
        out_of_state=absentee and draw[5] < 0.35,
        vacant=absentee and draw[7] < 0.15,
        pre_foreclosure=balance > 0 and distress < 0.04,
        foreclosure=balance > 0 and distress < 0.018,
        auction=balance > 0 and distress < 0.012,
        reo=distress > 0.995,
        tax_lien=draw[8] < 0.03,
        judgment=draw[9] < 0.02,
        death=kind == "Individual" and draw[10] < 0.02,
        inherited=kind == "Individual" and draw[11] < 0.03,
        cash_buyer=balance == 0 and draw[12] < 0.4,
        private_lender=balance > 0 and draw[13] < 0.05,
        adjustable_rate=balance > 0 and draw[14] < 0.1,
        mls_active=draw[15] < 0.04,
        years_owned=owned,
        properties_owned=1 + int(draw[16] ** 4 * 12) if absentee else 1,
    )


def _years(sale_date: str | None) -> int | None:
    if sale_date is None:
        return None
    return TODAY.year - int(sale_date[:4]) - (sale_date[5:] > _MONTH_DAY)
