"""An assessor's parcel number in one spelling, or none where the cell holds no number. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

LONGEST = 100  # characters; no county's parcel number has half as many


class Parcel(NamedTuple):
    """segments: "12-3". squeezed: "123", which 1-23 has too. bare: it came without separators."""

    segments: str
    squeezed: str
    bare: bool


_PLAIN = re.compile(r"[0-9]+(?:-[0-9]+)*")  # most numbers are
_PARTS = re.compile(r"[^0-9A-Z]+")
_LABEL = re.compile(r"(?:APN|PIN|PARCEL(?: ?(?:ID|NO|NUMBER))?|FOLIO|TAX ?ID)(?:[ .:#]+)(?=\S*\d)")
_FLOAT = re.compile(r"(\d{5,})\.0")  # of a shorter one, .0 may be a segment
_NO_NUMBER = re.compile(r"[0\W_]*|(?:SEE|MULTIPLE|MULTI|VARIOUS|UNKNOWN|UNASSIGNED|NONE|TBD|PENDING|NOT|NO|N A)\b.*")
_NOT_ZERO = re.compile(r"[1-9]")
_NINES = re.compile(r"9{5,}")
_MONTH = "(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|SEPT|OCT|NOV|DEC)"
_DAMAGED = re.compile(
    r"\d+(?:[.,]\d+)?E\+\d+"  # 1.23E+11
    rf"|\d{{1,4}}[-/. ]{_MONTH}(?:[-/. ]\d{{2,4}})?|{_MONTH}[-/. ]\d{{1,4}}"  # 12-Jan
    r"|\d{4}-\d\d?-\d\d?[ T]\d\d?:\d\d.*|\d\d?/\d\d?/(?:19|20)\d\d"  # 2003-01-02 00:00:00, 1/2/2003
)


def read(apn: object) -> Parcel | None:
    """A parcel number split at everything that is no letter or digit: 12.3, 12-3 and 12 3 are one, 1-23 is another.

    None where the cell says that there is no number (N/A, 000-000-000, SEE MAP), or a spreadsheet has made it a date
    or a rounded number. "123456789.0" is 123456789.
    """
    return _read(apn) if isinstance(apn, str) and len(apn) <= LONGEST else None


_ZEROS_BEFORE = re.compile(r"(?:(?<=-)|^)0+(?=[^-])")
_ZEROS_AFTER = re.compile(r"(?:-0+)+$")


def without_zeros(parcel: Parcel) -> str:
    """The digits of a parcel number without the zeros in front of its parts and without last parts of zeros: "123" of
    0012-003-000. "" where it has none of these, or has no parts.
    """
    if parcel.bare or (parcel.segments[0] != "0" and "-0" not in parcel.segments):
        return ""
    plain = _ZEROS_BEFORE.sub("", _ZEROS_AFTER.sub("", parcel.segments))
    return plain.replace("-", "") if plain != parcel.segments else ""


@lru_cache(maxsize=64)  # a record's number is read for its names, its question and its warning in turn
def _read(apn: str) -> Parcel | None:
    if _PLAIN.fullmatch(apn):
        segments = apn.split("-")
    else:
        segments = _segments(apn)
    squeezed = "".join(segments)
    if not _NOT_ZERO.search(squeezed) or _NINES.fullmatch(squeezed):
        return None
    return Parcel("-".join(segments), squeezed, len(segments) == 1)


def _segments(apn: str) -> list[str]:
    line = apn if apn.isascii() else unicodedata.normalize("NFKC", apn)
    line = line.upper().strip(" \t'=\"")
    if whole := _FLOAT.fullmatch(line):
        line = whole[1]
    if "P" in line[:3] or line[:1] in "FT":
        line = _LABEL.sub("", line, count=1)
    if _NO_NUMBER.fullmatch(line) or _DAMAGED.fullmatch(line):
        return []
    return [part for part in _PARTS.split(line) if part]
