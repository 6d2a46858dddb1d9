"""The orders a list of leads may have, by the same names in the API, the admin, the commands and saved views."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Expression, F, Func, JSONField, OrderBy, OuterRef, Q, QuerySet, TextField, When
from django.db.models.fields.json import KeyTransform
from django.db.models.lookups import Exact

from common.db.direct import whole
from leads.fields.cells import PREFIX, Said, has_field
from leads.fields.values import KEY
from leads.models import Lead
from leads.querysets import dnc
from leads.selection.counting import TooSlow, at_most_seconds
from leads.selection.export_cells import WithoutContact

# name -> column. What a lead has an index for, in each bucket (`lead_by_equity` …), is sorted among any number.
INDEXED = {
    "estimatedValue": "estimated_value",
    "estimatedEquity": "estimated_equity",
    "lastContactAt": "last_contact_at",
    "callbackAt": "callback_at",
    "lastActivityAt": "last_activity_at",
}
# What is sorted by and is no column of the lead: SQL, made at each reading.
COMPUTED: dict[str, Callable[[], Expression | F]] = {
    "bucketName": lambda: F("bucket__name"),
    "assignedTo": lambda: F("assigned_to__username"),
    "doNotCall": dnc,
}
OF_CONTACTS = frozenset({"phone", "email"})  # the order of hidden numbers would tell them
# Of these a cursor has no value: it is read again by the lead's id, and no name stands in an address.
TEXTS = {
    **dict.fromkeys(COMPUTED, "sorted_by"),
    "phone": "phone",
    "phoneType": "phone_type",
    "email": "email",
    "ownerName": "owner_name",
    "propertyAddress": "property_address",
    "propertyCity": "property_city",
    "propertyZip": "property_zip",
    "propertyCounty": "property_county",
    "status": "status",
}
OTHERS = {
    **TEXTS,
    "updatedAt": "updated_at",
    "bathrooms": "bathrooms",
    "sqft": "sqft",
    "equityPercent": "equity_percent",
    "bedrooms": "bedrooms",
    "yearBuilt": "year_built",
    "lastSaleDate": "last_sale_date",
    "enrichedAt": "enriched_at",
}
BY_AGE = "createdAt"  # ids are in the order of time
SORTS = {**INDEXED, **OTHERS, BY_AGE: "pk"}
LABELS = {
    "-createdAt": "Newest first",
    "createdAt": "Oldest first",
    "-estimatedEquity": "Equity, highest first",
    "estimatedEquity": "Equity, lowest first",
    "-estimatedValue": "Value, highest first",
    "estimatedValue": "Value, lowest first",
    "-equityPercent": "Equity %, highest first",
    "equityPercent": "Equity %, lowest first",
    "-bedrooms": "Bedrooms, most first",
    "bedrooms": "Bedrooms, fewest first",
    "-yearBuilt": "Year built, newest first",
    "yearBuilt": "Year built, oldest first",
    "-lastSaleDate": "Last sale, latest first",
    "lastSaleDate": "Last sale, longest ago first",
    "-lastContactAt": "Last contact, latest first",
    "lastContactAt": "Last contact, longest ago first",
    "callbackAt": "Callback, soonest first",
    "-callbackAt": "Callback, latest first",
    "-lastActivityAt": "Last touch, latest first",
    "lastActivityAt": "Last touch, longest ago first",
    "-updatedAt": "Changed, latest first",
    "updatedAt": "Changed, longest ago first",
    "-bathrooms": "Bathrooms, most first",
    "bathrooms": "Bathrooms, fewest first",
    "-sqft": "Living area, largest first",
    "sqft": "Living area, smallest first",
    "ownerName": "Owner, A to Z",
    "-ownerName": "Owner, Z to A",
    "propertyAddress": "Address, A to Z",
    "-propertyAddress": "Address, Z to A",
    "propertyCity": "City, A to Z",
    "-propertyCity": "City, Z to A",
    "propertyZip": "ZIP, lowest first",
    "-propertyZip": "ZIP, highest first",
    "propertyCounty": "County, A to Z",
    "-propertyCounty": "County, Z to A",
    "status": "Status, A to Z",
    "-status": "Status, Z to A",
    "-enrichedAt": "Data, newest first",
    "enrichedAt": "Data, oldest first",
    "bucketName": "Bucket, A to Z",
    "-bucketName": "Bucket, Z to A",
    "assignedTo": "Assigned to, A to Z",
    "-assignedTo": "Assigned to, Z to A",
    "phone": "Phone, lowest first",
    "-phone": "Phone, highest first",
    "phoneType": "Phone type, A to Z",
    "-phoneType": "Phone type, Z to A",
    "email": "E-mail, A to Z",
    "-email": "E-mail, Z to A",
    "doNotCall": "Not on DNC first",
    "-doNotCall": "On DNC first",
}
_CUSTOM = re.compile(rf"{re.escape(PREFIX)}({KEY.pattern})", re.ASCII)  # a team's own field
# Seconds that sorting without an index of the order may take. PostgreSQL keeps the first rows of a page while it reads
# all leads once: 50,000 take 60 ms, a million 0.7 to 1 s on two busy cores (measured), on each page the same.
SORTED_WITHIN = 10.0


class BadSort(ValueError):
    """This order does not exist, or there are too many leads for it; the words say what may be done."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: `-estimatedEquity` is by estimated equity, highest first. Leads without a value come last both ways.

    contacts: whether who asks may see phones and e-mails.
    """

    name: str
    descending: bool
    contacts: bool = field(default=True, compare=False)

    @property
    def column(self) -> str:
        """Of a row that `prepared` gave."""
        return SORTS.get(self.name, "sorted_by")

    @property
    def is_text(self) -> bool:
        """Whether a cursor has no value of it."""
        return self.name in TEXTS or self.name not in SORTS

    @property
    def first(self) -> Sort:
        """The way that is wanted first: texts from A, numbers and moments from the highest."""
        return Sort(self.name, descending=not (self.is_text or self.name == "callbackAt"))

    @property
    def words(self) -> str:
        """As a person is told it: "equity, highest first"."""
        said = LABELS.get(str(self)) or label_of(self.name.removeprefix(PREFIX), descending=self.descending)
        return said[0].lower() + said[1:]

    @property
    def expression(self) -> Expression | F:
        """What it sorts by, as SQL."""
        if (computed := COMPUTED.get(self.name)) is not None:
            return computed()
        if (custom := _CUSTOM.fullmatch(self.name)) is not None:
            return KeyTransform(custom[1], "custom") if self.contacts else _without_contacts(custom[1])
        return F(self.column)

    @property
    def ordering(self) -> OrderBy:
        """Leads without a value come last."""
        by = self.expression
        return by.desc(nulls_last=True) if self.descending else by.asc(nulls_last=True)

    def prepared(self, leads: QuerySet[Lead]) -> QuerySet[Lead]:
        """These leads with what they are sorted by."""
        return leads.annotate(sorted_by=self.expression) if self.column == "sorted_by" else leads

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.name}"


def _without_contacts(key: str) -> Expression:
    """A custom field, where a text that holds a phone or an e-mail is dots: its order would tell it."""
    value = KeyTransform(key, "custom")
    is_text = Exact(Func(value, function="jsonb_typeof", output_field=TextField()), "string")
    told = Func(WithoutContact(Said(key)), function="to_jsonb", output_field=JSONField())
    return Case(When(is_text, then=told), default=value, output_field=JSONField())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lead stands in an order: by its value, then by its id."""

    value: Any
    pk: UUID

    @property
    def text(self) -> str:
        """Its value, as `value_of` reads it."""
        if self.value is None or isinstance(self.value, UUID | str | bool):
            return ""
        return self.value.isoformat() if isinstance(self.value, date) else str(self.value)


