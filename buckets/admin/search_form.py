"""The search as a form: what the address holds, checked, before any vendor hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.http import urlencode
from unfold.widgets import CHECKBOX_CLASSES

from accounts.access import Access
from buckets.filling import criteria
from buckets.filling.criteria import AREA, CIRCLE, FLAGS, GROUPS, RADIUS_MILES, RANGES, TYPES, Range
from buckets.models import Bucket
from common.admin import dressed
from common.db.ids import uuid7
from common.forms import AskedField, OnceForm
from common.values.geo import Point, read_area
from integrations.vendors.queries import filters

SEARCH_MAX = 6000  # characters of a search in an address
AREA_MAX = 2500  # of them an area's: 100 corners as the map writes them
LATEST_BUCKETS = 100  # of one's own to choose from


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the form. `used`: how many of its filters say something."""

    title: str
    types: Any
    pairs: list[tuple[Range, Any, Any]]
    flags: list[Any]
    used: int


class AreaField(forms.CharField):
    """Corners of an area: a list of points."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            corners: list[Point] = read_area(text) if text else []
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return corners


class SearchForm(OnceForm):
    """What is looked for. `criteria` and `words` stand once it is valid; both are empty where nothing is asked."""

    place = forms.CharField(
        required=False,
        max_length=500,
        strip=True,
        help_text="A city or county with its state, a state, or ZIP codes",
        widget=forms.TextInput(attrs={"placeholder": "Seattle, WA", "autocomplete": "off", "spellcheck": "false"}),
    )
    latitude = forms.FloatField(required=False, min_value=-90, max_value=90)
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180)
    radius = forms.FloatField(
        required=False, min_value=RADIUS_MILES[0], max_value=RADIUS_MILES[1], label="Radius, miles"
    )
    area = AreaField(
        required=False,
        max_length=AREA_MAX,
        label="Area",
        help_text="Draw it on the map, or write its corners: 47.61,-122.35 47.62,-122.30 47.58,-122.30",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    property_type = forms.MultipleChoiceField(
        required=False,
        choices=list(TYPES.items()),
        label="Type",
        widget=forms.CheckboxSelectMultiple(attrs={"class": " ".join(CHECKBOX_CLASSES)}),
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data if data is not None else QueryDict())
        for name, spec in RANGES.items():
            for end, word in (("min", "from"), ("max", "to")):
                self.fields[f"{name}_{end}"] = _end(spec, word)
        for name, label in FLAGS.items():
            self.fields[name] = AskedField(required=False, label=label)
        for name in CIRCLE:
            self.fields[name].widget.attrs["step"] = "any"
        self.criteria: dict[str, Any] = {}
        self.words = ""
        dressed(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name, spec in RANGES.items():
            low, high = data.get(f"{name}_min"), data.get(f"{name}_max")
            if low is not None and high is not None and low > high:
                self.add_error(f"{name}_max", f"{spec.label} to {high} is less than from {low}.")
        given = [name for name in CIRCLE if data.get(name) is not None]
        if given and len(given) < len(CIRCLE):
            for name in CIRCLE:
                if name not in given and name not in self.errors:
                    self.add_error(name, "A circle needs latitude, longitude and radius.")
        if given and data.get(AREA):
            self.add_error(AREA, "Search a circle or an area, not both.")
        try:
            criteria.place(data.get("place") or "")
        except ValueError as error:
            self.add_error("place", str(error))
        if not self.errors:
            self._translate(data)
        return data

    def _translate(self, data: dict[str, Any]) -> None:
        found = criteria.criteria(data)
        if not found:
            return
        try:
            self.criteria = filters(found)
        except ValueError as error:  # the vendor's own rules, before the vendor is asked
            raise forms.ValidationError(str(error)) from error
        self.words = criteria.in_words(data)

    def query(self) -> str:
        """The search as the end of an address: only what is asked."""
        pairs = [(name, value) for name in self.fields for value in self.data.getlist(name) if value.strip()]  # type: ignore[attr-defined]
        return urlencode(pairs)

    def groups(self) -> Iterator[Group]:
        """The fields as the page shows them."""
        for title, ranges, flags in GROUPS:
            types = self["property_type"] if title == "Property" else None
            pairs = [(RANGES[name], self[f"{name}_min"], self[f"{name}_max"]) for name in ranges]
            boxes = [self[name] for name in flags]
            ends = [end for _, low, high in pairs for end in (low, high)]
            used = sum(bool(field.value()) for field in (*ends, *boxes)) + len(types.value() or () if types else ())
            yield Group(title, types, pairs, boxes, used)

    def circle(self) -> list[Any]:
        return [self[name] for name in CIRCLE]


def _end(spec: Range, word: str) -> forms.Field:
    label = f"{spec.label} {word}" + (f", {spec.unit}" if spec.unit else "")
    attrs = {"aria-label": label, "placeholder": word}
    if spec.date:
        return forms.DateField(required=False, label=label, widget=forms.DateInput(attrs | {"type": "date"}))
    number = forms.NumberInput(attrs | {"inputmode": "numeric"})
    return forms.IntegerField(required=False, label=label, min_value=spec.least, max_value=spec.most, widget=number)


def search_of(text: str) -> SearchForm:
    """The search that the page counted, as it comes back with a button."""
    if len(text) > SEARCH_MAX:
        raise SuspiciousOperation("search: no page of ours has one as long")
    return SearchForm(QueryDict(text))


class SaveForm(forms.Form):
    """Where the ids go: a new bucket, or one of the team's."""

    bucket = forms.ModelChoiceField(
        queryset=Bucket.objects.none(),
        required=False,
        label="Save to",
        empty_label="A new bucket",
        error_messages={"invalid_choice": "Choose one of your team’s buckets."},
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name of the new bucket",
        widget=forms.TextInput(attrs={"placeholder": "named after the search"}),
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=criteria.WHOLE_MAX,
        label="Only the first",
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "all"}),
    )
    once = forms.UUIDField(widget=forms.HiddenInput)

    prefix = "save"

    def __init__(self, data: QueryDict | None = None, *, by: Access) -> None:
        super().__init__(data, initial={"once": uuid7()})
        own = Bucket.objects.worked_by(by).order_by("-pk")
        field: Any = self.fields["bucket"]
        field.queryset = own  # any of the team's is valid; the latest are offered
        latest = [(str(bucket.pk), str(bucket)) for bucket in own.only("name")[:LATEST_BUCKETS]]
        field.widget.choices = [("", field.empty_label), *latest]
        dressed(self)
