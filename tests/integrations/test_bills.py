"""A vendor's bill: read from whatever its CSV looks like, refused with line numbers, stored all or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from common.dates import day as shown_day
from integrations.ledger import catalogue
from integrations.models import BilledDay, VendorCall
from integrations.operating import bills, books
from tests.admin_site import staff, superuser, words
from tests.command_line import assert_refused, run
from tests.integrations.doubtful import doubtful

TODAY = date(2026, 11, 29)
DAY = (timezone.now() - timedelta(days=1)).date()  # for what a page shows of the last month
US = f"{DAY:%m/%d/%Y}"
PAGE = "/admin/integrations/vendor/realestateapi/bill/"


def read(text: str | bytes) -> list[tuple[str, str | None, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [
        (str(d.day), None if d.units is None else f"{d.units:f}", f"{d.amount:.2f}")
        for d in bills.read(data, today=TODAY)
    ]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("date,units,amount\n2026-11-28,200,10.00\n", [("2026-11-28", "200", "10.00")]),
        ('Date,Credits,Amount (USD)\n11/28/2026,"1,200","$1,060.50"\n', [("2026-11-28", "1200", "1060.50")]),
        ("\ufeffDay;Quantity;Total\r\nNov 28, 2026;3;$0.15\r\n", [("2026-11-28", "3", "0.15")]),
        ("Usage Date\tCost\n2026-11-28T23:10:00Z\t1\n", [("2026-11-28", None, "1.00")]),
        ("2026-11-27,20,1\n2026-11-28,40,2\n", [("2026-11-27", "20", "1.00"), ("2026-11-28", "40", "2.00")]),
        ("Invoice 118\n\nACME Data LLC\n\nDate,Charge\n11/28/26,(1.50)\n", [("2026-11-28", None, "-1.50")]),
        ("date,product,amount\n2026-11-28,detail,1\n2026-11-28,trace,2.5\n", [("2026-11-28", None, "3.50")]),
        ("date,units,amount\n2026-11-28,1,1\n2026-11-28,,1\nTotal,1,2\n\n", [("2026-11-28", None, "2.00")]),
        ("Date,Unit price,Amount,Tax\n2026-11-28,0.05,USD 2,9\n", [("2026-11-28", None, "2.00")]),
        ("date,amount\n2026-11-28,3\n".encode("utf-16"), [("2026-11-28", None, "3.00")]),
    ],
)
def test_a_bill_is_read_whatever_it_looks_like(text: str | bytes, days: list[Any]) -> None:
    assert read(text) == days


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "date,units,amount\n2026-11-28,1,1\n2026-11-31,1,1\n",
            "1 row cannot be read: line 3: '2026-11-31' is not a day",
        ),
        (
            'date,amount\n2026-11-28,"a\nb"\n2026-11-27,NaN\n',
            "2 rows cannot be read: line 2: 'a\\nb' is not an amount; line 4",
        ),
        ("date,amount\n2026-11-28,1e5\n", "line 2: '1e5' is not an amount"),
        ('date,amount\n2026-11-28,"1,50"\n', "line 2: '1,50' is not an amount"),
        ("date,amount\n2026-11-28,\n", "line 2: an amount is missing"),
        ("date,units,amount\n2026-11-28,-3,1\n", "line 2: '-3' is not a number of units"),
        ("date,units,amount\n2026-11-28,0.00001,1\n", "has more than four decimals"),
        ("date,amount\n2027-11-28,1\n", "line 2: Nov 28, 2027 is not a day that can have been billed"),
        ("date,amount\n28/11/2026,1\n", "line 2: '28/11/2026' is not a day"),
        ("date,amount\n2026-11-28,99999999999\n", "is too large"),
        ("name,phone\nAnn,1\n", "No columns named like Date and Amount are in it."),
        ("date,amount\n", "No row of it is a day"),
        ("", "It is empty."),
        (b"PK\x03\x04rest", "It is no CSV: export the bill as CSV first."),
    ],
)
def test_a_bad_row_is_named_with_its_line(text: str | bytes, told: str) -> None:
    with pytest.raises(bills.BadBill) as refusal:
        read(text)
    assert told in str(refusal.value)


# --- Storing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann")


def upload(ann: User, text: str, *, replace: bool = False) -> bills.Uploaded:
    days = bills.read(text.encode(), today=max(TODAY, DAY))
    return bills.upload(vendor=catalogue.vendor("realestateapi"), days=days, by=ann, replace=replace)


def stored() -> list[tuple[str, Decimal]]:
    return [(str(row.day), row.amount) for row in BilledDay.objects.order_by("day")]


def test_a_second_upload_replaces_only_where_that_was_said(ann: User) -> None:
    first = upload(ann, "date,amount\n2026-11-27,1\n2026-11-28,2\n")
    assert (first.added, first.replaced, first.unchanged) == (2, 0, 0)
    again = "date,amount\n2026-11-28,2.5\n2026-11-29,3\n"

    with pytest.raises(bills.AlreadyBilled) as refusal:
        upload(ann, again)
    assert str(refusal.value) == "1 day is stored already, with other numbers: Nov 28, 2026: $2.00 → $2.50."
    assert stored() == [("2026-11-27", 1), ("2026-11-28", 2)]

    second = upload(ann, again, replace=True)
    assert (second.added, second.replaced, second.unchanged) == (1, 1, 0)
    assert stored() == [("2026-11-27", 1), ("2026-11-28", Decimal("2.5")), ("2026-11-29", 3)]
    assert upload(ann, again).unchanged == 2


def test_the_command_takes_a_bill_and_says_what_it_replaces(ann: User, tmp_path: Path) -> None:
    file = tmp_path / "november.csv"
    file.write_text(f"date,units,amount\n{US},200,$10.00\n")
    command = ("vendors", "bill", "realestateapi", file, "--user", "ann")

    assert run(*command).out == ("realestateapi: Bill uploaded: $10.00; days: 1 added, 0 replaced, 0 unchanged.\n")
    file.write_text(f"date,units,amount\n{US},200,$12.00\n{US},oops,$1\n")
    assert "line 3: 'oops' is not a number of units" in run(*command).err
    file.write_text(f"date,units,amount\n{US},200,$12.00\n")
    assert_refused(
        run(*command),
        f"1 day is stored already, with other numbers: {shown_day(DAY)}: $10.00 → $12.00. With --replace these numbers "
        "take their place. Nothing was stored.",
    )
    assert stored() == [(f"{DAY}", 10)]
    assert run(*command, "--replace").status == 0
    assert stored() == [(f"{DAY}", 12)]
    assert_refused(run("vendors", "bill", "apollo", "--user", "ann"), "vendors bill NAME takes FILE.")


@pytest.mark.django_db
def test_a_bill_is_uploaded_on_the_vendors_page_and_replaces_after_saying_so() -> None:
    client = superuser()[1]
    catalogue.vendor("realestateapi")

    def send(text: str) -> Any:
        client.cookies.pop("messages", None)
        return client.post(PAGE, {"confirmed": "Upload", "file": SimpleUploadedFile("b.csv", text.encode())})

    assert b"multipart/form-data" in client.get(PAGE).content
    assert words(send(f"date,amount\n{DAY},10\n")) == ["Bill uploaded: $10.00; days: 1 added, 0 replaced, 0 unchanged."]
    bad = send(f"date,amount\n{DAY},ten\n")
    assert bad.context["form"].errors["file"] == ["1 row cannot be read: line 2: 'ten' is not an amount."]
    asked = send(f"date,amount\n{DAY},12\n")
    assert f"{shown_day(DAY)}: $10.00 → $12.00" in asked.content.decode()
    assert stored() == [(f"{DAY}", 10)]
    days = asked.context["form"]["days"].value()
    forged = client.post(PAGE, {"confirmed": "x", "days": f"{days}x"})
    assert (forged.status_code, stored()) == (200, [(f"{DAY}", 10)])
    assert client.post(PAGE, {"confirmed": "Replace them", "days": days}).status_code == 302
    assert stored() == [(f"{DAY}", 12)]
    assert "$12.00" in client.get("/admin/integrations/vendor/realestateapi/change/").content.decode()


@pytest.mark.django_db
def test_only_who_may_change_vendors_uploads_a_bill() -> None:
    catalogue.vendor("realestateapi")
    file = SimpleUploadedFile("b.csv", f"date,amount\n{DAY},10\n".encode())
    assert staff()[1].post(PAGE, {"confirmed": "Upload", "file": file}).status_code == 403
    assert stored() == []


# --- Compared ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("billed", "difference", "told"),
    [
        ("0.30", "0", "agrees"),
        ("0.40", "0", "agrees, with what is held"),
        ("0.55", "0.15", "the bill has $0.15 more than our books"),
        ("0.25", "-0.05", "the bill has $0.05 less than our books"),
    ],
)
def test_a_bill_is_compared_with_what_is_spent_and_held_that_day(
    billed: str, difference: str, told: str, ann: User
) -> None:
    noon = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    paid: dict[str, Any] = {"state": "settled", "category": "", "units": 6, "cost": Decimal("0.30")}
    doubtful(ann, "run:a", at=noon, excess=Decimal("0.05"), **paid)
    doubtful(ann, "run:b", at=noon)
    doubtful(ann, "run:c", at=noon, operation="apollo_people")
    upload(ann, f"date,amount\n{DAY},{billed}\n")

    (day,) = books.days_of("realestateapi", since=DAY - timedelta(days=20))

    assert (day.spent, day.held, day.excess, day.units) == (Decimal("0.30"), Decimal("0.10"), Decimal("0.05"), 6)
    assert (day.difference, day.in_words) == (Decimal(difference), told)
    assert VendorCall.objects.count() == 3
