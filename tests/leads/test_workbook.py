"""Leads as an Excel workbook: what its cells are, that nothing in them is a formula, that a million need no memory."""

from __future__ import annotations

import io
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from django.db.models import F

from buckets.services import create_bucket
from leads.models import Lead
from leads.selection import workbook
from leads.selection.disclosures import Via, export_counted
from leads.selection.export import Format, Layout
from leads.selection.export_columns import HEADER, NAMES
from leads.selection.workbook import workbook_pieces
from leads.services import add_tag
from tests.support import contacts_told, make_user

pytestmark = pytest.mark.django_db
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DAYS_FROM = datetime(1899, 12, 30)  # noqa: DTZ001  # a spreadsheet knows no time zone


def made(leads: Any, *columns: str, time_zone: str = "UTC") -> ZipFile:
    layout = Layout(columns or NAMES, Format.XLSX, time_zone=time_zone)
    return ZipFile(io.BytesIO(b"".join(piece for piece, _ in workbook_pieces(leads, layout))))


def rows_of(book: ZipFile, sheet: int = 1) -> list[list[tuple[str, str] | None]]:
    """Each cell's type ("" is a number) and text, or None."""
    shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    texts = ["".join(node.itertext()) for node in shared]
    root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # our own
    cells = [list(row.iter(f"{MAIN}c")) for row in root.iter(f"{MAIN}row")]
    return [[_read(cell, texts) for cell in row] for row in cells]


def _read(cell: Any, shared: list[str]) -> tuple[str, str] | None:
    assert cell.find(f"{MAIN}f") is None  # no formula, ever
    value, kind = cell.findtext(f"{MAIN}v"), cell.get("t", "")
    if kind == "s":
        return "header", shared[int(value)]
    return None if value is None else (kind, value)


@pytest.fixture
def bucket() -> Any:
    return create_bucket(by=make_user("ann"), name="Leads", property_ids=["11", "12"])[0]


def test_every_kind_of_cell_is_its_own_and_no_text_is_a_formula(bucket):
    Lead.objects.filter(property_id="11").update(
        apn="0123", property_zip="02134", owner_name="=1+1", contact_name="José & <Söhne>", mailing_address=" @SUM(A1)",
        property_city="a_x0041_b", phone="+12065550100", bathrooms="2.50", estimated_value=400_000, vacant=True,
        absentee_owner=False, last_sale_date=date(2020, 2, 29), callback_at=datetime(2026, 12, 1, 22, 30, tzinfo=UTC),
    )  # fmt: skip
    names = ("apn", "zip", "ownerName", "contactName", "mailingAddress", "city", "phone", "bathrooms", "estimatedValue",
             "vacant", "absenteeOwner", "lastSaleDate", "callbackAt", "email")  # fmt: skip

    header, first, second = rows_of(made(bucket.leads.all(), *names, time_zone="America/New_York"))

    assert [cell and cell[1] for cell in header] == [
        "APN", "ZIP", "Owner", "Skip-traced person", "Mailing address", "City", "Phone", "Baths", "Estimated value",
        "Vacant", "Absentee owner", "Last sale date", "Call back at", "E-mail",
    ]  # fmt: skip
    assert first[:11] == [
        ("str", "0123"), ("str", "02134"), ("str", "=1+1"), ("str", "José & <Söhne>"), ("str", " @SUM(A1)"),
        ("str", "a_x005F_x0041_b"), ("str", "+12065550100"), ("", "2.50"), ("", "400000"), ("b", "1"), ("b", "0"),
    ]  # fmt: skip
    days = [float(cell[1]) for cell in first[11:13] if cell and cell[0] == ""]
    assert DAYS_FROM + timedelta(days=days[0]) == datetime(2020, 2, 29)  # noqa: DTZ001
    assert abs(DAYS_FROM + timedelta(days=days[1]) - datetime(2026, 12, 1, 17, 30)) < timedelta(seconds=1)  # noqa: DTZ001
    assert first[13] is None and second == [None] * 14


@pytest.mark.parametrize(
    "text", ["a\x01b", "line\nbreak", "tab\there", "return\rhere", "\ufffe", "電話 🏠", "x" * 40_000]
)
def test_odd_characters_make_no_broken_workbook(bucket, text):
    Lead.objects.update(data={"Note": text})

    header, first, _ = rows_of(made(bucket.leads.all(), "customFields"))

    wanted = text.replace("\x01", "").replace("\ufffe", "").replace("\r", "_x000D_")[:32_767]
    assert (header, first) == ([("header", "Note")], [("str", wanted)] if wanted else [None])


