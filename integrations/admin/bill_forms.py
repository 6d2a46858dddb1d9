"""The forms of a vendor's bill: the file, and the word that days which are stored already become its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core import signing
from django.utils import timezone

from integrations.models import Vendor
from integrations.operating import bills

_SALT = "integrations.bill"


class BillForm(forms.Form):
    """`file` becomes the bill's days."""

    file = forms.FileField(
        label="CSV file",
        widget=forms.FileInput(attrs={"class": "desk-input", "accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
        help_text="As the vendor's billing page exports it, at most 2 MB",
    )

    def clean_file(self) -> list[bills.Day]:
        upload = self.cleaned_data["file"]
        try:
            return bills.read(upload.read(bills.BYTES_MAX + 1), today=timezone.now().date())
        except bills.BadBill as bad:
            raise forms.ValidationError(str(bad)) from bad


class ReplaceForm(forms.Form):
    """Days as they were read from the file, signed: they go to the page and come back unchanged."""

    days = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, vendor: Vendor, **options: Any) -> None:
        super().__init__(*args, **options)
        self.vendor = vendor

    def clean_days(self) -> list[bills.Day]:
        try:
            rows = signing.loads(self.cleaned_data["days"], salt=f"{_SALT}.{self.vendor.pk}")
        except signing.BadSignature as error:
            raise forms.ValidationError("This page is out of date: choose the file again.") from error
        return [
            bills.Day(date.fromisoformat(day), None if units is None else Decimal(units), Decimal(amount))
            for day, units, amount in rows
        ]


def packed(vendor: Vendor, days: Sequence[bills.Day]) -> str:
    """The days as `ReplaceForm` takes them."""
    rows = [(day.day.isoformat(), None if day.units is None else str(day.units), str(day.amount)) for day in days]
    return signing.dumps(rows, salt=f"{_SALT}.{vendor.pk}", compress=True)
