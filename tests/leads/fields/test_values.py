"""What may stand in a field of each kind, and what is refused with words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from leads.fields.values import read, shown


@dataclass
class Of:
    kind: str
    choices: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("kind", "said", "kept"),
    [
        ("text", "  two \n words ", "two words"), ("text", 12, "12"), ("text", "", None), ("text", "\x00", None),
        ("number", "$1,250.50", 1250.5), ("number", 3.0, 3), ("number", "-7", -7), ("number", "0.123456", 0.1235),
        ("date", "2026-11-29", "2026-11-29"), ("date", "1/5/2027", "2027-01-05"),
        ("date", "2026-11-29T10:00:00Z", "2026-11-29"),
        ("choice", " hot ", "Hot"), ("choice", None, None),
        ("yesNo", "Yes", True), ("yesNo", False, False), ("yesNo", "x", True), ("yesNo", 0, False),
    ],
)  # fmt: skip
def test_a_value_is_kept_in_one_spelling(kind: str, said: Any, kept: Any) -> None:
    assert read(Of(kind, ["Hot", "Cold"]), said) == kept and type(read(Of(kind, ["Hot"]), said)) is type(kept)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "x" * 501), ("text", ["a"]), ("text", True), ("text", "\ud800"), ("number", "many"), ("number", True),
        ("number", "1e99"), ("number", float("nan")), ("number", {}), ("date", "2026-02-30"), ("date", "tomorrow"),
        ("date", 20260101), ("date", "13/13/2026"), ("date", "0001-01-01"), ("choice", "Warm"), ("choice", 3),
        ("yesNo", "maybe"), ("yesNo", 2), ("yesNo", []),
    ],
)  # fmt: skip
def test_what_cannot_stand_there_is_refused(kind: str, said: Any) -> None:
    with pytest.raises(ValueError, match=r"\."):
        read(Of(kind, ["Hot"]), said)


def test_values_are_shown_as_a_person_writes_them() -> None:
    assert [shown("number", 1250.5), shown("yesNo", value=True), shown("text", "a"), shown("date", None)] == [
        "1,250.5", "Yes", "a", ""]  # fmt: skip
