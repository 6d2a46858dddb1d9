"""The usual shapes of cells, names and rows are read by shorter ways: each gives what the long way gives."""

from __future__ import annotations

import csv
import hmac
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from buckets.imports import columns, damage, null_words, rows, value_cells
from buckets.imports.columns import FIELDS
from buckets.imports.reading import layout_of, pieces_of, rows_of
from buckets.imports.rows import Reader, Unusable
from buckets.imports.services import guess_columns
from common.values import phones
from integrations.vendors import owners
from leads.facts import batches
from leads.facts.batches import BOOKS, Incoming, contacts_of
from leads.keys import key_secrets, owner_keys
from leads.keys.owner_keys import keys_of

NEVER = re.compile(r"(?!)")
CELLS = st.text(st.sampled_from("0123456789()-.,/$#:% NAnxeEkKMdo'\"=+*_~\\é½"), max_size=14)
FILES = sorted(
    path for folder in ("files", "cases") for path in (Path(__file__).parent / folder).iterdir() if path.is_file()
)
STREETS = ("Main St", "2nd Street", "County Road 12", "E St", "N W 5th St", "St Charles Ave Apt 4", "Oak Ave #5")
NAMES = ("Smith", "GARCIA LOPEZ", "O'Neil", "Doe TR", "Acme LLC", "Surname12", "Doe & Mary", "Nguyễn", "Trst 5", "Co")
PHONES = (
    "(602) 555-0123",
    "480-555-0199",
    "602.555.0133 x12",
    "602-555-0101 (DNC)",
    "212-555-0188; 212-555-0177",
    "",
    "",
)
MARKS = ("Y", "N", "", "maybe", "DNC")
MONEY = ("$250,123", "1.2M", "(1,234)", "0", "0012", "1,23", "$ 5", "9999999999999", "-5", "")
PARCELS = (
    "015-10-0000",
    "1-2-2003",
    "12-1-03",
    "00123",
    "12-Jan",
    "2003-01-02",
    "1.23E+11",
    "99-99999",
    "1-2-2003-0004",
)
COLUMNS = ("Address", "City", "State", "Zip", "APN", "County", "Owner First Name", "Owner Last Name", "Mailing Address",
           "Mailing Zip", "Phone 1", "Phone 1 Type", "Phone 1 DNC", "Phone 2", "Phone 2 DNC", "Phone 3", "Email",
           "Estimated Value", "Do Not Call", "Beds", "Tags")  # fmt: skip


def made_rows(count: int) -> bytes:
    """Rows of usual and of odd cells, the same ones each time."""
    pick = random.Random(5).choice
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(COLUMNS)
    for n in range(count):
        mark = pick(("", "", *MARKS))
        write.writerow([
            f"{n % 211} {pick(STREETS)}", "Tucson", "AZ", "85701", pick(PARCELS), "Pima", "Ann", pick(NAMES),
            pick(("12 Oak Street Apt. 4", "PO Box 7", "Box 12 Rd", f"{n} Elm Dr", "")), "85701",
            pick(PHONES), pick(("Cell", "")),
            pick(MARKS), pick(PHONES), pick(MARKS), pick(("", "", *PHONES)), pick(("a@b.co", "A@b.co; c@d.co", "no")),
            pick(MONEY), mark, pick(("3", "007", "2.5", "studio", "10")), pick(("", "hot; warm")),
        ])  # fmt: skip
    return text.getvalue().encode()


def read(content: bytes) -> list[Any]:
    """What each row of a file becomes, with its owner's keys."""
    file = io.BytesIO(content)
    layout = layout_of(file)
    chosen = columns.decide(layout.columns, guess_columns(file, layout), {}, keep_others=True)
    reader = Reader(chosen, len(layout.columns))
    return [
        _read(reader, row) for piece in pieces_of(file, layout) for row in rows_of(piece.packed, layout.delimiter, 1)
    ]


def _read(reader: Reader, row: Any) -> Any:
    try:
        lead = reader.of_row(row)
    except Unusable as error:
        return str(error)
    incoming = Incoming(lead.property_id, lead.facts, lead.names)
    said = {"source": "file", "at": "2026-12-02T00:00:00+00:00"}
    return (
        lead,
        keys_of(contacts_of(incoming)),
        [json.loads(book or "null") for book in batches._books(lead.facts, said)],
    )


