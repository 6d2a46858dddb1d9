"""The one way to write days and times on pages: Tue, Dec 1, 2:30 PM MST · Dec 1, 2026 · 2:30 AM."""

from __future__ import annotations

import re
from html import unescape

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = r"(?:1[0-2]|[1-9]):[0-5]\d(?::[0-5]\d)? [AP]M"  # with seconds where a vendor's books are searched for it
MOMENT = re.compile(
    rf"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:{_MONTH}) [1-9]\d?(?:, \d{{4}})?, {_CLOCK} "
    r"(?:[A-Z]{2,5}|UTC[+-]\d{2,4})\b"
)
DAY = re.compile(rf"\b(?:{_MONTH}) [1-9]\d?, \d{{4}}\b(?!,? \d)")
MONTH = re.compile(rf"(?<!\d )(?<!\d\. )\b(?:{_MONTH}) \d{{4}}\b(?!,? \d)")  # a budget's
CLOCK = re.compile(rf"\b{_CLOCK}\b")
CHECKED = re.compile(rf"\(checked (?:{_MONTH}) [1-9]\d?\)")  # beside a phone, where the year stands in its source
_REST = "uary|ruary|ch|il|e|y|ust|tember|ober|ember"  # Maria is no month
ODD = re.compile(
    rf"\d{{4}}-\d\d-\d\d|\b(?:{_MONTH})(?:{_REST})?\.? \d+\S*|\b\d+\.? (?:{_MONTH})\b|"
    r"\b\d?\d:\d\d\b|midnight|\bnoon\b|[ap]\.m\."
)
_UNSEEN = re.compile(r"<(script|style|noscript|template)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_SPOKEN = re.compile(r'\s(?:aria-label|title|placeholder)="([^"]*)"')


def odd_dates(page: str) -> list[str]:
    """Every day or time a person reads or hears on a page that is written in another way, with what stands around."""
    seen = _UNSEEN.sub(" ", page)
    words = " | ".join([*_SPOKEN.findall(seen), re.sub(r"<[^>]*>", " ", seen)])
    text = " ".join(unescape(words).split())
    for right in (MOMENT, DAY, MONTH, CHECKED, CLOCK):
        text = right.sub("✓", text)
    return [text[max(0, found.start() - 30) : found.end() + 30] for found in ODD.finditer(text)]
