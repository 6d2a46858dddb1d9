"""What a file's rows say against themselves is told before they are saved."""

from __future__ import annotations

import pytest

from buckets.imports.columns import decide, guess
from buckets.imports.preview import preview
from common.files.table import Row

NAMES = ["Address", "City", "State", "Zip", "County", "FIPS"]


@pytest.mark.parametrize(
    ("place", "warning"),
    [
        (["TX", "78701", "Travis", "48453"], None),
        (["TX", "78701", "", ""], None),
        (["CT", "06103", "Hartford", "09110"], None),
        (["TX", "98101", "Travis", "48453"], "1 row has a ZIP of another state."),
        (["TX", "78701", "Travis", "53033"], "1 row has a FIPS code of another state."),
        (["TX", "78701", "Harris", "48453"], "1 row has a FIPS code of another county."),
    ],
)
def test_a_zip_and_a_fips_code_of_elsewhere_are_told(place: list[str], warning: str | None) -> None:
    seen = preview([Row(2, ["12 Oak St", "Austin", *place])], NAMES, decide(NAMES, guess(NAMES), {}))

    assert [said for said in seen.warnings if "another" in said] == ([warning] if warning else [])


def test_our_own_export_is_not_warned_of_another_list_s_numbers() -> None:
    def warnings(names: list[str]) -> str:
        row = Row(2, ["0195c0de-0000-7000-8000-000000000001", "101", "12 Oak St", "78701"])
        return " ".join(preview([row], names, decide(names, {"propertyId": 1, "address": 2, "zip": 3}, {})).warnings)

    assert "another list's numbers" not in warnings(["Lead ID", "Property ID", "Address", "ZIP"])
    assert "another list's numbers" in warnings(["Key", "Property ID", "Address", "ZIP"])