def take_long_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shorter way is closed."""
    monkeypatch.setattr(value_cells, "_WHOLE_DOLLARS", NEVER)
    monkeypatch.setattr(null_words, "_TWO_DIGITS", NEVER)
    monkeypatch.setattr(rows, "_are_plain", lambda *_: False)
    monkeypatch.setattr(owners, "is_plain", lambda _: False)
    monkeypatch.setattr(batches, "_IN_BOOKS", frozenset(FIELDS) | {"property_address", "apn", "property_city"})
    monkeypatch.setattr(damage, "_DIGITS_OF_DATE", 1000)
    owner_keys._name_keys.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [None, *FILES], ids=lambda path: path.name if path else "made")
def test_a_row_is_the_same_lead_by_the_short_way_and_by_the_long_one(
    path: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = path.read_bytes() if path else made_rows(3000)
    try:
        short = read(content)
    except ValueError:
        pytest.skip("no rows of leads can be read of it")
    take_long_ways(monkeypatch)
    assert read(content) == short
    owner_keys._name_keys.cache_clear()


@given(st.sampled_from(sorted(FIELDS)), CELLS)
def test_two_digits_that_differ_say_something_in_every_field(field: str, cell: str) -> None:
    text = cell.strip()
    if text and text.isascii() and text[0] not in "='" and null_words._TWO_DIGITS.search(text):
        assert null_words._looked_at(field, text) == text


def test_no_word_that_says_nothing_has_two_digits_that_differ() -> None:
    words = null_words._EVERYWHERE.union(null_words._MARK_EMPTY, *null_words._OWN.values())
    assert [word for word in words if null_words._TWO_DIGITS.search(word)] == []


@given(st.from_regex(r"\A\$?[0-9,]{1,17}\Z"))
def test_whole_dollars_are_what_the_long_way_reads(cell: str) -> None:
    short = value_cells.money(cell)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_cells, "_WHOLE_DOLLARS", NEVER)
        assert value_cells.money(cell) == short


@given(st.from_regex(r"\A[0-9]{1,4}(-[0-9]{1,5}){0,4}\Z"))
def test_a_parcel_number_of_digits_is_a_date_by_the_same_rule(cell: str) -> None:
    assert damage.code(cell) == (None if not cell.isdigit() and damage.looks_like_date(cell) else cell)


@given(st.text(max_size=12))
def test_what_has_no_letter_forbids_no_call(text: str) -> None:
    long = bool(phones._DO_NOT_CALL.search(text)) and not phones._ALLOWED.search(text)
    assert phones.says_do_not_call(text) == long


@given(
    st.lists(
        st.sampled_from(
            [
                "SMITH",
                "JOHN",
                "12",
                "A1",
                "TRST",
                "DOE",
                "X",
                "MARY",
                "5TH",
                "NONE",
                "OWNER",
                "LLC",
                "CO",
                "BANK",
                "THE",
            ]
        ),
        max_size=4,
    )
)
def test_a_plain_name_has_the_keys_of_the_long_way(words: list[str]) -> None:
    line = " ".join(words)
    short = owner_keys._name_keys.__wrapped__(line, is_registered=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners, "is_plain", lambda _: False)
        owners._parted.cache_clear()
        assert owner_keys._name_keys.__wrapped__(line, is_registered=True) == short


@pytest.mark.parametrize("secret", ["short", "x" * 64, "ü" * 40, settings.SECRET_KEY * 3])
def test_a_digest_is_hmac_s(secret: str) -> None:
    whole = hmac.digest(secret.encode(), b"1|+12065550143", "sha256")
    assert key_secrets.digest(secret, 1, "+12065550143") == whole


@pytest.mark.parametrize("cell", ["back\\slash", "\\N", "\\", "a\\tb"])
def test_a_backslash_is_text(cell: str) -> None:
    line = batches._line(
        {"property_address": cell, "apn": "", "owner_occupied": True},
        ["property_address", "apn", "owner_occupied"],
        {"source": "file", "at": "now"},
    )
    assert line.split("\t")[:3] == [cell.replace("\\", "\\\\"), "\\N", "true"]
    assert len(line.split("\t")) == 3 + len(BOOKS)
