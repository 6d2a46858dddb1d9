"""Vendor values made ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.values import phones
from integrations.vendors import normalise
from tests.integrations.samples import a_few, json_values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7035550164", "+17035550164"),
        (7035550164, "+17035550164"),
        ("(512) 555-0100", "+15125550100"),
        ("+1 415-555-0117", "+14155550117"),
        ("1-916-555-0111", "+19165550111"),
        ("+44 20 7946 0958", "+442079460958"),
        ("555-0100", None),
        ("703237****", None),
        ("0000000000", None),
        ("1234567890", None),
        ("703555016", None),
        ("1-800-FLOWERS", None),
        ("N/A", None),
        ("", None),
        (None, None),
        (True, None),
        ({"phone": "7035550164"}, None),
    ],
)
def test_a_phone_is_e164_or_nothing(value: Any, expected: str | None) -> None:
    assert normalise.phone(value) == expected


@given(st.from_regex(phones._WRITTEN, fullmatch=True))  # what is read without the library
def test_a_number_that_is_plainly_written_is_what_the_library_reads(raw: str) -> None:
    number = phonenumbers.parse(raw, "US")
    assert phonenumbers.is_possible_number(number)
    assert phones.e164(raw) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" John.Doe@Example.COM ", "john.doe@example.com"),
        ("o'neil+x@mail.example.co", "o'neil+x@mail.example.co"),
        ("*****@hotmail.com", None),
        ("email_not_unlocked@domain.com", None),
        ("a@b", None),
        ("a b@example.com", None),
        ("a..b@example.com", None),
        ("a@-example.com", None),
        ("a@example.com, b@example.com", None),
        ("x" * 250 + "@example.com", None),
        (None, None),
        (5, None),
    ],
)
def test_an_email_is_plausible_or_nothing(value: Any, expected: str | None) -> None:
    assert normalise.email(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (False, False),
        ("N", False),
        ("Y", True),
        ("no", False),
        ("TRUE", True),
        (0, False),
        (1, True),
        (2, None),
        ("", None),
        ("maybe", None),
        (None, None),
        ([], None),
    ],
)
def test_a_flag_is_read_and_not_taken_for_true(value: Any, expected: bool | None) -> None:
    assert normalise.boolean(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        ("418000", 418_000),
        ("$1,250,000", 1_250_000),
        (Decimal("1895936.4"), 1_895_936),
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        (-1, None),
        (True, None),
        ("1e9999999", None),
        (Decimal("1e30"), None),
        (float("nan"), None),
        (float("inf"), None),
        ("NaN", None),
        ("1_000", None),
        ("٣", None),
        ("<int>", None),
        (None, None),
        ([1], None),
    ],
)
def test_an_integer_is_within_bounds_or_nothing(value: Any, expected: int | None) -> None:
    assert normalise.integer(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2.25", "2.25"),
        (2, "2"),
        (100, "100"),
        (Decimal("2.50"), "2.5"),
        (-0.0, "0"),
        ("38.889334000", "38.889334"),
        (Decimal("1E+2"), "100"),
        ("0.12345678951", "0.12345679"),
        ("Infinity", None),
        ("x", None),
    ],
)
def test_a_decimal_is_plain_digits(value: Any, expected: str | None) -> None:
    assert normalise.decimal(value) == expected


def test_text_loses_what_a_database_cannot_hold() -> None:
    assert normalise.text(" A\x00B\r\n C\ud800\u200e ") == "A B C"
    assert normalise.text("x" * 300) == "x" * 200
    assert normalise.text(8046) == "8046"
    assert normalise.text("  ") is None
    assert normalise.text(["a"]) is None
    assert normalise.text(True) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("87501-6133", "87501"), ("875016133", "87501"), (8046, "08046"), ("8046", None), ("", None), (None, None)],
)
def test_a_zip_has_five_digits(value: Any, expected: str | None) -> None:
    assert normalise.zip5(value) == expected


def test_spellings_of_one_name_fold_to_the_same() -> None:
    assert normalise.fold("O'Neil-Smith,  Jr.") == normalise.fold("oneil smith jr") == "ONEIL SMITH JR"
    assert normalise.fold("１２ Main") == "12 MAIN"
    assert normalise.fold(None) == ""


@a_few
@given(json_values | st.integers() | st.floats() | st.text())
def test_nothing_raises_whatever_a_vendor_sends(value: Any) -> None:
    for function in (normalise.text, normalise.integer, normalise.decimal, normalise.boolean, normalise.phone):
        function(value)
    for function in (normalise.email, normalise.state, normalise.zip5, normalise.fold):
        function(value)
    normalise.units(value, most=10)
    clean = normalise.text(value)
    assert clean is None or clean.encode()
