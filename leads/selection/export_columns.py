"""The columns of an exported file: their stable names, their headers, what they hold, and usual choices of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateTimeField,
    Expression,
    F,
    Func,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from common.contact_access import ANYBODYS, masked_text
from leads import registries
from leads.facts.columns import SIGNALS
from leads.facts.sources import APOLLO, DETAIL, FILE, STAMPS, TRACE
from leads.fields.cells import PREFIX, columns_of_fields, has_field
from leads.fields.values import KEY
from leads.models import Lead
from leads.querysets import dnc, ready_to_call
from leads.selection.export_cells import Kind, MaskedTags, OtherPart, Others, Tags, WithoutContact

CUSTOM = "customFields"  # the name that stands for every custom field of the leads exported
FIELDS = "teamFields"  # the name that stands for every custom field that the team has made
CUSTOM_MOST = 200  # custom fields of one file, those that most leads have: one file of a person has at most about 200
FURTHER_PHONES = (3, 4, 5)  # those of `other_facts` that have columns of their own; the import reads as many
FURTHER_EMAILS = (2, 3)


@dataclass(frozen=True, slots=True)
class Column:
    """name: as `columns=` names it, the import's where the import has such a field. value: SQL, as it is stored.

    asked: SQL that is made at each export, because it says what holds at that moment.
    """

    name: str
    header: str
    kind: Kind
    value: Expression | F
    asked: Callable[[], Expression] | None = None

    @property
    def cell(self) -> Expression:
        """As a CSV has it."""
        return self.kind.in_csv(self.value)


def _source(column: str, *usual: str) -> Expression:
    """Where the value is from, as `leads.sources.source_of` has it. usual: sources, the first that has a stamp."""
    known = [When(**{f"{STAMPS[source]}__isnull": False}, then=Value(source)) for source in usual]
    said = Coalesce(KT(f"fact_sources__{column}__source"), Case(*known, default=Value(FILE)), output_field=TextField())
    return Case(When(**{f"{column}__isnull": False}, then=said), output_field=TextField())


def _column(name: str, header: str, kind: Kind, column: str = "") -> Column:
    return Column(name, header, kind, F(column or name))


def _phone(name: str, header: str, slot: str) -> Iterator[Column]:
    yield _column(name, header, Kind.PHONE, slot)
    yield _column(f"{name}Type", f"{header} type", Kind.WORD, f"{slot}_type")
    yield _column(f"{name}DoNotCall", f"{header} do not call", Kind.FLAG, f"{slot}_do_not_call")
    yield Column(f"{name}Extension", f"{header} extension", Kind.WORD, KT(f"fact_sources__{slot}__extension"))


def _further_phone(number: int) -> Iterator[Column]:
    """A phone that the lead does not show, from the third of all it has."""
    place = number - FURTHER_PHONES[0]
    for part, word, key, kind in (
        ("", "", "value", Kind.WORD),  # E.164 and digits: nothing else is kept there
        ("Type", " type", "type", Kind.WORD),
        ("DoNotCall", " do not call", "do_not_call", Kind.FLAG),
        ("Extension", " extension", "extension", Kind.WORD),
        ("Source", " source", "source", Kind.WORD),
    ):
        value = OtherPart("other_facts", path=f"phone,{place},{key}")
        yield Column(f"phone{number}{part}", f"Phone {number}{word}", kind, value)


def _ready() -> Expression:
    return Case(When(ready_to_call(), then=Value(value=True)), default=Value(value=False), output_field=BooleanField())


def _suppressed_since() -> Expression:
    judge = registries.judge()
    return judge.suppressed_since() if judge else Value(None, output_field=DateTimeField())


def _further_email(number: int) -> Iterator[Column]:
    place = number - FURTHER_EMAILS[0]
    for part, word, key, kind in (("", "", "value", Kind.TEXT), ("Source", " source", "source", Kind.WORD)):
        value = OtherPart("other_facts", path=f"email,{place},{key}")
        yield Column(f"email{number}{part}", f"E-mail {number}{word}", kind, value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


_NOTHING = Value(None, output_field=TextField())
COLUMNS: tuple[Column, ...] = (
    _column("leadId", "Lead ID", Kind.WORD, "pk"),
    _column("propertyId", "Property ID", Kind.TEXT, "property_id"),
    _column("apn", "APN", Kind.TEXT),
    _column("fips", "FIPS", Kind.TEXT),
    _column("address", "Address", Kind.TEXT, "property_address"),
    _column("city", "City", Kind.TEXT, "property_city"),
    _column("state", "State", Kind.TEXT, "property_state"),
    _column("zip", "ZIP", Kind.TEXT, "property_zip"),
    _column("county", "County", Kind.TEXT, "property_county"),
    _column("latitude", "Latitude", Kind.NUMBER),
    _column("longitude", "Longitude", Kind.NUMBER),
    _column("propertyType", "Type", Kind.TEXT, "property_type"),
    _column("bedrooms", "Beds", Kind.NUMBER),
    _column("bathrooms", "Baths", Kind.NUMBER),
    _column("sqft", "Sqft", Kind.NUMBER),
    _column("yearBuilt", "Year built", Kind.NUMBER, "year_built"),
    _column("estimatedValue", "Estimated value", Kind.NUMBER, "estimated_value"),
    _column("estimatedEquity", "Estimated equity", Kind.NUMBER, "estimated_equity"),
    _column("equityPercent", "Equity percent", Kind.NUMBER, "equity_percent"),
    _column("lastSaleDate", "Last sale date", Kind.DATE, "last_sale_date"),
    _column("lastSalePrice", "Last sale price", Kind.NUMBER, "last_sale_price"),
    _column("ownerName", "Owner", Kind.TEXT, "owner_name"),
    _column("firstName", "Owner first name", Kind.TEXT, "first_name"),
    _column("lastName", "Owner last name", Kind.TEXT, "last_name"),
    _column("secondOwnerName", "Second owner", Kind.TEXT, "second_owner_name"),
    _column("ownerType", "Owner type", Kind.WORD, "owner_type"),
    _column("ownerOccupied", "Owner occupied", Kind.FLAG, "owner_occupied"),
    _column("absenteeOwner", "Absentee owner", Kind.FLAG, "absentee_owner"),
    _column("mailingAddress", "Mailing address", Kind.TEXT, "mailing_address"),
    _column("mailingCity", "Mailing city", Kind.TEXT, "mailing_city"),
    _column("mailingState", "Mailing state", Kind.TEXT, "mailing_state"),
    _column("mailingZip", "Mailing ZIP", Kind.TEXT, "mailing_zip"),
    _column("doNotMail", "Do not mail", Kind.FLAG, "do_not_mail"),
    _column("tracedAddress", "Traced address", Kind.TEXT, "traced_address"),
    _column("tracedCity", "Traced city", Kind.TEXT, "traced_city"),
    _column("tracedState", "Traced state", Kind.TEXT, "traced_state"),
    _column("tracedZip", "Traced ZIP", Kind.TEXT, "traced_zip"),
    *(  # the absentee owner stands with the owner
        _column(_camel(name), words, Kind.FLAG, name) for name, words in SIGNALS.items() if name != "absentee_owner"
    ),
    _column("litigator", "Litigator", Kind.FLAG),
    Column("readyToCall", "Ready to call", Kind.FLAG, _NOTHING, _ready),
    Column("dncNow", "DNC now", Kind.FLAG, _NOTHING, dnc),
    Column("suppressedSince", "Suppressed since", Kind.TIME, _NOTHING, _suppressed_since),
    *_phone("phone", "Phone", "phone"),
    *_phone("secondaryPhone", "Second phone", "secondary_phone"),
    *chain.from_iterable(map(_further_phone, FURTHER_PHONES)),
    _column("email", "E-mail", Kind.TEXT),
    *chain.from_iterable(map(_further_email, FURTHER_EMAILS)),
    _column("contactName", "Skip-traced person", Kind.TEXT, "contact_name"),
    _column("contactIsOther", "Another person's contacts", Kind.FLAG, "contact_is_other"),
    Column("ownerSource", "Owner source", Kind.WORD, _source("owner_name", DETAIL, TRACE)),
    Column("mailingSource", "Mailing source", Kind.WORD, _source("mailing_address", DETAIL)),
    Column("phoneSource", "Phone source", Kind.WORD, _source("phone", TRACE, APOLLO)),
    Column("secondaryPhoneSource", "Second phone source", Kind.WORD, _source("secondary_phone", TRACE, APOLLO)),
    Column("emailSource", "E-mail source", Kind.WORD, _source("email", TRACE, APOLLO)),
    Column("otherValues", "Other values", Kind.WORD, Others("other_facts")),  # it begins with a column's name
    _column("jobTitle", "Job title", Kind.TEXT, "apollo_title"),
    _column("company", "Company", Kind.TEXT, "apollo_company"),
    _column("industry", "Industry", Kind.TEXT, "apollo_industry"),
    _column("linkedin", "LinkedIn", Kind.TEXT, "apollo_linkedin_url"),
    _column("employees", "Employees", Kind.NUMBER, "apollo_employee_count"),
    Column("tags", "Tags", Kind.LIST, Tags("pk")),
    _column("callbackAt", "Call back at", Kind.TIME, "callback_at"),
    _column("lastContactAt", "Last contact at", Kind.TIME, "last_contact_at"),
    _column("status", "Status", Kind.WORD),
    _column("statusLabel", "Status label", Kind.TEXT, "status_label__name"),
    _column("enrichmentStatus", "Enrichment", Kind.WORD, "enrichment_status"),
    _column("enrichmentError", "Enrichment error", Kind.TEXT, "enrichment_error"),
    _column("enrichedAt", "Enriched at", Kind.TIME, "enriched_at"),
    _column("skipTracedAt", "Skip traced at", Kind.TIME, "skip_traced_at"),
    _column("apolloEnrichedAt", "Apollo enriched at", Kind.TIME, "apollo_enriched_at"),
    _column("createdAt", "Created at", Kind.TIME, "created_at"),
)
_ANYBODYS = frozenset(  # a file's words, or typed
    column.name for column in COLUMNS if getattr(column.value, "name", None) in ANYBODYS
)
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
HEADER: tuple[str, ...] = tuple(column.header for column in COLUMNS)
NAMES: tuple[str, ...] = (*BY_NAME, FIELDS, CUSTOM)
_HEADERS = frozenset(header.casefold() for header in HEADER)
_MARK = " (custom)"  # behind the name of a custom field that is called like a column of ours
# What an own export has whatever its owner renamed or left out: nobody else has both under these names.
SIGNATURE = frozenset({"lead id", "property id"})

_OWNER = ("ownerName", "firstName", "lastName", "secondOwnerName")
_MAILING = ("mailingAddress", "mailingCity", "mailingState", "mailingZip")
_PLACE = ("address", "city", "state", "zip")
_PHONES = tuple(
    f"{phone}{part}"
    for phone in ("phone", "secondaryPhone", *(f"phone{number}" for number in FURTHER_PHONES))
    for part in ("", "Extension", "Type", "DoNotCall")
)
# Left out for who may not see contacts; other values and what no field holds may have a number or an e-mail in them.
CONTACTS = frozenset({*_PHONES, "email", *(f"email{number}" for number in FURTHER_EMAILS), "otherValues", CUSTOM})
# name: (what pages call it, its columns)
PRESETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "all": ("All columns", NAMES),
    "mailing": ("Mailing labels", (*_OWNER, *_MAILING, "doNotMail", *_PLACE, "apn", "fips", "leadId")),
    "dialer": (
        "Dialer",
        (
            *_OWNER[:3],
            *_PHONES,
            "contactIsOther",
            "litigator",
            "readyToCall",
            "dncNow",
            "suppressedSince",
            *_PLACE,
            "apn",  # with FIPS, what names a property that has no address
            "fips",
            "status",
            "callbackAt",
            "lastContactAt",
            "leadId",
        ),
    ),
    "skipTrace": ("Skip tracing", (*_OWNER, *_PLACE, "county", *_MAILING, "apn", "fips", "propertyId", "leadId")),
}


class UnknownColumn(ValueError):
    """A file cannot have this column; the words say which there are."""


def is_own_export(header: Sequence[str]) -> bool:
    """Whether a file with these column names is one of our exports: ids in it are RealEstateAPI's, sources are ours."""
    return {plain_name(name) for name in header} >= SIGNATURE