def sort_of(text: str, *, contacts: bool = True, team_id: int | None = None) -> Sort:
    """The order that a text names. contacts: whether who asks may see phones and e-mails. team_id: whose custom fields
    there are; None: of any team. Raises BadSort.
    """
    name = text.strip()
    descending = name.startswith("-")
    name = name.removeprefix("-")
    custom = _CUSTOM.fullmatch(name)
    if name not in SORTS and not custom:
        words = f"Sort by one of: {', '.join(SORTS)}, or custom.KEY"
        raise BadSort(f"{words}; with - before it the highest or latest comes first.")
    if name in OF_CONTACTS and not contacts:
        raise BadSort("Your role does not see phones and e-mails here, and cannot sort by them.")
    if custom and team_id is not None and not has_field(team_id, custom[1]):
        raise BadSort(f"Your team has no custom field {custom[1]}.")
    return Sort(name, descending, contacts)


def label_of(name: str, *, descending: bool) -> str:
    """An order by a team's own field, in words."""
    return f"{name}, {'highest or latest' if descending else 'lowest or earliest'} first"


def place_of(lead: Lead, sort: Sort) -> Place:
    """Of any lead: what it is sorted by is read where its row has not got it."""
    if not hasattr(lead, sort.column):
        return Place(_read(sort, lead.pk), lead.pk)
    return Place(getattr(lead, sort.column), lead.pk)


def _read(sort: Sort, pk: UUID) -> Any:
    return sort.prepared(Lead.every.filter(pk=pk)).values_list(sort.column, flat=True).first()


