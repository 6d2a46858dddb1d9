"""Cutting a search into slices: whatever the parcels and the search, nothing is lost and it comes to an end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buckets.rules import DIMENSIONS, IDS_PER_REQUEST, Slice, TooManyAlike, halves

Parcel = Mapping[str, int | None]
NAMES = [name for name, _, _ in DIMENSIONS]
BOUNDS = {name: (least, most) for name, least, most in DIMENSIONS}


def matches(parcel: Parcel, criteria: Mapping[str, Any]) -> bool:
    """RealEstateAPI's filters: an unknown value is in no range; `exclude` takes out what any of its objects finds."""
    for name, wanted in criteria.items():
        if name == "exclude":
            if any(matches(parcel, part) for part in (wanted if isinstance(wanted, list) else [wanted])):
                return False
            continue
        value = parcel[name.removesuffix("_min").removesuffix("_max")]
        if value is None:
            return False
        if (name.endswith("_min") and value < wanted) or (name.endswith("_max") and value > wanted):
            return False
    return True


class Vendor:
    """Counts and ids of a population, and how often it was asked."""

    def __init__(self, parcels: list[Parcel], most: int) -> None:
        self.parcels, self.most, self.requests = parcels, most, 0

    def find(self, criteria: Mapping[str, Any]) -> list[int]:
        self.requests += 1
        criteria = json.loads(json.dumps(criteria))  # it must be JSON
        return [number for number, parcel in enumerate(self.parcels) if matches(parcel, criteria)]

    def ids(self, criteria: Mapping[str, Any]) -> list[int]:
        found = self.find(criteria)
        assert len(found) <= self.most
        return found


def fetch(vendor: Vendor, criteria: Mapping[str, Any]) -> list[int]:
    """What a fill does: the slice on top of the stack is fetched if it is small enough, else cut."""
    stack, got = [Slice(criteria)], []
    while stack:
        top = Slice.from_json(json.loads(json.dumps(stack.pop().as_json())))
        if len(vendor.find(top.request())) > vendor.most:
            stack.extend(reversed(halves(top)))
        else:
            got.extend(vendor.ids(top.request()))
        assert vendor.requests < 20_000, "it does not come to an end"
    return got


def values(name: str) -> st.SearchStrategy[int | None]:
    least, most = BOUNDS[name]
    few = st.sampled_from([0, least, least + 1, most - 1, most, most + 1, 1900, 2000, 350_000])
    return st.none() | few | st.integers(-1, most + 1)


parcels = st.lists(st.fixed_dictionaries({name: values(name) for name in NAMES}), max_size=40)
ranges = st.fixed_dictionaries(
    {}, optional={f"{name}_{end}": st.integers(*BOUNDS[name]) for name in NAMES for end in ("min", "max")}
)
criteria = st.builds(
    lambda own, exclude: own | ({"exclude": exclude} if exclude is not None else {}),
    ranges,
    st.none() | ranges.filter(bool) | st.lists(ranges.filter(bool), max_size=2),
)


@pytest.mark.long
@settings(deadline=None, max_examples=300)
@given(parcels=parcels, criteria=criteria, most=st.integers(1, 8))
def test_slices_cover_every_parcel_of_any_search_and_come_to_an_end(
    parcels: list[Parcel], criteria: dict[str, Any], most: int
) -> None:
    vendor = Vendor(parcels, most)
    wanted = set(vendor.find(criteria))
    try:
        got = fetch(vendor, criteria)
    except TooManyAlike:
        assert most_alike(parcels, wanted, criteria) > most
    else:
        assert set(got) == wanted
        if all(value is None or value >= BOUNDS[name][0] for parcel in parcels for name, value in parcel.items()):
            assert len(got) == len(wanted)  # only what lies below a range's least is fetched twice, and saved once


def most_alike(parcels: list[Parcel], wanted: set[int], criteria: Mapping[str, Any]) -> int:
    """Of the parcels found, the most that lie in the same smallest slice of every range the search leaves free."""
    free = [n for n in NAMES if f"{n}_min" not in criteria and f"{n}_max" not in criteria]
    cells: Counter[tuple[Any, ...]] = Counter()
    for number in wanted:
        cells.update(product(*(_cells(parcels[number][name], *BOUNDS[name]) for name in free)))
    return max(cells.values(), default=0)


def _cells(value: int | None, least: int, most: int) -> list[int | None]:
    if value is None:
        return [None]
    return [min(max(value, least), most), *([None] if value < least else [])]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 2**31 - 1), unique=True, min_size=2, max_size=60))
def test_parcels_of_different_values_are_never_too_many_alike(found: list[int]) -> None:
    population: list[Parcel] = [dict.fromkeys(NAMES) | {"value": value} for value in found]
    vendor = Vendor(population, 1)
    assert sorted(fetch(vendor, {})) == list(range(len(found)))


def test_a_small_search_is_asked_as_it_is() -> None:
    assert Slice({"state": "WA", "exclude": [{"beds_min": 3}]}).request() == {
        "state": "WA",
        "exclude": [{"beds_min": 3}],
    }


def test_the_first_cut_is_between_those_with_a_value_and_those_without() -> None:
    having, lacking = halves(Slice({"state": "WA"}))
    assert having.request() == {"state": "WA", "value_min": 1}
    assert lacking.request() == {"state": "WA", "exclude": [{"value_min": 1}]}


def test_a_range_is_cut_in_its_middle_by_size() -> None:
    having, _ = halves(Slice({"state": "WA"}))
    low, high = halves(having)
    assert low.request() == {"state": "WA", "value_max": 46340}
    assert high.request() == {"state": "WA", "value_min": 46341}
    assert [half.request() for half in halves(low)] == [
        {"state": "WA", "value_max": 215},
        {"state": "WA", "value_min": 216, "value_max": 46340},
    ]


def test_the_persons_own_range_and_exclusions_are_kept() -> None:
    part = Slice({"value_min": 300_000, "building_size_max": 2000, "exclude": {"vacant": True}})
    having, lacking = halves(part)
    assert having.request() == dict(part.criteria) | {"year_built_min": 1600}
    assert lacking.request() == dict(part.criteria) | {"exclude": [{"vacant": True}, {"year_built_min": 1600}]}


def test_parcels_that_differ_in_nothing_are_refused_in_words() -> None:
    population: list[Parcel] = [dict.fromkeys(NAMES, 1900)] * 9
    with pytest.raises(TooManyAlike, match=r"More than 10,000 properties are alike .* narrow the search"):
        fetch(Vendor(population, 8), {})


def test_one_request_brings_what_the_vendor_documents() -> None:
    assert IDS_PER_REQUEST == 10_000
