"""Which of two texts did better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, comb, sqrt
from statistics import NormalDist
from typing import Final, Literal

NORMAL: Final = NormalDist()
CONFIDENCE: Final = NORMAL.inv_cdf(0.975)  # two-sided 95 %
POWER: Final = NORMAL.inv_cdf(0.8)
FEW: Final = 5  # expected in a cell: below it Fisher's exact test


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A. p: two-sided; method: two-proportion z (pooled), or Fisher's exact test where an expected cell is
    under 5. difference: B's share less A's, with its 95 % interval after Newcombe. needed: how many a side it takes to
    tell shares this far apart (80 % power); None: they are equal.
    """

    shares: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    p: float
    method: Literal["z", "fisher"]
    needed: int | None

    @property
    def is_clear(self) -> bool:
        """Whether a page may say that one is better."""
        return self.p < 0.05 and not self.interval[0] <= 0 <= self.interval[1]


def two_proportions(hits_a: int, of_a: int, hits_b: int, of_b: int) -> Comparison | None:
    """None where a side has nobody. Raises ValueError where more hit than there are."""
    if not (0 <= hits_a <= of_a and 0 <= hits_b <= of_b):
        raise ValueError("More hits than people.")
    if not of_a or not of_b:
        return None
    a, b = hits_a / of_a, hits_b / of_b
    pooled = (hits_a + hits_b) / (of_a + of_b)
    is_few = min(pooled, 1 - pooled) * min(of_a, of_b) < FEW
    p = _fisher(hits_a, of_a, hits_b, of_b) if is_few else _z(a, b, pooled, of_a, of_b)
    interval = _newcombe(hits_a, of_a, hits_b, of_b)
    return Comparison((a, b), b - a, interval, p, "fisher" if is_few else "z", needed(a, b))


def needed(a: float, b: float) -> int | None:
    """People a side that it takes to tell these shares apart, two-sided 5 %, 80 % power; None: they are equal."""
    if a == b:
        return None
    mean = (a + b) / 2
    spread = CONFIDENCE * sqrt(2 * mean * (1 - mean)) + POWER * sqrt(a * (1 - a) + b * (1 - b))
    return ceil((spread / (b - a)) ** 2)


def _z(a: float, b: float, pooled: float, of_a: int, of_b: int) -> float:
    error = sqrt(pooled * (1 - pooled) * (1 / of_a + 1 / of_b))
    return 2 * (1 - NORMAL.cdf(abs(b - a) / error))


def _fisher(hits_a: int, of_a: int, hits_b: int, of_b: int) -> float:
    """The share of all tables with these sums that are no likelier than the one seen."""
    hits = hits_a + hits_b
    ways = [comb(of_a, x) * comb(of_b, hits - x) for x in range(max(0, hits - of_b), min(of_a, hits) + 1)]
    seen = comb(of_a, hits_a) * comb(of_b, hits_b)
    return sum(way for way in ways if way <= seen) / comb(of_a + of_b, hits)  # whole numbers, however large


def _newcombe(hits_a: int, of_a: int, hits_b: int, of_b: int) -> tuple[float, float]:
    """Newcombe (1998), method 10: from Wilson's interval of each side."""
    a, b = hits_a / of_a, hits_b / of_b
    (low_a, high_a), (low_b, high_b) = _wilson(a, of_a), _wilson(b, of_b)
    return (
        b - a - sqrt((b - low_b) ** 2 + (high_a - a) ** 2),
        b - a + sqrt((high_b - b) ** 2 + (a - low_a) ** 2),
    )


def _wilson(share: float, of: int) -> tuple[float, float]:
    z2 = CONFIDENCE**2
    middle = share + z2 / (2 * of)
    spread = CONFIDENCE * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return (middle - spread) / (1 + z2 / of), (middle + spread) / (1 + z2 / of)
