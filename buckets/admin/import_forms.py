"""The forms of an import: where the file goes, and which of its columns holds what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from accounts.access import Access
from buckets.admin.search_form import SaveForm
from buckets.imports.columns import CONSTANT_MAX, FIELDS, NAMING, OTHERS_MOST, OWN
from buckets.imports.headers import HEADER_ROWS
from buckets.imports.rows import KEPT_MAX
from buckets.models import Import
from common.admin import dressed, is_id
from common.contact_access import told
from leads.fields.definitions import fields_of
from leads.models import CustomField

NAME_MAX = 200
SAME = "same"  # a select's choice beside the columns' numbers
GROUPS = {
    "The property": {
        "address": "Address",
        "unit": "Unit",
        "city": "City",
        "state": "State",
        "zip": "ZIP",
        "apn": "APN (parcel number)",
        "fips": "FIPS (county code)",
        "county": "County",
        "propertyId": "RealEstateAPI's property id",
    },
    "An address in parts": {
        "address2": "Address line 2",
        "house": "House number",
        "houseSuffix": "House number suffix",
        "preDirection": "Direction before the street",
        "streetName": "Street name",
        "streetSuffix": "Street suffix",
        "postDirection": "Direction behind the street",
        "cityStateZip": "City, state and ZIP in one cell",
    },
    "The owner": {
        "ownerName": "Owner's name",
        "firstName": "First name",
        "lastName": "Last name",
        "secondOwnerName": "Second owner's name",
        "secondFirstName": "Second owner's first name",
        "secondLastName": "Second owner's last name",
        "phone": "Phone",
        "secondaryPhone": "Second phone",
        "email": "E-mail",
        "email2": "Second e-mail",
        "email3": "Third e-mail",
        "doNotMail": "Do not mail",
    },
    "About the phones": {
        "phoneType": "Phone type",
        "phoneDoNotCall": "Phone: do not call",
        "secondaryPhoneType": "Second phone type",
        "secondaryPhoneDoNotCall": "Second phone: do not call",
        "doNotCall": "Do not call",
        "otherDoNotCall": "Do not call, another list",
        "callable": "May be called",
        "callStatus": "Status of the calls",
        "litigator": "Litigator",
        "phoneExtension": "Phone extension",
        "secondaryPhoneExtension": "Second phone extension",
        "phoneOtherDoNotCall": "Phone: litigator, or another list",
        "secondaryPhoneOtherDoNotCall": "Second phone: litigator, or another list",
        "phoneStatus": "Phone status",
        "secondaryPhoneStatus": "Second phone status",
    },
    "Further phones": {
        f"phone{number}{of}": f"{name} phone{words}"
        for number, name in ((3, "Third"), (4, "Fourth"), (5, "Fifth"))
        for of, words in (
            ("", ""),
            ("Type", " type"),
            ("DoNotCall", ": do not call"),
            ("OtherDoNotCall", ": litigator, or another list"),
            ("Extension", " extension"),
            ("Status", " status"),
        )
    },
    "The owner's mailing address": {
        "mailingAddress": "Mailing address",
        "mailingUnit": "Mailing unit",
        "mailingCity": "Mailing city",
        "mailingState": "Mailing state",
        "mailingZip": "Mailing ZIP",
        "mailingAddress2": "Mailing address line 2",
        "mailingHouse": "Mailing house number",
        "mailingPreDirection": "Mailing direction before the street",
        "mailingStreetName": "Mailing street name",
        "mailingStreetSuffix": "Mailing street suffix",
        "mailingPostDirection": "Mailing direction behind the street",
        "mailingCityStateZip": "Mailing city, state and ZIP in one cell",
    },
    "What the file knows of the property": {
        "propertyType": "Property type",
        "bedrooms": "Beds",
        "bathrooms": "Baths",
        "sqft": "Living area, sq ft",
        "yearBuilt": "Year built",
        "estimatedValue": "Estimated value",
        "estimatedEquity": "Estimated equity",
        "equityPercent": "Equity, percent",
        "lastSaleDate": "Last sale date",
        "lastSalePrice": "Last sale price",
        "ownerOccupied": "Owner-occupied",
        "absenteeOwner": "Absentee owner",
        "vacant": "Vacant",
        "latitude": "Latitude",
        "longitude": "Longitude",
    },
    "Your work with the lead": {
        "tags": "Tags",
        "lists": "Lists",
        "status": "Status",
        "statusLabel": "Status label",
        "notes": "Notes",
    },
    "From a Bucket System export": {
        "ownerSource": "Owner source",
        "mailingSource": "Mailing source",
        "phoneSource": "Phone source",
        "secondaryPhoneSource": "Second phone source",
        "phone3Source": "Third phone source",
        "phone4Source": "Fourth phone source",
        "phone5Source": "Fifth phone source",
        "emailSource": "E-mail source",
        "email2Source": "Second e-mail source",
        "email3Source": "Third e-mail source",
        "contactName": "Skip-traced person",
        "contactIsOther": "Another person's contacts",
        "enrichedAt": "Enriched at",
        "skipTracedAt": "Skip traced at",
        "apolloEnrichedAt": "Apollo enriched at",
    },
}
LABELS = {field: label for group in GROUPS.values() for field, label in group.items()}
HELP = {
    "address": "One cell with the whole address works too",
    "house": "If it is separate from the street",
    "address2": "Read where it is a unit, such as Apt 5",
    "lists": "Become tags of the lead",
    "tags": "Several in one cell, separated by a comma",
    "status": "New, contacted, qualified, closed or lost, or a status label of your team",
    "statusLabel": "A label of your team, which says the status too",
    "notes": "Saved as a note of yours",
    "estimatedValue": "Shown until property data is purchased",
    "apn": "Needs a FIPS code, or a county and a state",
    "doNotCall": "For every phone in the row: yes, no, true, X, DNC, clean. Anything else counts as do not call",
    "litigator": "Counts as do not call",
    "callable": "For every phone in the row: no means do not call",
    "callStatus": "For every phone in the row. Only words such as DNC, do not call or opted out are read",
    "phoneStatus": "Only words such as DNC, do not call or opted out are read",
    "propertyId": "Use only IDs from RealEstateAPI",
}


HEADER_ROW_HELP = "The row that names the columns. Rows are counted as in a spreadsheet, blank ones too"


class UploadForm(SaveForm):
    """A file, and a bucket of one's own or a new one."""

    limit = None  # type: ignore[assignment]  # Django's way to leave out a field
    name = forms.CharField(
        required=False,
        max_length=NAME_MAX,
        label="Name of the new bucket",
        widget=forms.TextInput(attrs={"placeholder": "named after the file"}),
    )
    file = forms.FileField(
        label="File",
        max_length=1000,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
        error_messages={"required": "Choose a file.", "empty": "It is empty."},
    )

    header_row = forms.IntegerField(
        required=False, min_value=1, max_value=HEADER_ROWS, label="Header row", help_text=HEADER_ROW_HELP
    )

    prefix = ""
    field_order = ("file", "bucket", "name", "header_row", "once")

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        by: Access,
        bucket: str = "",
    ) -> None:
        super().__init__(data, by=by)
        self.files = files or MultiValueDict()
        choice: Any = self.fields["bucket"]
        wanted = choice.queryset.filter(pk=bucket).first() if is_id(bucket) else None
        if wanted:
            self.initial["bucket"] = wanted.pk
            if str(wanted.pk) not in dict(choice.widget.choices):
                choice.widget.choices = [*choice.widget.choices, (str(wanted.pk), str(wanted))]

    def clean(self) -> dict[str, Any]:
        wishes: dict[str, Any] = super().clean() or self.cleaned_data
        if wishes.get("file"):
            wishes["name"] = wishes.get("name") or PurePath(wishes["file"].name).stem[:NAME_MAX]
        return wishes


