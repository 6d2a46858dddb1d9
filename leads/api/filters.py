"""The lead filters as query parameters: taken from a request, told back, described in the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from leads.filters import LeadFilter
from leads.models import Lead

NAMES = frozenset(LeadFilter.base_filters)
_TYPES = {django_filters.BooleanFilter: OpenApiTypes.BOOL, django_filters.NumberFilter: OpenApiTypes.NUMBER}


def chosen(query: QueryDict, *, beside: frozenset[str]) -> dict[str, Any]:
    """What is to be filtered by: every parameter but those in `beside`, a list where one is repeated."""
    lists = {name: query.getlist(name) for name in query if name not in beside}
    return {name: values if len(values) > 1 else values[0] for name, values in lists.items()}


def told(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters as they were understood: booleans and numbers, not text. They have been checked."""
    if not filters:
        return {}
    query = QueryDict(mutable=True)
    for name, value in filters.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    form = LeadFilter(data=query, queryset=Lead.objects.none()).form
    form.is_valid()
    return {name: form.cleaned_data.get(name) for name in filters}


def _parameter(name: str, given: django_filters.Filter) -> OpenApiParameter:
    kind = next((t for cls, t in _TYPES.items() if isinstance(given, cls)), OpenApiTypes.STR)
    choices = given.extra.get("choices")
    return OpenApiParameter(
        name,
        kind,
        many=isinstance(given, django_filters.MultipleChoiceFilter),
        enum=[value for value, _ in choices] if choices else None,
        description=str(given.label or ""),
    )


PARAMETERS = [_parameter(name, given) for name, given in LeadFilter.base_filters.items()]
