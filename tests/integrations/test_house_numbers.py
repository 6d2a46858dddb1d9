"""Lines that have a house number and name no house."""

from __future__ import annotations

import pytest

from integrations.naming.house_numbers import NO_STREET, NOT_ASSIGNED, PO_BOX, folded, problem, split


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("12 N/A", NOT_ASSIGNED),
        ("12 NO STREET", NOT_ASSIGNED),
        ("123 ADDRESS UNKNOWN", NOT_ASSIGNED),
        ("12 PO Box 5", PO_BOX),
        ("12 P.O. Drawer 5", PO_BOX),
        ("12 Apt 4", NO_STREET),
        ("12 Unit #4", NO_STREET),
        ("12 Lot 5", NO_STREET),
    ],
)
def test_a_number_beside_no_street_names_nothing(line: str, why: str) -> None:
    assert problem(line) == why


@pytest.mark.parametrize(
    "line",
    ["12 E St", "12 Unit St", "12 Apt Rd", "12 PO Box Rd", "12 St Marks", "12 Broadway", "12 No Name Rd", "12 Park",
     "12 Box Elder Dr", "12 Avenue B", "12 Hwy 5", "12 Lot 5 Rd",
     "12 N A St", "12 RM 620", "1 E",
     "16 St"],
)  # fmt: skip
def test_streets_that_are_called_so_are_streets(line: str) -> None:
    assert split(folded(line)) is not None
