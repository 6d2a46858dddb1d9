"""The filters a person may put on leads, by the same names in the API, a run's guard, the admin and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from leads.models import Lead

CALLBACKS = [("due", "Due"), ("today", "Today, and what is due"), ("any", "Any")]


class _UpperFilter(django_filters.CharFilter):  # type: ignore[misc]
    """For what is stored in upper case: equality goes by an index, `iexact` by none."""

    def filter(self, qs: Any, value: Any) -> Any:
        return super().filter(qs, value.upper() if value else value)


class _NumberFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """Of a bounded size: Python needs minutes to make an integer of 1e9999999."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=-(10**50), max_value=10**50, **options)


class LeadFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`?propertyState=WA&estimatedValueMin=300000&absenteeOwner=true`."""

    needsApollo = django_filters.BooleanFilter(method="_needs_apollo", label="No Apollo data yet")
    needsSkipTrace = django_filters.BooleanFilter(method="_needs_skip_trace", label="No phone yet")
    enrichedOnly = django_filters.BooleanFilter(method="_enriched_only", label="Only leads with a phone")
    hasPhone = django_filters.BooleanFilter(field_name="phone", lookup_expr="isnull", exclude=True, label="Has a phone")
    doNotCall = django_filters.BooleanFilter(field_name="phone_do_not_call", label="The phone is on a do-not-call list")
    contactable = django_filters.BooleanFilter(method="_contactable", label="May be called, not contacted yet")
    callback = django_filters.ChoiceFilter(
        choices=CALLBACKS,
        method="_callback",
        label="The owner is to be called back: due by now, due before tomorrow by your clock, or at any time",
    )
    status = django_filters.MultipleChoiceFilter(choices=Lead.Status.choices, distinct=False)
    enrichmentStatus = django_filters.MultipleChoiceFilter(
        field_name="enrichment_status", choices=Lead.Enrichment.choices, distinct=False
    )
    propertyState = _UpperFilter(field_name="property_state", max_length=2)
    propertyCity = django_filters.CharFilter(field_name="property_city", lookup_expr="iexact", max_length=200)
    propertyZip = django_filters.CharFilter(field_name="property_zip", max_length=10)
    propertyType = django_filters.CharFilter(field_name="property_type", lookup_expr="iexact", max_length=20)
    ownerType = django_filters.CharFilter(field_name="owner_type", lookup_expr="iexact", max_length=20)
    estimatedValueMin = _NumberFilter(field_name="estimated_value", lookup_expr="gte")
    estimatedValueMax = _NumberFilter(field_name="estimated_value", lookup_expr="lte")
    estimatedEquityMin = _NumberFilter(field_name="estimated_equity", lookup_expr="gte")
    estimatedEquityMax = _NumberFilter(field_name="estimated_equity", lookup_expr="lte")
    equityPercentMin = _NumberFilter(field_name="equity_percent", lookup_expr="gte")
    bedroomsMin = _NumberFilter(field_name="bedrooms", lookup_expr="gte")
    yearBuiltMax = _NumberFilter(field_name="year_built", lookup_expr="lte")
    absenteeOwner = django_filters.BooleanFilter(field_name="absentee_owner")
    ownerOccupied = django_filters.BooleanFilter(field_name="owner_occupied")
    preForeclosure = django_filters.BooleanFilter(field_name="pre_foreclosure")
    foreclosure = django_filters.BooleanFilter(field_name="foreclosure")
    taxLien = django_filters.BooleanFilter(field_name="tax_lien")
    bankruptcy = django_filters.BooleanFilter(field_name="bankruptcy")
    vacant = django_filters.BooleanFilter(field_name="vacant")
    highEquity = django_filters.BooleanFilter(field_name="high_equity")
    freeClear = django_filters.BooleanFilter(field_name="free_clear")
    tag = django_filters.CharFilter(field_name="tags__name", lookup_expr="iexact", max_length=50)

    class Meta:
        model = Lead
        fields: list[str] = []

    def _needs_apollo(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.needs_apollo() if value else queryset

    def _needs_skip_trace(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.needs_skip_trace() if value else queryset

    def _enriched_only(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.enriched() if value else queryset

    def _callback(self, queryset: Any, name: str, value: str) -> Any:
        now = timezone.localtime()
        tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.to_call_back({"due": now, "today": tomorrow}.get(value))

    def _contactable(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.contactable() if value else queryset


class BadFilter(ValueError):
    """A filter that does not exist or cannot be read: {name: [what is wrong]}."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(words)}" for name, words in errors.items()))
        self.errors = dict(errors)


def matching(queryset: QuerySet[Lead], params: Mapping[str, Any], *, time_zone: str = "UTC") -> QuerySet[Lead]:
    """The leads of `queryset` that pass these filters; time_zone: by whose clock a day ends. Raises BadFilter."""
    if not params:  # most pages: django-filter would copy each of its filters to find that out
        return queryset
    unknown = sorted(set(params) - set(LeadFilter.base_filters))
    if unknown:
        raise BadFilter({name: ["There is no such filter."] for name in unknown})
    query = _as_query(params)
    unclear = [name for name in params if _is_unclear(name, query.get(name))]
    if unclear:  # django-filter takes a word it does not know for "all": a guard that lets everything through
        raise BadFilter({name: ["It must be true or false."] for name in unclear})
    chosen = LeadFilter(data=query, queryset=queryset)
    if not chosen.is_valid():
        raise BadFilter({name: [str(e) for e in errors] for name, errors in chosen.errors.items()})
    with timezone.override(time_zone):
        passed: QuerySet[Lead] = chosen.qs
    return passed


def _is_unclear(name: str, value: str | None) -> bool:
    is_flag = isinstance(LeadFilter.base_filters[name], django_filters.BooleanFilter)
    return is_flag and (value or "").lower() not in ("true", "false", "1", "0", "")


def refuse_empty(params: Mapping[str, Any]) -> None:
    """Raises BadFilter for filters that let every lead through: fine for a list, not for a guard that spares money.

    Such is one without a value, and `false` for a filter that only ever narrows when it is true.
    """
    empty = {
        name: ["This guard would let every lead through: give it a value."]
        for name, value in params.items()
        if value is None or value == [] or str(value).strip() == "" or (value is False and _narrows_if_true(name))
    }
    if empty:
        raise BadFilter(empty)


def _narrows_if_true(name: str) -> bool:
    return name in LeadFilter.base_filters and LeadFilter.base_filters[name].method is not None


def _as_query(params: Mapping[str, Any]) -> Any:
    """JSON values as a query string would carry them."""
    query = QueryDict(mutable=True)
    for name, value in params.items():
        values = value if isinstance(value, list) else [value]
        query.setlist(name, [str(v).lower() if isinstance(v, bool) else str(v) for v in values])
    return query