def value_of(sort: Sort, text: str, pk: UUID) -> Any:
    """A value of the column from `str` of it; "" is none. Of a text the value that the lead has. Raises ValueError."""
    if sort.is_text:
        return _read(sort, pk)
    if not text or sort.name == BY_AGE:
        return None
    if len(text) > _LONGEST:
        raise ValueError("No value is this long.")
    return _READERS.get(Lead._meta.get_field(sort.column).get_internal_type(), _whole)(text)


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError("No column holds so large a number.")
    return value


def _decimal(text: str) -> Decimal:
    """As a cursor has it: a number with an exponent, an infinite one and none at all (NaN) stand in no column."""
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,12})?", text):
        raise ValueError("This is no number.")
    return Decimal(text)


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("A moment has a time zone.")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("No calendar has this moment.") from error


_LONGEST = 40  # characters of a value
_READERS: dict[str, Callable[[str], Any]] = {
    "DecimalField": _decimal,
    "DateField": date.fromisoformat,
    "DateTimeField": _moment,
}


def sorted_page(
    leads: QuerySet[Lead],
    sort: Sort,
    *,
    limit: int,
    at: Place | None = None,
    back: bool = False,
    buckets: QuerySet[Any] | None = None,
) -> list[Lead]:
    """Up to `limit` of these leads in an order, behind the place `at`; with `back` those before it, nearest first.

    buckets: where `leads` are those of several buckets, these, so that each is read in its own order and the first of
    each are merged. Raises BadSort where sorting without an index takes too long.
    """
    if sort.name == BY_AGE:
        return _by_id(leads, sort, limit=limit, at=at, back=back)
    leads = sort.prepared(leads)
    if sort.name in INDEXED:
        return _by_parts(leads, sort, limit=limit, at=at, back=back, buckets=buckets)
    try:
        with at_most_seconds(SORTED_WITHIN):
            return _by_parts(leads, sort, limit=limit, at=at, back=back, buckets=None)
    except TooSlow as error:
        words = "These are too many leads to be sorted this way: choose a bucket or filters that hold fewer, or "
        raise BadSort(f"{words}sort by {', '.join(INDEXED)} or {BY_AGE}.") from error


def _by_parts(
    leads: QuerySet[Lead], sort: Sort, *, limit: int, at: Place | None, back: bool, buckets: QuerySet[Any] | None
) -> list[Lead]:
    """First the leads with a value, then those without."""
    found: list[Lead] = []
    with_value = leads.filter(**{f"{sort.column}__isnull": False})
    without = leads.filter(**{f"{sort.column}__isnull": True})
    for rows, has_value in [(with_value, True), (without, False)][:: -1 if back else 1]:
        if at is not None and has_value != (at.value is not None) and has_value != back:
            continue  # the place is in the other part, and this one lies on the other side of it
        here = at if at is not None and has_value == (at.value is not None) else None
        rest = limit - len(found)
        if not has_value:
            found += _by_id(rows, sort, limit=rest, at=here, back=back)
        elif buckets is None:
            found += _by_value(rows, sort, limit=rest, at=here, back=back)
        else:
            found += _merged(rows, sort, limit=rest, at=here, back=back, buckets=buckets)
        if len(found) >= limit:
            break
    return found


def _by_id(rows: QuerySet[Lead], sort: Sort, *, limit: int, at: Place | None, back: bool) -> list[Lead]:
    down = sort.descending != back
    if at is not None:
        rows = rows.filter(**{"pk__lt" if down else "pk__gt": at.pk})
    return whole(rows.order_by("-pk" if down else "pk")[:limit])


def _in_order(rows: QuerySet[Lead], sort: Sort, *, at: Place | None, back: bool) -> QuerySet[Lead]:
    down = sort.descending != back
    sign, beyond = ("-", "lt") if down else ("", "gt")
    if at is not None:
        behind = Q(**{f"{sort.column}__{beyond}": at.value}) | Q(**{f"pk__{beyond}": at.pk})
        rows = rows.filter(behind, **{f"{sort.column}__{beyond}e": at.value})
    return rows.order_by(f"{sign}{sort.column}", f"{sign}pk")


def _by_value(rows: QuerySet[Lead], sort: Sort, *, limit: int, at: Place | None, back: bool) -> list[Lead]:
    return whole(_in_order(rows, sort, at=at, back=back)[:limit])


def _merged(
    rows: QuerySet[Lead], sort: Sort, *, limit: int, at: Place | None, back: bool, buckets: QuerySet[Any]
) -> list[Lead]:
    """The first of each bucket by its own index, then the first of these."""
    inner = _in_order(rows.filter(bucket=OuterRef("pk")), sort, at=at, back=back).values("pk")[:limit]
    firsts: Sequence[list[UUID]] = list(buckets.order_by().values_list(ArraySubquery(inner), flat=True))
    ids = [pk for first in firsts for pk in first]
    return whole(_in_order(rows.filter(pk__in=ids), sort, at=None, back=back)[:limit])
