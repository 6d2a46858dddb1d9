from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from common.api.serializers import CapField, ObjectField, PlainDecimalField, StrictSerializer, WholeField
from integrations.vendors import normalise
from integrations.vendors.contract import Query
from integrations.vendors.queries import PAGE_MAX, detail_query, filters, search_query, skip_trace_query
from integrations.vendors.realestateapi.filter_names import FILTER_NAMES

MODES = ("count", "ids", "full")
# What a search may be for, where AutoComplete's own words for it are kept (docs/vendors/realestateapi.md 1.5).
PLACES_MAX = 10
PLACE_LETTERS = 3  # the least AutoComplete takes


class SearchInput(StrictSerializer):
    takes_others = True  # a search's filters, beside `mode`

    mode = serializers.ChoiceField(choices=MODES, help_text="count and ids are free, full is charged by the row")
    search = ObjectField(
        required=False,
        allow_null=True,
        help_text="RealEstateAPI's filters, such as {state, county, absentee_owner}; left out or null, the filters "
        "may stand beside `mode` by the same names",
    )
    size = WholeField(required=False, min_value=1, max_value=PAGE_MAX, help_text="Rows of a full page")
    resultIndex = WholeField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="`nextIndex` of the full page before"
    )
    maxCost = CapField(required=False, help_text="US dollars a full page may cost")

    def to_internal_value(self, data: object) -> Any:
        """Filters beside `mode` are the search, where there is no other. An unknown name is refused."""
        if isinstance(data, Mapping) and data.get("search") is None:
            flat = {name: value for name, value in data.items() if name in FILTER_NAMES}
            data = {name: value for name, value in data.items() if name not in flat and name != "search"}
            data |= {"search": flat} if flat else {}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "search" not in attrs:
            raise serializers.ValidationError({"search": ['Filters are needed, such as {"state": "WA"}.']})
        try:
            attrs["search"] = filters(attrs["search"])
        except ValueError as error:
            raise serializers.ValidationError({"search": [str(error)]}) from error
        if attrs["mode"] == "full":
            return attrs | {"query": _full(attrs)}
        for name in ("size", "resultIndex", "maxCost"):
            if name in attrs:
                raise serializers.ValidationError({name: ["Only a full search takes it."]})
        return attrs


def _full(attrs: dict[str, Any]) -> Query:
    return search_query(attrs["search"], size=attrs.get("size", 50), result_index=attrs.get("resultIndex", 0))


class DetailQuery(StrictSerializer):
    id = serializers.CharField(max_length=64, help_text="RealEstateAPI's property id")

    def validate_id(self, value: str) -> Query:
        try:
            return detail_query(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class AutocompleteInput(StrictSerializer):
    search = serializers.CharField(max_length=200, help_text="The beginning of a county, city, address …: 3 characters")
    searchTypes = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]\Z"),
        required=False,
        max_length=PLACES_MAX,
        help_text="A address, C city, N county, S state, Z ZIP, …",
    )

    def validate_search(self, value: str) -> str:
        """As the vendor will be asked: characters that are no text are taken out before the rest is counted."""
        text = normalise.text(value) or ""
        if len(text) < PLACE_LETTERS:
            raise serializers.ValidationError(f"At least {PLACE_LETTERS} characters are needed.")
        return text


class SkipTraceInput(StrictSerializer):
    """An address with city and state, or a whole name with city, state and ZIP."""

    firstName = serializers.CharField(max_length=100, required=False)
    lastName = serializers.CharField(max_length=100, required=False)
    first_name = serializers.CharField(max_length=100, required=False, help_text="firstName by its other name")
    last_name = serializers.CharField(max_length=100, required=False, help_text="lastName by its other name")
    address = serializers.CharField(max_length=200, required=False)
    city = serializers.CharField(max_length=100, required=False)
    state = serializers.CharField(max_length=2, required=False)
    zip = serializers.CharField(max_length=10, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name, other in (("first_name", "firstName"), ("last_name", "lastName")):
            if other in attrs and attrs.setdefault(name, attrs[other]) != attrs.pop(other):
                raise serializers.ValidationError({name: [f"{other} says something else."]})
        try:
            return {"query": skip_trace_query(**attrs)}
        except ValueError as error:
            raise serializers.ValidationError({"address": [str(error)]}) from error


class PriceInput(StrictSerializer):
    operation = serializers.CharField(max_length=30, help_text="property_detail, skip_trace, …")
    price = PlainDecimalField(max_digits=9, decimal_places=4, min_value=0, help_text="US dollars a unit, from now on")


class DegreeField(serializers.FloatField):
    """A number that is kept as text; no text is no number."""

    def to_representation(self, value: float | str | None) -> Any:
        return float(value) if value else None


class PlaceSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    searchType = serializers.CharField(source="search_type", help_text="A, C, N, G, P, S, T or Z")
    propertyId = serializers.CharField(source="property_id")
    apn = serializers.CharField()
    address = serializers.CharField()
    house = serializers.CharField()
    street = serializers.CharField()
    city = serializers.CharField()
    county = serializers.CharField()
    state = serializers.CharField()
    zip = serializers.CharField()
    fips = serializers.CharField()
    stateId = serializers.CharField(source="state_id")
    countyId = serializers.CharField(source="county_id")
    neighborhoodId = serializers.CharField(source="neighborhood_id")
    latitude = DegreeField(allow_null=True)
    longitude = DegreeField(allow_null=True)
