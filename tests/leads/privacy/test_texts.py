"""A person in a text, however she is typed."""

from __future__ import annotations

import time

import pytest

from leads.privacy.texts import query_without, spelled_in, text_without, values_in

HERS = {(1, "+12065550150"), (2, "sean.o'neil@example.com")}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("(206) 555 - 0150", "[forgotten]"),
        ("206 - 555 - 0150", "[forgotten]"),
        ("206/555/0150, evenings", "[forgotten], evenings"),
        ("206 555 01 50", "[forgotten]"),
        ("206–555–0150", "[forgotten]"),
        ("206\u2011555\u20110150", "[forgotten]"),
        ("206\u200b555\u00a00150", "[forgotten]"),
        ("２０６-555-0150", "[forgotten]"),
        ("85702, 206-555-0150 x12", "85702, [forgotten] x12"),
        ("85702 206-555-0150 206-555-0151", "85702 [forgotten] 206-555-0151"),
        ("206,555,0150; 206|555|0150", "[forgotten]; [forgotten]"),
        ("206:555:0150", "[forgotten]"),
        ("206&#45;555-0150 &amp; 206&#x2d;555&#45;0150", "[forgotten] &amp; [forgotten]"),
        ("tel:%2B12065550150", "tel:[forgotten]"),
        ("é (1-206-555-0150)", "é [forgotten])"),
        ("Sean.O'Neil@Example.com.", "[forgotten]."),
        ("sean.o%27neil%40example.com", "[forgotten]"),
        ("id 12065550150999, 206-555-01501", "id 12065550150999, 206-555-01501"),
    ],
)
def test_her_phone_and_email_go_and_nothing_else(text: str, left: str) -> None:
    assert text_without(text, HERS) == left


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("Sean O'Neil prefers mornings", "ONEIL SEAN", "[forgotten] prefers mornings"),
        ("O’Neil, Sean: no", "ONEIL SEAN", "[forgotten]: no"),
        ("Sean O'Neil's dog", "ONEIL SEAN", "[forgotten] dog"),
        ("call José García", "GARCIA JOSE", "call [forgotten]"),
        ("call Jose\u0301 Garci\u0301a now", "GARCIA JOSE", "call [forgotten] now"),
        ("Mary Ann Smith, Smith, Mary A. and Mary Smith", "ANN MARY SMITH", "[forgotten], [forgotten]. and Mary Smith"),
        ("Zoe Adams-Li", "ADAMS LI ZOE", "[forgotten]"),
        ("Ann Q. Doe and Ann. The Doe", "ANN DOE", "[forgotten] and Ann. The Doe"),
    ],
)
def test_her_name_goes_in_any_order_and_spelling(text: str, name: str, left: str) -> None:
    assert text_without(text, (), [name]) == left


def test_the_filters_of_an_address_are_read_one_by_one() -> None:
    assert query_without("q=%28206%29+555-0150&status=new", HERS) == "q=%5Bforgotten%5D&status=new"
    assert query_without("q=Sean+O%27Neil&a=", (), ["ONEIL SEAN"]) == "q=%5Bforgotten%5D&a="
    assert query_without("q=%28303%29+555-0150&b=", HERS, ["ONEIL SEAN"]) == "q=%28303%29+555-0150&b="


@pytest.mark.parametrize(
    ("line", "key", "spelled"),
    [
        ("Tom and Sean O'Neil", "ONEIL TOM", "Tom O'Neil"),
        ("Zoe Adams-Li & John Smith", "ADAMS LI ZOE", "Zoe Adams-Li"),
        ("José M. García & Ann Q Doe", "GARCIA JOSE", "José M. García"),
        ("SMITH FAM TR", "FAMILY SMITH TRUST", "FAMILY SMITH TRUST"),
    ],
)
def test_who_is_left_of_a_line_keeps_the_spelling(line: str, key: str, spelled: str) -> None:
    assert spelled_in(line, key) == spelled


def test_a_text_made_to_be_slow_is_read_in_no_time() -> None:
    before = time.process_time()
    for text in (
        "1 " * 2000,
        "a" * 40_000 + "@",
        "a@" * 10_000,
        "+" * 40_000,
        "%41" * 10_000,
        "(1" * 2000,
        "1," * 9000,
        "&#4" * 9000,
    ):
        assert [*values_in(text)] == []
        text_without(text, (), ["ANN DOE"])
    assert time.process_time() - before < 3
