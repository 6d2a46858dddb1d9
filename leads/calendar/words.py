"""A time in a caller's words, by the lead's clock: "tue 3pm", "in 2 hours", "dec 5 10:30".

Our own small grammar, which must read all of the words or refuse them. parsedatetime 2.6 was tried: it reads "tuesday
at 3" as the hour of now, "2/30 3pm" and "tmrw 9am" as today, and any sentence as something.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.dates import clock
from leads.calendar.planning import check_ahead
from leads.rules import BadTime, moment_of, moved_forward

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_PARTS = {"morning": time(9), "noon": time(12), "midday": time(12), "afternoon": time(14), "eod": time(17),
          "evening": time(18), "tonight": time(19)}  # fmt: skip
_EARLIEST_HOUR = 8  # "3" is 3 PM and "9" is 9 AM: nobody is called before eight
_NUMBER = {"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "half an": 0.5, "half a": 0.5}
_SPAN = re.compile(
    r"\b(?:(?P<n>\d{1,4}(?:\.\d)?)\s*|(?P<word>half an|half a|an|a|one|two|three)\s+)"
    r"(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)\b"
)
_TIME = re.compile(r"(?P<hour>\d{1,2})(?::?(?P<minute>[0-5]\d))?\s*(?P<half>[ap])?\.?(?(half)m?\.?)$")
_SLASHED = re.compile(r"(?P<month>\d{1,2})[/-](?P<day>\d{1,2})(?:[/-](?P<year>\d{4}|\d{2}))?$")
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})$")
_NAMED = re.compile(r"(?P<name>[a-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?(?:,? (?P<year>\d{4}))?$")
_SAY = 'Say it like "tue 3pm", "tomorrow 10:30 am", "12/5 2pm" or "in 2 hours".'


def read_when(text: str, zone: str, now: datetime) -> datetime:
    """The moment (UTC) that these words mean by the clock of `zone`, after `now`. A time without a day is its next
    one; a weekday is the next of that name with the time still to come. An hour without AM or PM is one by day.

    Raises BadTime: words that are not understood, a day without a time, a time that is past or does not exist.
    """
    words = " ".join(re.sub(r"[,@]| (?:at|on) |^(?:at|on) ", " ", f"{text.lower()} ").split())
    if not words or len(words) > 60:
        raise BadTime(_SAY)
    local = now.astimezone(ZoneInfo(zone))
    found = _span(words, local, zone) or _day_and_time(words, local, zone)
    return check_ahead(found, now)


def _span(words: str, local: datetime, zone: str) -> datetime | None:
    """ "in 2 hours", "1h 30m", "3 days". Hours pass whatever clocks do; days keep the time of day."""
    rest = words.removeprefix("in ")
    spans = list(_SPAN.finditer(rest))
    if not spans or re.sub(r"\band\b|\s", "", _SPAN.sub("", rest)):
        return None
    days, minutes = 0, 0.0
    for span in spans:
        count = float(span["n"]) if span["n"] else _NUMBER[span["word"]]
        unit = span["unit"][0]
        if unit in "dw":
            whole, part = divmod(count * (7 if unit == "w" else 1), 1)
            days, minutes = days + int(whole), minutes + round(part * 24 * 60)
        else:
            minutes += count * (60 if unit == "h" else 1)
    later = moved_forward(local.replace(tzinfo=None) + timedelta(days=days), zone) if days else local.astimezone(UTC)
    return later.replace(second=0, microsecond=0) + timedelta(minutes=minutes)


def _day_and_time(words: str, local: datetime, zone: str) -> datetime:
    parts = words.split()
    for cut in range(len(parts) + 1):
        for one, other in ((parts[:cut], parts[cut:]), (parts[cut:], parts[:cut])):
            days = _days(" ".join(one), local.date())
            at = _time(" ".join(other) or ("tonight" if one == ["tonight"] else ""))
            if days and at is not None:
                return _first(days, at, local, zone)
    if _days(words, local.date()):
        raise BadTime(f"Say a time too, such as “{words} 3pm”.")
    raise BadTime(_SAY)


def _first(days: list[date], at: time, local: datetime, zone: str) -> datetime:
    """The first of these days on which the time is still to come; of one day alone that one, past or not."""
    for one in days:
        if len(days) == 1 or datetime.combine(one, at) > local.replace(tzinfo=None):
            return moment_of(datetime.combine(one, at), zone)
    raise BadTime(f"{clock(at)} is past.")


def _days(words: str, today: date) -> list[date]:
    """The days that these words may mean, the first one that is still to come counts; none: they are no day."""
    if not words:
        return [today, today + timedelta(days=1)]
    if words in ("today", "tonight"):
        return [today]
    if words in ("tomorrow", "tmrw", "tmw", "tom", "tomorow", "tommorrow"):
        return [today + timedelta(days=1)]
    if words == "next week":
        return [today + timedelta(days=7 - today.weekday())]
    return _weekdays(words, today) or _dates(words, today)


def _weekdays(words: str, today: date) -> list[date]:
    name = words.removeprefix("next ").removeprefix("this ").rstrip(".")
    number = next((i for i, day in enumerate(_DAYS) if len(name) > 2 and day.startswith(name)), None)
    number = 3 if name in ("thurs", "thur") else number
    if number is None:
        return []
    if words.startswith("next "):
        return [today + timedelta(days=7 - today.weekday() + number)]
    first = today + timedelta(days=(number - today.weekday()) % 7)
    return [first, first + timedelta(days=7)]


def _dates(words: str, today: date) -> list[date]:
    found = _SLASHED.match(words) or _ISO.match(words) or _NAMED.match(words)
    if not found:
        return []
    said = found.groupdict()
    if "name" in said:
        month = next((i for i, name in enumerate(_MONTHS, start=1) if name.startswith(said["name"])), 0)
        month = 9 if said["name"] == "sept" else month
        if not month:
            return []
    else:
        month = int(said["month"])
    year = said["year"] or ""
    years = [int(year) + (2000 if len(year) == 2 else 0)] if year else [today.year + n for n in range(3)]
    days = [day for one in years if (day := _date(one, month, int(said["day"])))]
    if not days:
        raise BadTime(f"There is no day {words}.")
    return [day for day in days if day >= today][:1] or days[:1]


def _date(year: int, month: int, day: int) -> date | None:
    """None: there is no such day; February 29 is in one year of four."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(words: str) -> time | None:
    if words.removeprefix("in the ").removeprefix("the ") in _PARTS:
        return _PARTS[words.removeprefix("in the ").removeprefix("the ")]
    found = _TIME.match(words)
    if not found:
        return None
    hour, half = int(found["hour"]), found["half"]
    if (half and not 1 <= hour <= 12) or hour > 23:
        raise BadTime(f"There is no time {words}.")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif 0 < hour < _EARLIEST_HOUR and len(found["hour"]) == 1:
        hour += 12
    return time(hour, int(found["minute"] or 0))
