from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.values.bounds import CAP, FRESH_DAYS, PRICE
from tests.test_furniture import REQUIRED, loaded

AS_WRITTEN = {"0": "0", "0.05": "0.05", "0.0125": "0.0125", "99999": "99999", "1E+3": "1000", "-0": "0", " 2 ": "2"}
NO_PRICES = ["", "free", "-0.01", "99999.0001", "0.00005", "1e-9", "NaN", "sNaN", "Infinity", "1e999999"]


@pytest.mark.parametrize(("text", "value"), AS_WRITTEN.items())
def test_a_price_is_read_as_it_was_written(text: str, value: str) -> None:
    assert str(PRICE.read(text)) == value


def test_noughts_after_the_last_decimal_do_no_harm() -> None:
    assert str(PRICE.read("0.0500000")) == "0.0500"


@pytest.mark.parametrize("text", NO_PRICES)
def test_what_is_no_price_is_refused(text: str) -> None:
    assert PRICE.read(text) is None


def test_money_of_a_cap_has_two_decimals_and_days_have_none() -> None:
    assert (CAP.read("12.50"), CAP.read("12.505")) == (Decimal("12.50"), None)
    assert (FRESH_DAYS.read("3650"), FRESH_DAYS.read("3651"), FRESH_DAYS.read("1.5")) == (Decimal(3650), None, None)


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("PRICE_SKIP_TRACE", "0.00005", "a number from 0 to 99,999 with at most 4 decimals"),
        ("PRICE_PROPERTY_DETAIL", "100000", "a number from 0 to 99,999 with at most 4 decimals"),
        ("PRICE_APOLLO_PEOPLE", "-1", "a number from 0 to 99,999 with at most 4 decimals"),
        ("FRESH_PROPERTY_DETAIL", "1000000", "a whole number from 0 to 3,650"),
        ("PACE_PROPERTY_SEARCH", "100001", "a number from 0 to 100,000 with at most 2 decimals"),
        ("BATCH_SKIP_TRACE", "0", "a whole number from 1 to 1,000"),
        ("BATCH_SKIP_TRACE", "2.5", "a whole number from 1 to 1,000"),
        ("MONTHLY_BUDGET", "10.005", "a number from 0 to 999,999,999 with at most 2 decimals"),
        ("DAILY_CAP_APOLLO", "1e12", "a number from 0 to 999,999,999 with at most 2 decimals"),
        ("RUN_LIMIT", "3000000000", "a whole number from 1 to 2,147,483,647"),
        ("TOKEN_DAYS", "1000000000", "a whole number from 1 to 36,500"),
        ("VENDOR_READ_TIMEOUT", "0", "a number from 0.1 to 3,600 with at most 3 decimals"),
    ],
)
def test_a_setting_out_of_bounds_stops_the_start_and_says_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, allowed: str
) -> None:
    words = rf"^{name}='{re.escape(text)}' is not {re.escape(allowed)}\. It sets .+\. Example: {name}=\S+$"
    with pytest.raises(ImproperlyConfigured, match=words):
        loaded(monkeypatch, REQUIRED | {name: text})
