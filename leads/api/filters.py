"""The lead filters as query parameters: taken from a request, told back, described in the schema."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from common.filters import Bound, Choice, Filter, Flag, KnownFlag, Years
from leads.fields.cells import PREFIX
from leads.selection.filters import FILTERS, MATCH, MATCHES

NAMES = frozenset({*FILTERS, MATCH})
BEGINS = (PREFIX,)  # of filters over a team's own fields: `DeclaredRequest.begins` of the views that take them


def names_in(query: QueryDict) -> frozenset[str]:
    """The names of all filters, those over custom fields that this query names among them."""
    return NAMES | {name for name in query if name.startswith(PREFIX)}


def chosen(query: QueryDict, *, beside: frozenset[str]) -> dict[str, Any]:
    """What is to be filtered by: every parameter but those in `beside`, a list where one is repeated."""
    lists = {name: query.getlist(name) for name in query if name not in beside}
    return {name: values if len(values) > 1 else values[0] for name, values in lists.items()}


def _parameter(name: str, given: Filter) -> OpenApiParameter:
    """What its schema says is what its reader takes, in the spelling that is meant to be sent."""
    one: dict[str, Any] = {"type": "string", "minLength": 1}
    if isinstance(given, KnownFlag) and given.unknown is not None:
        one = {"type": "string", "enum": ["true", "false", given.UNKNOWN]}
    elif isinstance(given, Flag):
        one = {"type": "boolean"}
    elif isinstance(given, Bound):
        one = {"type": "number"}
    elif isinstance(given, Years):
        one = {"type": "integer", "minimum": 0, "maximum": Years.MOST}
    elif isinstance(given, Choice):
        one = {"type": "string", "enum": [value for value, _ in given.choices]}
    kind = {"type": "array", "items": one} if given.several else one
    words = (
        given.label if not given.several or name in ("tagAll", "tagNone") else f"{given.label}. Repeated: any of these"
    )
    return OpenApiParameter(name, kind, description=words, explode=True if given.several else None)


PARAMETERS = [
    *(_parameter(name, given) for name, given in FILTERS.items()),
    OpenApiParameter(
        MATCH,
        {"type": "string", "enum": [value for value, _ in MATCHES]},
        description="all (the default): leads that pass every filter; any: leads that pass one of them. Your team's "
        "custom fields are filters too, and need no line here: custom.KEY=VALUE, repeated: any of these; "
        "custom.KEY.min and .max of a number, .from and .before of a date, .contains of a text, .known=true of any",
    ),
]
