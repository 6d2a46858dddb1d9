"""A vendor's bill as a CSV: read tolerantly, stored by day all or nothing, and replaced only where that was said."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from common import dates
from common.db.clock import database_now
from integrations.ledger.budgets import MONEY
from integrations.locks import lock_vendor
from integrations.models import BilledDay, Vendor

BYTES_MAX = 2 * 1024 * 1024  # a year of bills, ten products a day, is 200 KB
NAMED_AT_MOST = 10  # bad rows a refusal names; more would not help the operator
PREAMBLE = 20  # rows that may stand above the header: an invoice's number, an address
MOST = Decimal("99999999.9999")  # what the columns hold
OLDEST = date(2015, 1, 1)  # older than every vendor's account: a mistyped year
_DELIMITERS = ",;\t|"
# Names of columns as vendors' exports and spreadsheets have them, letters only, the likeliest first.
_DATES = (
    "date", "day", "billingdate", "usagedate", "usageday", "billingday", "invoicedate", "transactiondate",
    "createdat", "timestamp", "period", "periodstart", "startdate", "dateutc", "dayutc",
)  # fmt: skip
_UNITS = (
    "units", "credits", "unitsbilled", "creditsused", "creditsconsumed", "billedunits", "quantity", "qty",
    "records", "usage", "count", "requests", "calls", "consumed",
)  # fmt: skip
_AMOUNTS = (
    "amount", "amountusd", "totalamount", "amountbilled", "billedamount", "netamount", "total", "totalusd", "cost",
    "costusd", "totalcost", "charge", "charges", "billed", "spend", "dollars", "usd", "totalcharge",
)  # fmt: skip
_TOTAL = re.compile(r"(sub|grand)?\s*totals?\b", re.IGNORECASE)
_FORMATS = (
    *("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y"),
)
_CLOCK = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([AaPp][Mm])?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$")
_NUMBER = re.compile(r"\d+(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?|\.\d+")


class BadBill(ValueError):
    """The file cannot be taken as a bill; the words name the rows that are to blame. Nothing was stored."""


class AlreadyBilled(ValueError):
    """Days that are stored with other numbers, and nobody said that they are to be replaced. Nothing was stored."""

    def __init__(self, conflicts: Sequence[str]) -> None:
        days = f"{len(conflicts)} day{'s are' if len(conflicts) > 1 else ' is'} stored already"
        super().__init__(f"{days}, with other numbers: {_few(conflicts)}.")
        self.conflicts = list(conflicts)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a bill. units None: the bill does not say. amount: US dollars, below zero where it was credited."""

    day: date
    units: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload came to, in days."""

    added: int
    replaced: int
    unchanged: int
    amount: Decimal

    def __str__(self) -> str:
        days = f"{self.added} added, {self.replaced} replaced, {self.unchanged} unchanged"
        return f"Bill uploaded: ${self.amount:,.2f}; days: {days}"


# --- Reading ----------------------------------------------------------------------------------------------------------


def read(data: bytes, *, today: date) -> list[Day]:
    """The bill's days in order; rows of one day are added up. Raises BadBill, which names bad rows by their lines."""
    rows = _rows(data)
    start, columns = _columns(rows)
    days: dict[date, list[tuple[Decimal | None, Decimal]]] = {}
    bad: list[str] = []
    for line, cells in rows[start:]:
        if not any(cells) or _is_total(cells, columns):
            continue
        try:
            day, units, amount = _read(cells, columns, today)
        except ValueError as why:
            bad.append(f"line {line}: {why}")
        else:
            days.setdefault(day, []).append((units, amount))
    if bad:
        raise BadBill(f"{len(bad)} row{'s' if len(bad) > 1 else ''} cannot be read: {_few(bad)}.")
    if not days:
        raise BadBill("No row of it is a day: nothing to store.")
    return [_added_up(day, parts) for day, parts in sorted(days.items())]


def _few(words: Sequence[str]) -> str:
    more = f"; and {len(words) - NAMED_AT_MOST} more" if len(words) > NAMED_AT_MOST else ""
    return "; ".join(words[:NAMED_AT_MOST]) + more


def _added_up(day: date, parts: Sequence[tuple[Decimal | None, Decimal]]) -> Day:
    counted = [units for units, _ in parts if units is not None]
    amount = sum((amount for _, amount in parts), Decimal(0)).quantize(MONEY, ROUND_HALF_UP)
    units = sum(counted, Decimal(0)) if len(counted) == len(parts) else None
    if abs(amount) > MOST or (units or 0) > MOST:
        raise BadBill(f"{dates.day(day)}: more than ${MOST:,.2f} a day.")
    return Day(day, units, amount)


@dataclass(frozen=True, slots=True)
class _Columns:
    day: int
    units: int | None
    amount: int


