"""By which keys an owner is known: the pairs and traps of names and mailing addresses."""

from __future__ import annotations

import pytest

from integrations.vendors.addresses import mailing_key
from leads.keys.owner_keys import EMAIL, OWNER, PHONE, keys_of, name_keys

POST = {
    "mailing_address": "12 Main Street Apt. 4",
    "mailing_city": "Reno",
    "mailing_state": "NV",
    "mailing_zip": "89501",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SMITH JOHN", "John Smith"),
        ("SMITH, JOHN A", "John A. Smith"),
        ("SMITH JOHN ET AL", "SMITH JOHN"),
        ("SMITH JOHN TRS", "John Smith, Trustee"),
        ("SMITH JOHN H&W", "John Smith"),
        ("SMITH JOHN JR", "John Smith III"),
        ("O'NEIL JANE", "Jane O’Neil"),
        ("NUNEZ JOSE", "José Núñez"),
        ("ACME HOMES LLC", "Acme Homes, L.L.C."),
        ("THE ACME CO", "Acme Company"),
        ("THE SMITH FAMILY TRUST", "SMITH FAM TR"),
        ("CO MARIA", "Maria Co"),
        ("SMITH JOHN AND", "SMITH JOHN"),
        ("SMITH JOHN &", "SMITH JOHN"),
        ("NORTHERN TRUST COMPANY", "Northern Trust Co."),
    ],
)
def test_two_spellings_of_one_owner_are_one_name(one: str, other: str) -> None:
    assert name_keys(one) == name_keys(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ACME HOLDINGS II LLC", "ACME HOLDINGS III LLC"),
        ("SMITH JOHN", "SMITH JAMES"),
        ("SMITH JOHN", "SMITH FAMILY TRUST"),
        ("CO MARIA", "MARIA LLC"),
        ("NORTHERN TRUST COMPANY", "NORTHERN TRUST"),
    ],
)
def test_two_owners_are_two_names(one: str, other: str) -> None:
    assert name_keys(one) != name_keys(other)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("SMITH JOHN & MARY", ["JOHN SMITH", "MARY SMITH"]),
        ("John and Mary Smith", ["JOHN SMITH", "MARY SMITH"]),
        ("SMITH JOHN & JONES MARY", ["JOHN SMITH", "JONES MARY"]),
        ("SMITH JOHN ETUX MARY", ["JOHN SMITH", "MARY SMITH"]),
    ],
)
def test_a_couple_is_two_owners_and_the_second_borrows_the_family(line: str, names: list[str]) -> None:
    assert name_keys(line) == names


@pytest.mark.parametrize(
    "line",
    [
        None,
        "",
        "SMITH",
        "UNKNOWN OWNER",
        "CURRENT OCCUPANT",
        "OWNER OF RECORD",
        "NOT AVAILABLE",
        "N/A",
        "12 MAIN",
        "TAX PAYER",
        "FIRST BAPTIST",
        "TRUST COMPANY",
    ],
)
def test_who_is_nobody_is_no_key(line: str | None) -> None:
    assert name_keys(line) == []


def test_co_is_a_form_where_the_owner_is_known_to_be_a_company() -> None:
    assert name_keys("Maria Co", owner_type="corporation") == ["MARIA"]


@pytest.mark.parametrize(
    "street", ["12 Main Street Apt. 4", "12 MAIN ST #4", "12 Main St Unit 4", "12 main st., ste 4", "12 Main St 4"]
)
def test_spellings_of_a_mailing_address_are_one(street: str) -> None:
    assert mailing_key(street, "89501-1234") == "12 MAIN ST 4|89501"


@pytest.mark.parametrize("street", ["P.O. Box 7", "PO BOX NO. 7", "POB 7", "P O BOX 7", "Box 7", "Post Office Box 7"])
def test_spellings_of_a_po_box_are_one(street: str) -> None:
    assert mailing_key(street, "89501") == "PO BOX 7|89501"


def test_a_floor_a_building_and_an_apartment_are_three() -> None:
    lines = ("12 Main St Fl 4", "12 Main St Bldg 4", "12 Main St Apt 4")
    assert len({mailing_key(line, "89501") for line in lines}) == 3
    assert mailing_key("12 Main St Floor 4", "89501") == mailing_key(lines[0], "89501")


def test_a_name_alone_and_an_address_alone_are_no_key() -> None:
    assert keys_of({"owner_name": "John Smith"}) == keys_of(POST) == []
    assert keys_of({"owner_name": "John Smith", **POST, "mailing_zip": None}) == []
    assert keys_of({"owner_name": "John Smith", **POST, "mailing_address": "Main St"}) == []


def test_a_lead_has_a_key_for_each_number_each_e_mail_and_both_owners() -> None:
    lead = {
        **POST,
        "owner_name": "SMITH JOHN & MARY",
        "second_owner_name": "Jones, Ann",
        "phone": "+12065550143",
        "secondary_phone": "+12065550144",
        "email": "Jo@Example.com",
        "other_facts": {
            "phone": [{"value": "+12065550145", "source": "file", "at": "2026-01-01"}, {"value": "+12065550143"}],
            "email": [{"value": "jo@example.org", "source": "trace", "at": "2026-01-01"}],
        },
    }
    assert [(key.kind, key.value, key.hint, key.role, key.position) for key in keys_of(lead)] == [
        (PHONE, "+12065550143", "…0143", 1, 0),
        (PHONE, "+12065550144", "…0144", 2, 0),
        (PHONE, "+12065550145", "…0145", 2, 1),
        (EMAIL, "jo@example.com", "j…@example.com", 3, 0),
        (EMAIL, "jo@example.org", "j…@example.org", 3, 1),
        (OWNER, "JOHN SMITH|12 MAIN ST 4|89501", "JOHN SMITH", 4, 0),
        (OWNER, "MARY SMITH|12 MAIN ST 4|89501", "MARY SMITH", 4, 1),
        (OWNER, "ANN JONES|12 MAIN ST 4|89501", "ANN JONES", 4, 2),
    ]


def test_an_id_alone_has_no_key() -> None:
    assert keys_of({}) == []
