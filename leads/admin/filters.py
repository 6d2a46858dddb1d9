"""The filters beside the list of leads: those of the API, by the same names, as selects and boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.selectors import user_of
from common.admin import dressed, is_id, sees_all
from leads.models import Lead, Tag
from leads.registries import buckets_of
from leads.selection.filters import CALLBACKS, BadFilter, matching

Choices = Iterable[tuple[str, str]]
LATEST = 100  # buckets and tags to choose from; a link may name any
YES_NO: Choices = [("true", "Yes"), ("false", "No")]


class _LeadFilter(admin.SimpleListFilter):
    """One filter of `leads.filters`, by its name there. The address takes what the API takes, several values too.

    What cannot be read is said at its field and above the list, and the list is empty: never silently "all".
    """

    template = "unfold/filters/filters_field.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: admin.ModelAdmin[Any]
    ) -> None:
        self.given = [value for value in params.get(str(self.parameter_name), []) if value.strip()]
        self.wrong = ""
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def field(self) -> forms.Field:
        return forms.CharField(required=False)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """What unfold's template for filters draws: one form of one field."""
        name, values = str(self.parameter_name), self.given
        form = type("FilterForm", (forms.Form,), {name: self._several() if len(values) > 1 else self.field()})
        shown = form(data={name: values if len(values) > 1 else self.value()}, auto_id="filter_%s")
        if self.wrong:
            shown.is_valid()
            shown.errors[name] = shown.error_class([self.wrong])
        yield {"form": dressed(shown), "query_string": "?"}

    def _several(self) -> forms.Field:
        """Several values stand in the address: all that is offered, these chosen."""
        choices = dict(self.lookup_choices) | {value: value for value in self.given}
        return forms.MultipleChoiceField(label=self.title, required=False, choices=list(choices.items()))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.given:
            return queryset
        try:
            return self.passing(request, queryset)
        except ValueError as error:
            self.wrong = str(error)
            messages.error(request, f"{self.title}: this filter cannot be read, so no lead is shown. {error}")
            return queryset.none()

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The leads that pass. Raises ValueError."""
        name, person = str(self.parameter_name), user_of(request)
        asked = {name: self.given if len(self.given) > 1 else self.given[0]}
        try:
            return matching(queryset, asked, time_zone=person.time_zone)
        except BadFilter as error:
            raise ValueError(" ".join(error.errors[name])) from error


class _Select(_LeadFilter):
    """A choice. One that stands in the address and is not offered is kept, and shown as it is."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        offered = list(self.offered(request))
        value = self.value()
        return offered if not value or value in dict(offered) else [*offered, (value, "This one")]

    def offered(self, request: HttpRequest) -> Choices:
        raise NotImplementedError

    def field(self) -> forms.Field:
        return forms.ChoiceField(label=self.title, required=False, choices=[("", "All"), *self.lookup_choices])


class InBucket(_Select):
    title = "Bucket"
    parameter_name = "bucket"

    def offered(self, request: HttpRequest) -> Choices:
        rows = buckets_of(user_of(request)).order_by("-pk")
        return [(str(pk), name) for pk, name in rows.values_list("pk", "name")[:LATEST]]

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not all(map(is_id, self.given)):
            raise ValueError("This is not a bucket’s id.")
        return queryset.filter(bucket=self.given[0]) if len(self.given) == 1 else queryset.filter(bucket__in=self.given)


class Tagged(_Select):
    title = "Tag"
    parameter_name = "tag"

    def offered(self, request: HttpRequest) -> Choices:
        rows = Tag.objects.order_by("name")
        rows = rows if sees_all(request) else rows.owned_by(user_of(request))
        return [(name, name) for name in dict.fromkeys(rows.values_list("name", flat=True)[:LATEST])]


class CallBack(_Select):
    """One's own, for superusers too: as Home counts them."""

    title = "My callbacks"
    parameter_name = "callback"

    def offered(self, request: HttpRequest) -> Choices:
        return CALLBACKS

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().passing(request, queryset.filter(owner=request.user.pk))


def _select(name: str, label: str, choices: Choices = YES_NO) -> Any:
    return type(name, (_Select,), {"title": label, "parameter_name": name, "offered": lambda _self, _request: choices})


def _box(name: str, label: str, make: Callable[..., forms.Field] = forms.CharField, **options: object) -> Any:
    def field(_self: _LeadFilter) -> forms.Field:
        return make(label=label, required=False, **options)

    return type(name, (_LeadFilter,), {"title": label, "parameter_name": name, "field": field})


_TYPES = [
    ("SFR", "Single family"),
    ("MFR", "Multi-family"),
    ("CONDO", "Condo"),
    ("LAND", "Land"),
    ("MOBILE", "Mobile home"),
]
FILTERS = (
    InBucket,
    _select("status", "Status", Lead.Status.choices),
    _select("enrichmentStatus", "Data", Lead.Enrichment.choices),
    Tagged,
    CallBack,
    _select("hasPhone", "Has a phone"),
    _select("doNotCall", "On DNC", [*YES_NO, ("unknown", "DNC unknown")]),
    _select("contactable", "Ready to call"),
    _box("propertyState", "State", max_length=2, widget=forms.TextInput(attrs={"placeholder": "WA"})),
    _select("propertyType", "Property type", [*_TYPES, ("OTHER", "Other")]),
    _box("estimatedEquityMin", "Equity from ($)", forms.IntegerField),
    _box("estimatedEquityMax", "Equity to ($)", forms.IntegerField),
    _select("absenteeOwner", "Absentee owner"),
    _select("preForeclosure", "Pre-foreclosure"),
    _select("taxLien", "Tax lien"),
    _select("vacant", "Vacant"),
    _select("freeClear", "Free and clear"),
)
