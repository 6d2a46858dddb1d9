"""The one line in which a county writes who owns a property: told apart rightly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.vendors import owners
from integrations.vendors.owners import Likeness
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
        ("Ann Quixote", ("Ann", "Quixote")),
        ("Thomas Doe", ("Thomas", "Doe")),
        ("Ann Marie Quixote", ("Ann", "Quixote")),
        ("Lopez Carlos", ("Carlos", "Lopez")),
        ("Thompson Tyler", ("Tyler", "Thompson")),
        ("Hernandez Guadalupe", ("Guadalupe", "Hernandez")),
        ("THOMAS ROBERT TRS", ("ROBERT", "THOMAS")),
        ("ROBERT THOMAS & MARY THOMAS", ("ROBERT", "THOMAS")),
        ("Quixote Zelda Etal", ("Zelda", "Quixote")),
        ("Zelda Quixote", None),
        ("Quixote Thomas", None),
        ("Zelda Ann Quixote", None),
        ("JAMES ROBERT", None),
        ("ETAL DOE TR", None),
        ("ANN ETAL DOE", None),
        ("ROBERT JAMES", None),
        ("JOHN SMITH TRS", None),
        ("MARIA GARCIA LOPEZ", None),
        ("GARCIA LOPEZ MARIA", None),
        ("GARCIA LOPEZ ZELDA ETAL", None),
        ("MARIA LOPEZ DE LEON", None),
        ("JOHN SMITH, MARY", None),
        ("SMITH & MARY JONES", None),
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


@pytest.mark.parametrize(
    ("found", "asked", "like"),
    [
        (("Danielle", "Doe"), ("Dan", "Doe"), Likeness.FAMILY),
        (("Christina", "Doe"), ("Chris", "Doe"), Likeness.SAME),
        (("Christina", "Doe"), ("Christopher", "Doe"), Likeness.FAMILY),
        (("Maria", "Doe"), ("Mari", "Doe"), Likeness.FAMILY),
        (("D", "Doe"), ("Dan", "Doe"), Likeness.SAME),
        (("Bo", "Doe"), (None, "Doe"), Likeness.UNKNOWN),
        ((None, "Doe"), (None, "Doe"), Likeness.UNKNOWN),
        (("Bo", "Roe"), (None, "Doe"), Likeness.OTHER),
    ],
)
def test_a_given_name_is_the_same_as_its_known_short_forms_and_initial_only(
    found: tuple[str | None, str], asked: tuple[str | None, str], like: Likeness
) -> None:
    assert owners.likeness(*found, asked_first=asked[0], asked_last=asked[1]) == like


def test_a_word_of_a_companys_or_an_offices_name_makes_nobody_its_owner() -> None:
    for line, person in (
        ("GREEN HOMES LLC", ("Tenant", "Green")),
        ("CITY OF AUSTIN", ("Steve", "Austin")),
        ("FIRST WATER AUTHORITY", ("Ann", "Water")),
    ):
        assert owners.likeness(*person, asked_first=None, asked_last=None, owner=line) == Likeness.OTHER
    trust = owners.likeness("Ann", "Green", asked_first=None, asked_last=None, owner="GREEN FAMILY TRUST")
    assert trust == Likeness.UNKNOWN


def test_a_family_called_co_or_bank_is_no_company() -> None:
    assert not any(owners.is_company(name) for name in ("CO MARIA", "Co, Maria", "Maria Co", "Tim Bank", "BANK TIM"))
    assert all(owners.is_company(name) for name in ("Acme Co", "First Bank", "BANK OF TIM", "Tim Savings Bank"))


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
