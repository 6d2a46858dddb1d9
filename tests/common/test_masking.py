"""What is masked in what people type: phones and e-mails in any spelling, and nothing else, whatever the text."""

from __future__ import annotations

import time
from functools import cache

import pytest

from common.contact_access import masked_text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T08:15:34Z", "11/29/2026 08:15:34", "2026-11-29", "20261129081534", "1234567890123", "123-45-678A",
        "0012-003-04", "85001-2222", "$1,234,567.89", "40.7128, -74.0060", "1.0E+15", "Lot 5 Blk 12", "", "9 Elm St",
        "0190a2b4-2065-7501-8425-206555014277", "203.211.12.34", "10.0.0.0/24",
        "01a2336f-4a82-76cc-9c26-7797894207c9", "01a2336f-e78c-b512-9824-6447955718c7",
        "2026-11-29 08:15", "11/29/2026, 10:30", "$250,000, $1,350,400, 2,300,000", "1,350,400, 2,300,000",
        "sold $285,450 1985", "APN 504-21-0031", "0012-003-04-2210", "33.4484,-112.0740", "12065550150999",
        "217-044-1188", "2024, 2025, 2026", "José 5%", "AT&T 3 & 4", "@home", "12 @ 3",
    ],
)  # fmt: skip
def test_a_date_a_number_and_a_parcel_stay_as_they_are(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(602) 555-0123", "•••• 0123"),
        ("6025550123", "•••• 0123"),
        ("1.602.555.0123", "•••• 0123"),
        ("cell 602-555-0123 x12, home 480 555 9876", "cell •••• 0123, home •••• 9876"),
        ("call 555-0123 on 2026-11-29", "call •••• 0123 on 2026-11-29"),
        ("+44 20 7946 0958", "•••• 0958"),
        ("617-555-HOME", "•••• 4663"),
        ("(206) 555 - 0150, 206/555/0150, 206 555 01 50", "•••• 0150, •••• 0150, •••• 0150"),
        ("206–555–0150 or 206‑555‑0150", "•••• 0150 or •••• 0150"),
        ("602·555·0123; 602•555•0123", "•••• 0123; •••• 0123"),
        ("602 / 555 / 0162, 602~555~0779", "•••• 0162, •••• 0779"),
        ("60-2555-0780 or 602,555,0123", "•••• 0780 or •••• 0123"),
        ("602|555|0123 602:555:0124", "•••• 0123 •••• 0124"),
        ("602,555 0123", "•••• 0123"),
        ("6 0 2 5 5 5 0 1 2 3", "•••• 0123"),
        ("2345 602555 0123", "•••• 0123"),
        ("602%20555%200123 x9", "•••• 0123"),
        ("602&#45;555&#x2d;0123&nbsp;", "•••• 0123&nbsp;"),
        ("é ٦٠٢-٥٥٥-٠١٢٣, ６０２５５５０１２３", "é •••• 0123, •••• 0123"),
        ("011 44 20 7946 0958", "•••• 0958"),
        ("ann＠mail.com, ann%40mail.com, ann&#64;mail.com", "a••••@mail.com, a••••@mail.com, a••••@mail.com"),
        ("jo!x@mail.com jo@localhost", "j••••@mail.com j••••@localhost"),
        ("Jo <jo.roe@example.com>, since 2020-01-02", "Jo <j••••@example.com>, since 2020-01-02"),
    ],
)
def test_phones_and_e_mails_are_masked_where_they_stand(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def used(text: str) -> float:
    """Seconds of the processor."""
    before = time.process_time()
    masked_text(text)
    return time.process_time() - before


@cache
def usual() -> float:
    """The best of three."""
    return min(used("é note " * 14_000) for _ in range(3))


@pytest.mark.parametrize(
    "bad",
    [
        "602 555 0123" + " " * 100_000 + "z", "602 555 0123" + " ,;." * 25_000 + "z", "2-" * 50_000, "602((" * 20_000,
        "1 " * 50_000, "+22 " * 25_000, "+" * 100_000, "(" * 99_000 + "602 555 0123", "a" * 100_000 + "@",
        "a" * 100_000 + "@.", "a@" * 50_000, "@" * 100_000, "a." * 50_000 + "@a" + ".a" * 100, "2" * 100_000,
        "602" + " " * 100_000 + "x", "602 555 0123 " * 7_700, "00" * 50_000, "0022 " * 20_000, "1,234," * 16_000,
        "%41" * 33_000, "&#45;" * 20_000, "1.2." * 25_000, "6025550123x" * 9_000, "fax " * 25_000,
    ],
    ids=range(24),
)  # fmt: skip
def test_a_text_made_to_be_slow_takes_time_in_proportion_to_its_length(bad: str) -> None:
    """Against one that is read letter by letter as well, and holds nothing to mask."""
    assert any(used(bad) < 10 * usual() for _ in range(3))