def _as_chosen(job: Import) -> dict[str, Any]:
    return {"header_row": job.header_row, "update": job.update, "keep_others": job.keep_other_columns}


class ColumnsForm(forms.Form):
    """For each field a column, "the same for every row" with its value, or nothing."""

    keep_others = forms.BooleanField(
        required=False,
        label="Keep the columns that are not used",
        help_text=f"They are shown on the lead and exported: at most {OTHERS_MOST} columns, {KEPT_MAX} characters each",
    )

    header_row = forms.IntegerField(
        required=False, min_value=1, max_value=HEADER_ROWS, label="Header row", help_text=HEADER_ROW_HELP
    )
    update = forms.BooleanField(
        required=False,
        label="Update leads that are there already",
        help_text="What you typed and do-not-call marks stay. If this is off, leads that are there stay as they are",
    )

    def __init__(self, data: QueryDict | None = None, *, job: Import, examples: Sequence[Sequence[str]]) -> None:
        super().__init__(data, initial=_as_chosen(job))
        columns = [(str(n), _words(n, told(name), examples[n])) for n, name in enumerate(job.columns)]
        # What she may not see is no value of a field: left empty, it stays.
        self.hidden = {field: value for field, value in job.constants.items() if told(value) != value}
        for field in FIELDS:
            constant = [] if field in NAMING else [(SAME, "The same for every row …")]
            choices: list[tuple[str, Any]] = [("", "Not in the file"), *constant, ("Columns", columns)]
            self.fields[f"column_{field}"] = forms.ChoiceField(
                required=False, choices=choices, label=LABELS[field], help_text=HELP.get(field, "")
            )
            said = job.mapping.get(field)
            self.initial[f"column_{field}"] = SAME if field in job.constants else "" if said is None else str(said)
            if constant:
                self.fields[f"same_{field}"] = forms.CharField(
                    required=False,
                    max_length=CONSTANT_MAX,
                    label=f"{LABELS[field]} of every row",
                    widget=forms.TextInput(attrs={"placeholder": "for every row", "autocomplete": "off"}),
                )
                self.initial[f"same_{field}"] = "" if field in self.hidden else job.constants.get(field, "")
        self.own = [f"{OWN}{one.key}" for one in self._add_own(job, columns)]
        dressed(self)

    def _add_own(self, job: Import, columns: Sequence[Any]) -> Sequence[CustomField]:
        """A select for each custom field of the team."""
        own = fields_of(job.bucket.team_id)
        for one in own:
            name = f"{OWN}{one.key}"
            choices: list[tuple[str, Any]] = [("", "Not in the file"), ("Columns", columns)]
            self.fields[f"column_{name}"] = forms.ChoiceField(
                required=False, choices=choices, label=str(one), help_text=one.get_kind_display()
            )
            said = job.mapping.get(name)
            self.initial[f"column_{name}"] = "" if said is None else str(said)
        return own

    def about_file(self) -> list[Any]:
        return [self["header_row"], self["update"]]

    def groups(self) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
        """(title, [(select, value of every row or None)])."""
        if self.own:
            yield "Your custom fields", [(self[f"column_{name}"], None) for name in self.own]
        for title, fields in GROUPS.items():
            yield title, [(self[f"column_{f}"], self[f"same_{f}"] if f not in NAMING else None) for f in fields]

    def said(self) -> tuple[dict[str, int], dict[str, str]]:
        """What a valid form says: the column of each field, and what is the same for every row."""
        chosen = {field: self.cleaned_data[f"column_{field}"] for field in FIELDS}
        same = {field: self.cleaned_data[f"same_{field}"] for field, column in chosen.items() if column == SAME}
        chosen |= {name: self.cleaned_data[f"column_{name}"] for name in self.own}
        columns = {field: int(column) for field, column in chosen.items() if column not in ("", SAME)}
        return columns, {field: said for field, value in same.items() if (said := value or self.hidden.get(field, ""))}


def _words(number: int, name: str, examples: Sequence[str]) -> str:
    example = next((" ".join(text.split()) for text in examples if text.strip()), "")
    short = example if len(example) <= 30 else f"{example[:29]}…"
    return (name or f"Column {number + 1}, without a name") + (f" · {short}" if short else "")
