"""How many SMS segments a text is, as carriers count and charge them (3GPP TS 23.038)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

WARN, MOST = 3, 6  # segments: more than WARN is warned of, more than MOST is refused

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # an escape before each: two septets, which are not split
GSM_SINGLE, GSM_PART = 160, 153  # septets
UCS2_SINGLE, UCS2_PART = 70, 67  # UTF-16 code units; a surrogate pair is not split
PLAIN: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": ",", "‛": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "…": "...", "•": "-", "\t": " ", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u202f": " ",
        "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segments:
    """count: segments; encoding: GSM 03.38 or UCS-2; units: septets, or UTF-16 code units."""

    count: int
    encoding: Literal["gsm", "ucs2"]
    units: int


def segments(text: str) -> Segments:
    """As the carrier counts them. '' is one empty message: 0 units, 1 segment."""
    if all(character in BASIC or character in EXTENDED for character in text):
        return _counted("gsm", [1 + (character in EXTENDED) for character in text], GSM_SINGLE, GSM_PART)
    return _counted("ucs2", [1 + (character > "\uffff") for character in text], UCS2_SINGLE, UCS2_PART)


def to_gsm(text: str) -> str:
    """The text with quotes, dashes, dots and spaces that GSM does not have replaced by those it has."""
    return text.translate(PLAIN)


def _counted(encoding: Literal["gsm", "ucs2"], sizes: Iterable[int], single: int, part: int) -> Segments:
    parts = used = units = 0
    for size in sizes:
        units += size
        used += size
        if used > part:
            parts, used = parts + 1, size
    return Segments(1 if units <= single else parts + 1, encoding, units)
