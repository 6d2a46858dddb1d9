"""The filters of a list of leads in words, each with a way to take it away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from leads.selection.filters import MATCH

_NONE = frozenset({"sort", MATCH, "team"})  # how the list stands, not what it is of


@dataclass(frozen=True, slots=True)
class Chip:
    """words: "City: Seattle"; address: the list without it."""

    words: str
    address: str


def chips_of(cl: Any) -> Iterator[Chip]:
    """What is searched for, then the filters in use, as the panel has them."""
    if cl.query:
        yield Chip(f"Search: {cl.query}", without(cl, "q"))
    for spec in cl.filter_specs:
        name = str(getattr(spec, "parameter_name", ""))
        if name in _NONE or not getattr(spec, "given", None):
            continue
        words = dict(spec.lookup_choices)
        said = ", ".join(str(words.get(value, value)) for value in spec.given)
        yield Chip(f"{spec.title}: {said}", without(cl, name))


def without(cl: Any, name: str) -> str:
    """The list's address without a filter: by its whole name, where Django takes away all that begin so."""
    kept = cl.filter_params
    cl.filter_params = {one: values for one, values in kept.items() if one != name}
    cl.params = {one: values[-1] for one, values in cl.filter_params.items()}
    try:
        return str(cl.get_query_string())
    finally:
        cl.filter_params = kept
        cl.params = {one: values[-1] for one, values in kept.items()}
