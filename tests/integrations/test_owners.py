"""The one line in which a county writes who owns a property: told apart rightly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import owners
from integrations.owners import Likeness
from tests.integrations.samples import a_few


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("DOE, ANN", ("ANN", "DOE")),
        ("Doe,Ann B", ("Ann", "Doe")),
        ("DOE ANN ETAL", ("ANN", "DOE")),
        ("DOE ANN ET AL", ("ANN", "DOE")),
        ("DOE ANN TRS", ("ANN", "DOE")),
        ("DOE ANN TR", ("ANN", "DOE")),
        ("DOE ANN (TRUSTEE)", ("ANN", "DOE")),
        ("DOE, ANN, TRUSTEE", ("ANN", "DOE")),
        ("DOE JOHN A & JANE B H&W", ("JOHN", "DOE")),
        ("DOE JOHN ET UX MARY", ("JOHN", "DOE")),
        ("DOE JOHN LIFE ESTATE", ("JOHN", "DOE")),
        ("SMITH JOHN & MARY", ("JOHN", "SMITH")),
        ("SMITH, JOHN & MARY", ("JOHN", "SMITH")),
        ("JOHN & MARY SMITH", ("JOHN", "SMITH")),
        ("JOHN SMITH AND MARY SMITH", ("JOHN", "SMITH")),
        ("SMITH JOHN JR", ("JOHN", "SMITH")),
        ("SMITH, JOHN A III", ("JOHN", "SMITH")),
        ("Zelda Quixote", ("Zelda", "Quixote")),
        ("QUIXOTE ZELDA ETAL", ("ZELDA", "QUIXOTE")),
        ("QUIXOTE ZELDA & OTTO", ("ZELDA", "QUIXOTE")),
        ("VAN DYKE, DICK", ("DICK", "VAN DYKE")),
        ("DE LA CRUZ MARIA", ("MARIA", "DE LA CRUZ")),
        ("MARIA DE LA CRUZ", ("MARIA", "DE LA CRUZ")),
        ("CO MARIA", ("MARIA", "CO")),
        ("O'BRIEN, PAT", ("PAT", "O'BRIEN")),
        ("DOE ANN C/O FIRST BANK", ("ANN", "DOE")),
        ("QUIXOTE ZELDA", None),
        ("JAMES THOMAS", None),
        ("SMITH JOHN, MARY", None),
        ("SMITH & JONES", None),
        ("SMITH FAMILY TRUST", None),
        ("ESTATE OF JOHN DOE", None),
        ("ACME HOLDINGS LLC", None),
        ("SMITH & SONS CO", None),
        ("CITY OF AUSTIN", None),
        ("UNKNOWN OWNER", None),
        ("C/O JOHN SMITH", None),
        ("Unit 4 Owner", None),
        ("MADONNA", None),
        ("", None),
        (None, None),
    ],
)
def test_first_and_last_name_are_told_rightly_or_not_at_all(line: str | None, told: tuple[str, str] | None) -> None:
    assert owners.first_and_last(line) == told


def test_a_couple_is_two_people_and_the_second_borrows_the_family() -> None:
    assert owners.people("SMITH JOHN & DOE MARY") == [frozenset({"SMITH", "JOHN"}), frozenset({"DOE", "MARY"})]
    both = owners.people("SMITH JOHN & MARY")
    assert both[0] == {"SMITH", "JOHN"}
    assert both[1] >= {"SMITH", "MARY"}
    assert owners.people("ACME LLC") == []


@pytest.mark.parametrize(
    ("name", "owner_type", "is_business"),
    [
        ("Acme, L.L.C.", "", True),
        ("First National Bank", "", True),
        ("City of Austin", "other", True),
        ("Trinity Real Estate Holdings", "", True),
        ("Acme Co", "", True),
        ("Willow Grove", "corporation", True),
        ("DOE FAMILY TRUST", "trust", False),
        ("ESTATE OF JOHN DOE", "other", False),
        ("John Doe", "individual", False),
        ("CO MARIA", "", False),
        ("", "llc", False),
    ],
)
def test_a_business_is_what_trades_under_its_name(name: str, owner_type: str, is_business: bool) -> None:
    assert owners.is_business(name, owner_type) is is_business


def test_a_companys_spellings_share_a_key() -> None:
    spellings = ("Acme Homes, L.L.C.", "ACME HOMES LLC", "The Acme Homes Company, Inc.", "acme homes", "Acme Homes Co.")
    assert {owners.company_key(name) for name in spellings} == {"ACME HOMES"}
    assert owners.company_key("Smith & Sons") == owners.company_key("SMITH AND SONS, LTD")
    assert owners.company_key("LLC") == "LLC"


def test_the_likeness_of_somebody_to_nobody_is_unknown() -> None:
    assert owners.likeness("Tom", "Roe", asked_first=None, asked_last=None) == Likeness.UNKNOWN
    assert owners.likeness(None, None, asked_first="John", asked_last="Doe") == Likeness.UNKNOWN


@a_few
@given(st.text(max_size=60) | st.sampled_from(["&", ", ,", "ETAL", "(", "& & &", "A B C D E", "TRS TRS", "C/O", "%"]))
def test_any_line_is_told_apart_or_not_and_never_breaks(line: str) -> None:
    told = owners.first_and_last(line)
    assert told is None or all(name.strip() for name in told)
    owners.people(line)
    owners.is_company(line)
    owners.is_business(line)
    owners.likeness(line, line, asked_first=line, asked_last=line, owner=line)
