"""What a spreadsheet makes of codes: 123456789.0, 12-Jan, 1.23E+11, 2,134. Repaired where sure. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_SCIENTIFIC = re.compile(r"[-+]?\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_FLOAT = re.compile(r"(?P<whole>\d+)[.,]0{1,6}", re.ASCII)
_EXACT_DIGITS = 16  # of a float; what is longer has lost its last digits
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3}){2,}(?:\.0+)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*)\.?"
_TIME = re.compile(
    r"[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AP]M)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})", re.ASCII)
_AMERICAN = re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4}|\d{2})", re.ASCII)
_COMPACT = re.compile(r"(?P<year>(?:1[6-9]|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII)
_WRITTEN = (
    re.compile(rf"(?P<day>\d{{1,2}})[-/. ]{_MONTH}[-/., ]+(?P<year>\d{{4}}|\d{{2}})", re.IGNORECASE),
    re.compile(rf"{_MONTH}[-/. ]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/., ]+(?P<year>\d{{4}}|\d{{2}})", re.IGNORECASE),
)
# What "12-1" and "1-2020" become: a day or a year and a month, shown without the rest.
_SHORTENED = re.compile(rf"(?:\d{{1,4}}[-/ ]{_MONTH}|{_MONTH.replace('month', 'first')}[-/ ]\d{{1,4}})", re.IGNORECASE)
_DATELIKE = re.compile(rf"\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d|(?:\d{{1,4}}[-/. ])?{_MONTH}", re.IGNORECASE)  # any of them
_DIGITS_OF_DATE = 10  # characters of the longest date of digits alone: 2003-01-02
_PIVOT = 30  # Excel's: 29 is 2029, 30 is 1930
_EXCEL_EPOCH = date(1899, 12, 30)


def scientific(text: str) -> bool:
    """1.23E+11, 1,23E+11: the digits are gone."""
    return bool(_SCIENTIFIC.fullmatch(text))


def code(text: str) -> str | None:
    """A number that is a name (an APN, a house) as it was before a spreadsheet; None where nobody can tell."""
    if text.isdigit():
        return text
    if text.replace("-", "").isdigit():  # most parcel numbers are
        return None if len(text) <= _DIGITS_OF_DATE and looks_like_date(text) else text
    if scientific(text) or looks_like_date(text):
        return None
    if found := _FLOAT.fullmatch(text):
        return found["whole"] if len(found["whole"]) <= _EXACT_DIGITS else None
    if _THOUSANDS.fullmatch(text):
        return text.split(".")[0].replace(",", "")
    return text


def whole(text: str) -> str:
    """Digits without the ".0" of a float; any other text as it is."""
    if text.isdigit():
        return text
    found = _FLOAT.fullmatch(text)
    return found["whole"] if found else text


def looks_like_date(text: str) -> bool:
    """Whether a spreadsheet shows dates so: 12-Jan, Jan-12, 1/2/2003, 01-02-03, 2003-01-02 00:00:00.

    12-3, 1-2-3 and 120-45-3 are none.
    """
    if not 4 <= len(text) <= 40 or not _DATELIKE.match(text):
        return False
    day = _TIME.sub("", text).strip()
    if _SHORTENED.fullmatch(day) or any(rule.fullmatch(day) for rule in _WRITTEN):
        return True
    if found := _ISO.fullmatch(day):
        return 1800 <= int(found["year"]) < 2100 and _of(found) is not None
    found = _AMERICAN.fullmatch(day)
    if found is None or _of(found) is None:
        return False
    return len(found["year"]) == 4 or "/" in day or all(len(found[part]) == 2 for part in ("month", "day"))


def iso_date(text: str) -> str | None:
    """A date in an American, written, ISO or Excel's form, as 2003-01-02; None where the day is not sure."""
    day = " ".join(_TIME.sub("", text).split())
    if re.fullmatch(r"\d{5}(?:\.\d+)?", day, re.ASCII) and 3653 <= float(day) < 73_415:  # 1910 to 2100
        return (_EXCEL_EPOCH + timedelta(days=int(float(day)))).isoformat()
    for rule in (_COMPACT, _ISO, _AMERICAN, *_WRITTEN):
        if found := rule.fullmatch(whole(day)):
            at = _of(found)
            return at.isoformat() if at and 1600 <= at.year <= 2100 else None
    return None


def _of(found: re.Match[str]) -> date | None:
    told = found["year"]
    year = int(told) + (0 if len(told) == 4 else 2000 if int(told) < _PIVOT else 1900)
    name = found["month"].lower()[:3]
    month, day = _MONTHS.index(name) + 1 if name in _MONTHS else int(name), int(found["day"])
    if month > 12 >= day:  # 31/12/2003: only one of them can be the month
        month, day = day, month
    try:
        return datetime(year, month, day).date()  # noqa: DTZ001  # a day has no zone
    except ValueError:
        return None