def test_a_day_before_those_that_spreadsheets_count_is_a_text(bucket):
    for property_id, day in (("11", date(1899, 12, 31)), ("12", date(1900, 3, 1))):
        Lead.objects.filter(property_id=property_id).update(last_sale_date=day)

    _, *cells = rows_of(made(bucket.leads.all(), "lastSaleDate", "apn"))
    assert cells == [[("str", "1899-12-31"), None], [("", "61"), None]]


def test_dates_and_moments_look_like_some(bucket):
    Lead.objects.update(last_sale_date=date(2020, 1, 2), callback_at=datetime(2026, 1, 2, tzinfo=UTC))

    book = made(bucket.leads.all(), "lastSaleDate", "callbackAt")

    sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    styles = ElementTree.fromstring(book.read("xl/styles.xml"))
    codes = {node.get("numFmtId"): node.get("formatCode") for node in styles.iter(f"{MAIN}numFmt")}
    formats = [codes.get(node.get("numFmtId")) for node in styles.find(f"{MAIN}cellXfs") or ()]
    cells = list(sheet.iter(f"{MAIN}c"))[2:4]
    assert [formats[int(cell.get("s", "0"))] for cell in cells] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]


def test_a_full_sheet_is_followed_by_another(bucket, monkeypatch):
    create_bucket(by=bucket.owner, name="More", property_ids=[str(n) for n in range(100, 105)])
    monkeypatch.setattr(workbook, "ROWS_MOST", 3)

    book = made(Lead.objects.all(), "propertyId")

    sheets = [[cell[1] for (cell,) in rows_of(book, number) if cell] for number in (1, 2, 3)]
    assert sheets == [["Property ID", "11", "12", "100"], ["Property ID", "101", "102", "103"], ["Property ID", "104"]]
    names = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
    assert [sheet.get("name") for sheet in names] == ["Leads", "Leads 2", "Leads 3"]
    selected = [b'tabSelected="1"' in book.read(f"xl/worksheets/sheet{number}.xml") for number in (1, 2, 3)]
    assert (selected, book.testzip()) == ([True, False, False], None)
    assert b"<dimension" not in book.read("xl/worksheets/sheet1.xml")


def test_a_sheet_that_is_just_full_is_the_only_one(bucket, monkeypatch):
    monkeypatch.setattr(workbook, "ROWS_MOST", 2)

    book = made(Lead.objects.all(), "propertyId")

    assert [name for name in book.namelist() if "sheet" in name] == ["xl/worksheets/sheet1.xml"]


def test_no_leads_are_a_header(bucket):
    assert rows_of(made(Lead.objects.filter(estimated_value__gte=10**30))) == [[("header", name) for name in HEADER]]
    assert len(rows_of(made(Lead.objects.none(), "apn"))) == 1


def test_tags_and_what_else_comes_from_other_tables(bucket):
    for name in ("=call", "Absentee"):
        add_tag(leads=list(Lead.objects.filter(property_id="11")), name=name)

    rows = rows_of(made(bucket.leads.all(), "tags"))

    assert rows[1:] == [[("str", "=call; Absentee")], [None]]


@pytest.mark.django_db(transaction=True)  # cancelling the COPY would end the test's own transaction
def test_a_reader_that_goes_away_is_recorded_with_what_had_left_and_leaves_nothing(bucket, monkeypatch):
    create_bucket(by=bucket.owner, name="Big", property_ids=[str(n) for n in range(1000, 3000)])
    monkeypatch.setattr(workbook, "PIECE", 100)
    pieces = export_counted(Lead.objects.all(), by=bucket.owner, via=Via.API, layout=Layout(format=Format.XLSX))

    sent = next(pieces)[1] + next(pieces)[1]
    pieces.close()

    assert 0 < sent < 2000
    assert [leads for *_, leads in contacts_told()] == [None, sent]
    assert Lead.objects.count() == 2002  # the connection is of use


@pytest.mark.long
def test_memory_stays_flat_however_many_rows():
    create_bucket(by=make_user("ann"), name="Big", property_ids=[str(n) for n in range(1, 20_001)])
    Lead.objects.update(owner_name=F("property_id"), property_address="y" * 100)
    count = 0

    tracemalloc.start()
    for _, brought in workbook_pieces(Lead.objects.all(), Layout(format=Format.XLSX)):
        count += brought
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 20_000
    assert peak < 4_000_000, peak
