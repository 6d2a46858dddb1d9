"""The forms of an import: where the file goes, and which of its columns holds what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from accounts.models import User
from buckets.admin.search_form import SaveForm
from buckets.imports.columns import CONSTANT_MAX, FIELDS, NAMING
from buckets.models import Import
from common.admin import dressed, is_id

NAME_MAX = 200
SAME = "same"  # a select's choice beside the columns' numbers
GROUPS = {
    "The property": {
        "address": "Address",
        "house": "House number",
        "city": "City",
        "state": "State",
        "zip": "ZIP",
        "apn": "APN (parcel number)",
        "fips": "FIPS (county code)",
        "county": "County",
        "propertyId": "RealEstateAPI's property id",
    },
    "The owner": {
        "ownerName": "Owner's name",
        "firstName": "First name",
        "lastName": "Last name",
        "phone": "Phone",
        "secondaryPhone": "Second phone",
        "email": "E-mail",
    },
    "About the phones": {
        "phoneType": "Phone type",
        "phoneDoNotCall": "Phone: do not call",
        "secondaryPhoneType": "Second phone type",
        "secondaryPhoneDoNotCall": "Second phone: do not call",
        "doNotCall": "Do not call",
        "otherDoNotCall": "Do not call, another list",
        "litigator": "Litigator",
        "phoneOtherDoNotCall": "Phone: litigator, or another list",
        "secondaryPhoneOtherDoNotCall": "Second phone: litigator, or another list",
    },
    "Further phones": {
        f"phone{number}{of}": f"{name} phone{words}"
        for number, name in ((3, "Third"), (4, "Fourth"), (5, "Fifth"))
        for of, words in (
            ("", ""),
            ("Type", " type"),
            ("DoNotCall", ": do not call"),
            ("OtherDoNotCall", ": litigator, or another list"),
        )
    },
    "The owner's mailing address": {
        "mailingAddress": "Mailing address",
        "mailingCity": "Mailing city",
        "mailingState": "Mailing state",
        "mailingZip": "Mailing ZIP",
    },
    "From a Bucket System export": {
        "ownerSource": "Owner source",
        "mailingSource": "Mailing source",
        "phoneSource": "Phone source",
        "secondaryPhoneSource": "Second phone source",
        "emailSource": "E-mail source",
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
    "apn": "Needs a FIPS code, or a county and a state",
    "doNotCall": "For every phone in the row: yes, no, true, X, DNC, clean. Anything else counts as do not call",
    "litigator": "Counts as do not call",
    "propertyId": "Use only IDs from RealEstateAPI",
}


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

    prefix = ""
    field_order = ("file", "bucket", "name", "once")

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        by: User,
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


class ColumnsForm(forms.Form):
    """For each field a column, "the same for every row" with its value, or nothing."""

    def __init__(self, data: QueryDict | None = None, *, job: Import, examples: Sequence[Sequence[str]]) -> None:
        super().__init__(data)
        columns = [(str(n), _words(n, name, examples[n])) for n, name in enumerate(job.columns)]
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
                self.initial[f"same_{field}"] = job.constants.get(field, "")
        dressed(self)

    def groups(self) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
        """(title, [(select, value of every row or None)])."""
        for title, fields in GROUPS.items():
            yield title, [(self[f"column_{f}"], self[f"same_{f}"] if f not in NAMING else None) for f in fields]

    def said(self) -> tuple[dict[str, int], dict[str, str]]:
        """What a valid form says: the column of each field, and what is the same for every row."""
        chosen = {field: self.cleaned_data[f"column_{field}"] for field in FIELDS}
        same = {field: self.cleaned_data[f"same_{field}"] for field, column in chosen.items() if column == SAME}
        columns = {field: int(column) for field, column in chosen.items() if column not in ("", SAME)}
        return columns, {field: value for field, value in same.items() if value}


def _words(number: int, name: str, examples: Sequence[str]) -> str:
    example = next((" ".join(text.split()) for text in examples if text.strip()), "")
    short = example if len(example) <= 30 else f"{example[:29]}…"
    return (name or f"Column {number + 1}, without a name") + (f" · {short}" if short else "")
