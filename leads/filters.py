"""The filters a person may put on leads, by the same names in the API, a run's guard, the admin and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict

from leads.models import Lead


class LeadFilter(django_filters.FilterSet):
    """`?propertyState=WA&estimatedValueMin=300000&absenteeOwner=true`."""

    needsApollo = django_filters.BooleanFilter(method="_needs_apollo", label="No Apollo data yet")
    needsSkipTrace = django_filters.BooleanFilter(method="_needs_skip_trace", label="No phone yet")
    enrichedOnly = django_filters.BooleanFilter(method="_enriched_only", label="Only leads with a phone")
    contactable = django_filters.BooleanFilter(method="_contactable", label="May be called, not contacted yet")
    status = django_filters.MultipleChoiceFilter(choices=Lead.Status.choices)
    enrichmentStatus = django_filters.MultipleChoiceFilter(
        field_name="enrichment_status", choices=Lead.Enrichment.choices
    )
    propertyState = django_filters.CharFilter(field_name="property_state", lookup_expr="iexact", max_length=2)
    propertyCity = django_filters.CharFilter(field_name="property_city", lookup_expr="iexact", max_length=200)
    propertyZip = django_filters.CharFilter(field_name="property_zip", max_length=10)
    propertyType = django_filters.CharFilter(field_name="property_type", lookup_expr="iexact", max_length=20)
    ownerType = django_filters.CharFilter(field_name="owner_type", lookup_expr="iexact", max_length=20)
    estimatedValueMin = django_filters.NumberFilter(field_name="estimated_value", lookup_expr="gte")
    estimatedValueMax = django_filters.NumberFilter(field_name="estimated_value", lookup_expr="lte")
    estimatedEquityMin = django_filters.NumberFilter(field_name="estimated_equity", lookup_expr="gte")
    equityPercentMin = django_filters.NumberFilter(field_name="equity_percent", lookup_expr="gte")
    bedroomsMin = django_filters.NumberFilter(field_name="bedrooms", lookup_expr="gte")
    yearBuiltMax = django_filters.NumberFilter(field_name="year_built", lookup_expr="lte")
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

    def _contactable(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.contactable() if value else queryset


class BadFilter(ValueError):
    """A filter that does not exist or cannot be read: {name: [what is wrong]}."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(words)}" for name, words in errors.items()))
        self.errors = dict(errors)


def matching(queryset: QuerySet[Lead], params: Mapping[str, Any]) -> QuerySet[Lead]:
    """The leads of `queryset` that pass these filters. Raises BadFilter."""
    unknown = sorted(set(params) - set(LeadFilter.base_filters))
    if unknown:
        raise BadFilter({name: ["There is no such filter."] for name in unknown})
    chosen = LeadFilter(data=_as_query(params), queryset=queryset)
    if not chosen.is_valid():
        raise BadFilter({name: [str(e) for e in errors] for name, errors in chosen.errors.items()})
    return chosen.qs


def _as_query(params: Mapping[str, Any]) -> Any:
    """JSON values as a query string would carry them."""
    query = QueryDict(mutable=True)
    for name, value in params.items():
        values = value if isinstance(value, list) else [value]
        query.setlist(name, [str(v).lower() if isinstance(v, bool) else str(v) for v in values])
    return query
