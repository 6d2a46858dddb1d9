"""The one reader of booleans and the one of numbers, and what describes a request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from common.forms import AskedField, BoxField, OnceForm
from common.values import booleans, numbers


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "True", " yes ", "YES\n"])
def test_this_is_true(value: Any) -> None:
    assert booleans.read(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "FALSE", " No ", "NO\t"])
def test_this_is_false(value: Any) -> None:
    assert booleans.read(value) is False


@pytest.mark.parametrize(
    "value",
    [None, 2, -1, 1.0, 0.0, Decimal(1), "", " ", "2", "01", "1.0", "on", "off", "t", "y", "n", "maybe", "truefalse",
     "１", "١", "ｙｅｓ", "yes\0", [], [True], (True,), {}, {"a": True}, object()],
)  # fmt: skip
def test_this_is_neither(value: Any) -> None:
    with pytest.raises(ValueError, match="Write a boolean"):
        booleans.read(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, "3"), ("3", "3"), (" -2.50 ", "-2.50"), (0.1, "0.1"), ("1e3", "1e3"), (".5", "0.5"), ("3.", "3"), ("007", "7"),
     (10**50, "1e50"), ("-1e50", "-1e50")],
)  # fmt: skip
def test_this_is_a_number(value: Any, number: str) -> None:
    assert numbers.read(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", " ", "x", "NaN", "Infinity", float("nan"), float("inf"), Decimal("NaN"), "1_000", "1,000",
     "٣", "３", "1 2", "0x1F", "--1", "1e1000", "1e51", 10**51, "9" * 101, "1\0", [1], {}, "½"],
)  # fmt: skip
def test_this_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Enter a number|too large"):
        numbers.read(value)


def test_a_whole_number_has_nothing_behind_its_point() -> None:
    assert [numbers.read_whole(value) for value in (3, "3", 3.0, "3.00", "-1")] == [3, 3, 3, 3, -1]
    assert numbers.read_whole(1e2) == 100  # JSON knows one kind of number
    for value in (2.5, "2.5", True, "x", None, [3], "1e2", "1E2", "100e-1"):
        with pytest.raises(ValueError, match="integer"):
            numbers.read_whole(value)


def test_a_decimal_is_told_as_json_has_it() -> None:
    told = [numbers.plain(Decimal(text)) for text in ("12.00", "0.0500", "0", "-1.2345", "1E+3")]
    assert told == [12, 0.05, 0, -1.2345, 1000]
    assert [type(number) for number in told] == [int, float, int, float, int]


class _Form(OnceForm):
    box = BoxField(required=False)
    asked = AskedField(required=False)


def sent(query: str) -> _Form:
    form = _Form(QueryDict(query))
    form.is_valid()
    return form


@pytest.mark.parametrize(
    ("query", "box", "asked"),
    [("", False, None), ("box=on&asked=on", True, True), ("box=0&asked=no", False, False), ("box=YES", True, None)],
)
def test_a_box_says_what_was_sent(query: str, box: bool, asked: bool | None) -> None:
    assert sent(query).cleaned_data == {"box": box, "asked": asked}


@pytest.mark.parametrize("query", ["box=2", "box=off", "box=on&box=on", "box=true&box=false"])
def test_a_box_that_says_neither_is_refused(query: str) -> None:
    assert list(sent(query).errors) == ["box"]


def test_a_box_is_drawn_ticked_where_it_says_yes() -> None:
    assert [("checked" in str(sent(f"box={value}")["box"])) for value in ("on", "1", "yes", "0", "no", "2")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
