"""What the rows of a list say, whatever wrote it. No database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.files.table import Row, Unreadable
from leads.permission.consenting import ends_at
from leads.permission.rows import NoSuchColumn, Plan, Unusable, given_at, header_in, plan, read, values_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rows", "row", "names"),
    [
        ([["Phone", "Note"], ["6175550112", "x"]], 1, ("Phone", "Note")),
        ([["sep=,"], [""], ["Phone"]], 3, ("Phone",)),
        ([["6175550112", "x"]], 0, ("Column 1", "Column 2")),
        ([[""], ["pat@example.com"]], 1, ("Column 1",)),
        ([["617", "5550112"]], 0, ("Column 1", "Column 2")),
    ],
)
def test_the_row_of_names_is_the_first_with_text_unless_it_is_data(rows: Any, row: int, names: Any) -> None:
    assert header_in(rows) == (row, names)


def test_a_file_of_nothing_or_of_too_many_columns_is_none() -> None:
    for rows in ([], [[""], [" "]], [["x"] * 501]):
        with pytest.raises(Unreadable):
            header_in(rows)


@pytest.mark.parametrize(
    ("columns", "cells", "contacts"),
    [
        (("Name", "Cell", "Home phone", "E-mail", "Fax"), ("Pat", "", "6175550112", "", "6175550113"), (2,)),
        (("Name", "Anything", "Id"), ("Pat", "6175550112", "6175550113"), (1,)),
        (("Mobile DNC", "Phone type", "Mobile"), ("6175550112", "6175550112", "6175550112"), (2,)),
        (("Column 1", "Column 2"), ("617", "5550112"), (0, 1)),
    ],
)
def test_contacts_are_found_by_name_or_by_what_stands_there(columns: Any, cells: Any, contacts: Any) -> None:
    assert plan(columns, [Row(2, list(cells))], {}, ()).contacts == contacts


def test_named_columns_are_taken_at_their_word_and_needed_ones_asked_for() -> None:
    columns, rows = ("A", "Phone", "When"), [Row(2, ["6175550112", "6175550113", "x"])]
    assert plan(columns, rows, {"contacts": ["a", 1]}, ()).contacts == (0, 1)
    assert plan(columns, rows, {"listed": "when"}, ()).listed == 2
    assert plan(columns, rows, {}, ("date",)).date == 2
    for said, needed, field in (
        ({"contacts": "B"}, (), "column"), ({"contacts": 3}, (), "column"), ({"text": "B"}, (), "textColumn"),
        ({}, ("source",), "sourceColumn"),
    ):  # fmt: skip
        with pytest.raises(NoSuchColumn) as refusal:
            plan(columns, rows, said, needed)
        assert refusal.value.field == field
    with pytest.raises(NoSuchColumn):
        plan(("Name",), [Row(2, ["Pat"])], {}, ())


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("+16175550112", ["+16175550112"]),
        ("+1 (617) 555-0112", ["+16175550112"]),
        ("617.555.0112 x3; 617 555 0113", ["+16175550112", "+16175550113"]),
        ("Pat@Example.com, sam@example.com", ["pat@example.com", "sam@example.com"]),
        ("pat@example.com, nonsense", []),
        ("6.175550112E+09", ["+16175550112"]),
        ("911", []),
        ("", []),
    ],
)
def test_the_contacts_of_a_cell(cell: str, values: list[str]) -> None:
    assert [text for _, text in values_of(cell)] == values


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-11-01", "UTC", "2026-11-01T00:00:00+00:00"),
        ("11/1/2026", "America/New_York", "2026-11-01T04:00:00+00:00"),
        ("11/01/26", "UTC", "2026-11-01T00:00:00+00:00"),
        ("Nov 1, 2026", "UTC", "2026-11-01T00:00:00+00:00"),
        ("11/1/2026 1:30 PM", "America/Chicago", "2026-11-01T19:30:00+00:00"),
        ("2026-11-01T12:00:00-05:00", "UTC", "2026-11-01T17:00:00+00:00"),
    ],
)
def test_dates_as_people_write_them(text: str, zone: str, moment: str) -> None:
    assert given_at(text, zone, now=NOW).isoformat() == moment


@pytest.mark.parametrize("text", ["", "soon", "2026-12-02", "1989-01-01", "0001-01-01", "13/13/2026", "2026-02-30"])
def test_other_dates_are_none(text: str) -> None:
    with pytest.raises(Unusable):
        given_at(text, "Pacific/Kiritimati", now=NOW)


def test_a_row_that_cannot_be_trusted_is_refused() -> None:
    how = {"kind": "suppressions", "now": NOW}
    with pytest.raises(Unusable, match="quote"):
        read(Row(2, ["6175550112"], "a quote"), Plan((0,)), **how)  # type: ignore[arg-type]
    for cells, kind in ((["x@example.com", "yes"], "scrub"), (["6175550112", "perhaps"], "scrub")):
        with pytest.raises(Unusable):
            read(Row(2, cells), Plan((0,), listed=1), kind=kind, now=NOW)
    with pytest.raises(Unusable, match="10,000"):
        cells = ["6175550112", "x" * 10_001, "2026-11-01", "y"]
        read(Row(2, cells), Plan((0,), text=1, date=2, source=3), kind="consents", now=NOW)


def test_consents_end_by_the_calendar() -> None:
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert str(ends_at("written", leap))[:10] == "2026-02-28"
    assert str(ends_at("inquiry", datetime(2026, 11, 30, tzinfo=UTC)))[:10] == "2027-02-28"
    assert str(ends_at("reply", leap))[:10] == "2024-03-01" and ends_at("start", leap) is None