def plain_name(header: str) -> str:
    """A column's name in one case and with single spaces."""
    return " ".join(header.split()).casefold()


def without_mark(header: str) -> str:
    """The name of a custom field by its column: Owner of "Owner (custom)"."""
    name = header.removesuffix(_MARK)
    return name if name.casefold() in _HEADERS else header


def named(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of these names and presets, each once, in this order; of no name: all. Raises UnknownColumn.

    A custom field is named custom.KEY: whether the team has it, `check_fields` says.
    """
    wanted: dict[str, None] = {}
    for name in names:
        if name.startswith(PREFIX) and KEY.fullmatch(name.removeprefix(PREFIX)):
            wanted[name] = None
            continue
        if name not in PRESETS and name not in NAMES:
            words = f"There is no column {name[:100]!r}, only {', '.join(NAMES)}; or {', '.join(PRESETS)}."
            raise UnknownColumn(words)
        wanted |= dict.fromkeys(PRESETS[name][1] if name in PRESETS else (name,))
    return tuple(wanted) or NAMES


def check_fields(names: Iterable[str], team_id: int | None) -> None:
    """Raises UnknownColumn where one of these columns is a custom field that the team does not have."""
    for name in names:
        if name.startswith(PREFIX) and not has_field(team_id, name.removeprefix(PREFIX)):
            raise UnknownColumn(f"Your team has no custom field {name[:100]!r}.")


def columns_of(leads: QuerySet[Lead], names: Iterable[str], *, contacts: bool = True) -> list[Column]:
    """The columns of these names, the custom fields of these leads among them: one query where they are wanted.

    contacts: whether its reader may see those that people typed into tags, names and addresses.

    Never none, for Django takes no columns for all of a table: custom fields that no lead has leave the leads' ids.
    """
    found: list[Column] = []
    for name in names:
        if name == CUSTOM:
            found += _custom(leads)
        else:
            found += _fields(leads, name) if name == FIELDS or name.startswith(PREFIX) else [BY_NAME[name]]
    found = found or [BY_NAME["leadId"]]
    found = [replace(column, value=column.asked()) if column.asked else column for column in found]
    if not contacts:
        found = [
            replace(column, value=WithoutContact(column.value)) if _is_anybodys(column) else column for column in found
        ]
    if not any(column.kind is Kind.LIST for column in found):
        return found
    tagged = Lead.tags.through.objects.filter(lead__in=leads.order_by())
    if not contacts:
        tags = tagged.order_by().values_list("tag__name", flat=True).distinct()
        told = {name: hidden for name in tags if (hidden := masked_text(name)) != name}
        shown = MaskedTags("pk", told)
        found = [replace(column, value=shown) if column.kind is Kind.LIST and told else column for column in found]
    if not tagged.exists():
        # looking for the tags of each lead takes as long as half of all its other cells
        nothing = Value(None, output_field=TextField())
        found = [replace(column, value=nothing) if column.kind is Kind.LIST else column for column in found]
    return found


def _is_anybodys(column: Column) -> bool:
    return column.name in _ANYBODYS or (column.name.startswith(PREFIX) and column.kind is Kind.TEXT)


def _fields(leads: QuerySet[Lead], name: str) -> list[Column]:
    """The columns of the team's custom fields; one that is called like a column of ours says that it is not."""
    told = columns_of_fields(leads, "" if name == FIELDS else name.removeprefix(PREFIX))
    return [
        Column(
            one.name, f"{one.header}{_MARK}" if one.header.casefold() in _HEADERS else one.header, one.kind, one.value
        )
        for one in told
    ]


def _custom(leads: QuerySet[Lead]) -> list[Column]:
    """A column a custom field, by its own name; one that is called like a column of ours says that it is not."""
    keys = (
        leads.filter(data__isnull=False)
        .order_by()
        .values(key=Func(F("data"), function="jsonb_object_keys", output_field=TextField()))
        .annotate(held=Count("pk"))
        .order_by("-held", "key")
        .values_list("key", flat=True)[:CUSTOM_MOST]
    )
    return [
        Column(f"data.{key}", f"{key}{_MARK}" if key.casefold() in _HEADERS else key, Kind.TEXT, _Field(key))
        for key in sorted(keys)
    ]


class _Field(Func):
    """The text of a custom field. The key goes along as a value: it may hold any character."""

    template, arg_joiner = "(%(expressions)s)", " ->> "
    output_field = TextField()

    def __init__(self, key: str) -> None:
        super().__init__(F("data"), Cast(Value(key), TextField()))