def _rows(data: bytes) -> list[tuple[int, list[str]]]:
    """(line, cells) by the delimiter under which a header or a first row of data is found."""
    if len(data) > BYTES_MAX:
        raise BadBill(f"It is larger than {BYTES_MAX // 1024 // 1024} MB: no bill is.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise BadBill("It is no CSV: export the bill as CSV first.")
    text = _text(data)
    if not text.strip():
        raise BadBill("It is empty.")
    for delimiter in _DELIMITERS:
        try:
            rows = list(_parse(text, delimiter))
        except csv.Error as error:
            raise BadBill(f"It is no CSV: {error}.") from error
        with suppress(BadBill):
            _columns(rows)
            return rows
    raise BadBill("No columns named like Date and Amount are in it. Name them date, units, amount.")


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _parse(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    line = 1
    for cells in reader:
        yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


def _columns(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, _Columns]:
    """Where the days begin, and which column holds what: by the header's names, else by position."""
    for index, (_, cells) in enumerate(rows[:PREAMBLE]):
        names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
        day, amount = _first(names, _DATES), _first(names, _AMOUNTS)
        if day is not None and amount is not None:
            return index + 1, _Columns(day, _first(names, _UNITS), amount)
        if len(cells) in (2, 3) and _is_day(cells[0]):
            return index, _Columns(0, 1 if len(cells) == 3 else None, len(cells) - 1)
    raise BadBill("No columns named like Date and Amount are in it. Name them date, units, amount.")


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _is_day(cell: str) -> bool:
    try:
        day_of(cell)
    except ValueError:
        return False
    return True


def _is_total(cells: Sequence[str], columns: _Columns) -> bool:
    """A line of sums: it says so, and names no day."""
    day = cells[columns.day] if columns.day < len(cells) else ""
    words = next((cell for cell in cells if cell), "")
    return not _is_day(day) and bool(_TOTAL.match(words))


def _read(cells: Sequence[str], columns: _Columns, today: date) -> tuple[date, Decimal | None, Decimal]:
    def cell(index: int) -> str:
        return cells[index] if index < len(cells) else ""

    day = day_of(cell(columns.day))
    if not OLDEST <= day <= today + timedelta(days=1):
        raise ValueError(f"{dates.day(day)} is not a day that can have been billed")
    amount = number_of(cell(columns.amount), "an amount")
    text = cell(columns.units) if columns.units is not None else ""
    units = number_of(text, "a number of units") if text else None
    if units is not None and units < 0:
        raise ValueError(f"{text[:40]!r} is not a number of units")
    if units is not None and units != units.quantize(MONEY):
        raise ValueError(f"{text[:40]!r} has more than four decimals")
    return day, units, amount


def day_of(text: str) -> date:
    """A day as ISO 8601 or as Americans write it: month first. A time of day behind it is left out; or ValueError."""
    bare = _CLOCK.sub("", text.strip())
    with suppress(ValueError):
        return date.fromisoformat(bare)
    for form in _FORMATS:
        with suppress(ValueError):
            return datetime.strptime(bare, form).date()  # noqa: DTZ007  # a day has no zone
    raise ValueError(f"{text[:40]!r} is not a day, such as 2026-11-29 or 11/29/2026")


def number_of(text: str, what: str) -> Decimal:
    """$1,234.50 or (1.50) or USD -3. A comma that cannot divide thousands is not guessed at. Raises ValueError."""
    bare = re.sub(r"(?i)usd|us\$|[\s$]", "", text)
    negative = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    digits = bare.strip("()").lstrip("+-")
    if not _NUMBER.fullmatch(digits) or not digits.isascii():
        raise ValueError(f"{text[:40]!r} is not {what}" if text else f"{what} is missing")
    value = Decimal(digits.replace(",", ""))
    if value > MOST:
        raise ValueError(f"{text[:40]!r} is too large")
    return -value if negative else value


# --- Storing ----------------------------------------------------------------------------------------------------------


def conflicts(vendor: Vendor, days: Sequence[Day]) -> list[str]:
    """The days that are stored with other numbers, in words."""
    stored = _stored(vendor, days)
    return [
        f"{dates.day(day.day)}: ${was.amount:,.2f} → ${day.amount:,.2f}"
        for day in days
        if (was := stored.get(day.day)) is not None and not _same(was, day)
    ]


def upload(*, vendor: Vendor, days: Sequence[Day], by: User, replace: bool = False) -> Uploaded:
    """Stores a bill's days, all or none. replace: days that are stored with other numbers become these.

    Raises AlreadyBilled where there are such days and `replace` was not said.
    """
    with transaction.atomic():
        lock_vendor(vendor.pk)  # two uploads come one after the other
        different = conflicts(vendor, days)
        if different and not replace:
            raise AlreadyBilled(different)
        stored, now = _stored(vendor, days), database_now()
        changed = [day for day in days if day.day not in stored or not _same(stored[day.day], day)]
        BilledDay.objects.bulk_create(
            [
                BilledDay(vendor=vendor, day=d.day, units=d.units, amount=d.amount, uploaded_by=by, uploaded_at=now)
                for d in changed
            ],
            update_conflicts=True,
            unique_fields=["vendor", "day"],
            update_fields=["units", "amount", "uploaded_by", "uploaded_at"],
        )
        done = Uploaded(
            added=len(changed) - len(different),
            replaced=len(different),
            unchanged=len(days) - len(changed),
            amount=sum((day.amount for day in days), Decimal(0)),
        )
        record("bill.uploaded", by=by, about=vendor, name=vendor.pk, after=asdict(done))
    return done


def _stored(vendor: Vendor, days: Sequence[Day]) -> dict[date, BilledDay]:
    rows = BilledDay.objects.filter(vendor=vendor, day__in=[day.day for day in days])
    return {row.day: row for row in rows}


def _same(row: BilledDay, day: Day) -> bool:
    return (row.units, row.amount) == (day.units, day.amount)
