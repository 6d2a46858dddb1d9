"""Rows that an odd quote has swallowed, in files of few columns and in rows narrower than the header."""

from __future__ import annotations

import pytest

from common.files.quotes import TROUBLE, parted


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ('12 Oak St,78701,"BUD\n14 Oak St,78701,JONES\n16 Oak St,78701,"AL\n', 3),
        ('12 Oak St,"BUD\n14 Oak St,JONES\n16 Oak St,"AL\n', 2),
        ('12 Oak St,Reno,NV,89501,"BUD\n14 Oak St,Reno,NV,89501,JONES\n16 Oak St,Reno,NV,89501,"AL\n', 6),
    ],
)
def test_rows_of_a_malformed_one_are_read(text: str, width: int) -> None:
    assert parted(text.splitlines(keepends=True), ",", width) == text.replace('"', "").splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ('"12 Oak St,78701\n14 Oak St,78701\n16 Oak St",78701\n', 2),
        ('12 Oak St,Reno,NV,89501,"BUD\n14 Oak St,Reno,NV,89501,"\n', 6),
        ('12 Oak St,78701,"BUD\n\n14 Oak St,78701,JONES"\n', 3),
    ],
)
def test_rows_in_a_well_formed_cell_fail_each_because_nobody_can_tell(text: str, width: int) -> None:
    rows = parted(text.splitlines(keepends=True), ",", width)

    assert rows is not None
    assert len(rows) == text.count("\n")
    assert all(row.startswith(TROUBLE) for row in rows if row.strip())


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ('12 Oak St,78701,"called\nleft message, no answer\n12 May, 5 pm"\n', 3),
        ('12 Oak St,"called\n12 May, 5 pm"\n', 2),
        ('"12 Oak St\nApt 4",Austin,TX\n', 3),
        ('"12 Oak St\nAustin, TX 78701",Lee\n', 2),
        ('12 Oak St,Reno,NV,89501,"first\nsecond, third\n"\n', 6),
    ],
)
def test_a_note_of_several_lines_is_one_cell(text: str, width: int) -> None:
    assert parted(text.splitlines(keepends=True), ",", width) is None
