"""Columns of numbers that must not be called, of statuses, and what a column's name says of its numbers' type."""

from __future__ import annotations

import csv
import io

import pytest

from buckets.imports.cells import CLEAN
from buckets.imports.columns import decide, guess
from buckets.imports.rows import Reader

ANN, BOB = "512-555-0101", "512-555-0102"


def phones_of(header: str, row: str) -> list[tuple[str, str | None, bool | None]]:
    """The last digit, type and mark of the first two numbers."""
    names, cells = next(csv.reader(io.StringIO(f"Address,Zip,{header}"))), ["12 Oak St", "78701", *row.split(",")]
    facts = Reader(decide(names, guess(names, [[cell] for cell in cells]), {}), len(names))(cells).facts
    return [
        (facts[slot][-1], facts.get(f"{slot}_type"), facts.get(f"{slot}_do_not_call"))
        for slot in ("phone", "secondary_phone")
        if slot in facts
    ]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Phone 1 (DNC),Phone 2 (Clean)", f"{ANN},{BOB}", [("1", None, True), ("2", None, None)]),
        ("DNC Phone,Clean Phone", f"{ANN},{BOB}", [("2", None, None), ("1", None, True)]),
        ("DNC Phone 1,Phone 1", f"{ANN},{BOB}", [("2", None, None), ("1", None, True)]),
        ("DNC Phone 1,Phone 1", f"Yes,{BOB}", [("2", None, True)]),
        ("Phone,Owner 2 Phone 1,Owner 2 Phone 1 DNC", f"{ANN},{BOB},Yes", [("1", None, None), ("2", None, True)]),
        ("Phone 1,Type-1,Phone 2,Type-2", f"{ANN},Mobile,{BOB},Land", [("1", "mobile", None), ("2", None, None)]),
        ("Phone 1,Type,Phone 2,Type", f"{ANN},Mobile,{BOB},VoIP", [("1", "mobile", None), ("2", "voip", None)]),
        ("Phone,Type", f"{ANN},SFR", [("1", None, None)]),
        ("Cell,Landline", f"{ANN},{BOB}", [("1", "mobile", None), ("2", "landline", None)]),
        ("VoIP 1", ANN, [("1", "voip", None)]),
        ("Wireless 1", ANN, [("1", "mobile", None)]),
        ("Phone (Mobile)", ANN, [("1", "mobile", None)]),
        ("phones", ANN, [("1", None, None)]),
        ("Home,Work", f"{ANN},{BOB}", [("1", None, None), ("2", None, None)]),
        ("Home,Work", "yes,no", []),
        ("Fax,Phone (Fax)", f"{ANN},{BOB}", []),
        ("Phone", f"{ANN} (fax)", []),
    ],
)
def test_numbers_by_their_columns(header: str, row: str, expected: list[tuple[str, str | None, bool | None]]) -> None:
    assert phones_of(header, row) == expected


@pytest.mark.parametrize(
    ("name", "forbids", "says_nothing"),
    [
        ("Phone Status", "DNC", "Correct"),
        ("Phone Status 1", "DNC", "Dead"),
        ("Phone 1 Tags", "do not call", "hot"),
        ("Phone Flag", "DNC", "X1"),
        ("Disposition", "Opted out", "Left message"),
        ("Callable", "No", "Yes"),
        ("OK to call", "N", ""),
    ],
)
def test_words_that_forbid_the_call(name: str, forbids: str, says_nothing: str) -> None:
    assert phones_of(f"Phone 1,{name}", f"{ANN},{forbids}") == [("1", None, True)]
    assert phones_of(f"Phone 1,{name}", f"{ANN},{says_nothing}") == [("1", None, None)]


@pytest.mark.parametrize("name", ["Opt Out", "SMS Opt Out", "DNC/Litigator", "Phone Is On DNC", "Litigator Scrub"])
def test_marks_by_their_columns_names(name: str) -> None:
    assert phones_of(f"Phone 1,{name}", f"{ANN},Yes") == [("1", None, True)]


def test_a_number_whose_digits_are_all_there_is_one() -> None:
    read = CLEAN["phone"]

    assert read("6.175550101E+09") == [("+16175550101", "")]
    assert read("6.17E+09") is None
    assert read("Phone: (617) 555-0101 Fax: (617) 555-0102") == [("+16175550101", "")]
