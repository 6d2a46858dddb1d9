"""Which search brought a list's leads, in words: what money is told by. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from buckets.filling import criteria
from buckets.models import Bucket, Fill, Import

NAME_MAX = 200  # characters
FILES, SEVERAL, COMBINED, BY_HAND = "files", "several", "combined", "other"
WORDS = {
    FILES: "Imported files",
    SEVERAL: "Buckets filled by several searches or files",
    COMBINED: "Combinations of buckets",
    BY_HAND: "Other ids and leads added by hand",
}


def searches_of(bucket_ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """By bucket, the key and the words of the search that brought its leads. A search that was asked again, and lists
    of the same search, are one; a bucket that more than one search or a file as well has filled is of several.
    """
    ids = list(bucket_ids)
    found: dict[UUID, dict[str, str]] = {}
    for bucket_id, asked, sets in Fill.objects.filter(bucket__in=ids).values_list("bucket_id", "criteria", "sets"):
        key, words = (COMBINED, WORDS[COMBINED]) if sets else _named(asked)
        found.setdefault(bucket_id, {})[key] = words
    files = Import.objects.filter(bucket__in=ids, new__gt=0).order_by().values_list("bucket_id", flat=True).distinct()
    for bucket_id in files:
        found.setdefault(bucket_id, {})[FILES] = WORDS[FILES]
    for bucket_id, filters in Bucket.objects.filter(pk__in=ids).values_list("pk", "filters"):
        if bucket_id not in found:
            key, words = _named(filters) if filters else (BY_HAND, WORDS[BY_HAND])
            found[bucket_id] = {key: words}
    several = (SEVERAL, WORDS[SEVERAL])
    return {pk: next(iter(ways.items())) if len(ways) == 1 else several for pk, ways in found.items()}


def _named(asked: Mapping[str, Any]) -> tuple[str, str]:
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, default=str)
    return sha256(text.encode()).hexdigest()[:16], _words(asked)[:NAME_MAX]


def _words(asked: Mapping[str, Any]) -> str:
    """Of the vendor's own filter names: "Seattle, WA · Beds from 3 · Absentee owner"."""
    told, left = dict(asked), []
    place = ", ".join(str(told.pop(name)) for name in ("city", "county", "zip", "state") if _is_plain(told.get(name)))
    types = told.pop("property_type", None)
    known: dict[str, Any] = {"place": place, "property_type": [types] if types in criteria.TYPES else None}
    for name, value in sorted(told.items()):
        ends = name.removesuffix("_min").removesuffix("_max")
        is_range = ends in criteria.RANGES and not criteria.RANGES[ends].date and type(value) is int
        if is_range or (name in criteria.FLAGS and isinstance(value, bool)):
            known[name] = value
        elif name not in criteria.CIRCLE:
            left.append(f"{name.replace('_', ' ')}: {json.dumps(value, ensure_ascii=False, default=str)}")
    known |= {name: told[name] for name in criteria.CIRCLE if isinstance(told.get(name), int | float)}
    return " · ".join(part for part in (criteria.in_words(known), *left) if part) or "Every property"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
