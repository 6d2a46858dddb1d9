"""How many e-mails a new sending address may send in a day. Mail providers believe a domain that grows slowly. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

# E-mails on its first day, its second, …: up to half as many again each day, four weeks with the weekends (house;
# providers publish no numbers; they advise a few dozen on the first day, and no doubling from one day to the next).
RAMP: Final = (
    20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 300, 370, 450, 550, 650, 800, 950, 1_100, 1_300, 1_500, 1_800, 2_100,
    2_500, 3_000, 3_500, 4_000, 4_500, 5_000,
)  # fmt: skip


def limit_of(day: date, *, warm_up_from: date | None, daily_limit: int | None) -> int | None:
    """E-mails on this day: the lesser of its step in the ramp and its own limit. None: as many as there are.

    warm_up_from: the first day; before it none leave. None: the address is warm.
    """
    step = None if warm_up_from is None else (day - warm_up_from).days
    ramp = None if step is None or step >= len(RAMP) else RAMP[step] if step >= 0 else 0
    known = [limit for limit in (ramp, daily_limit) if limit is not None]
    return min(known) if known else None
