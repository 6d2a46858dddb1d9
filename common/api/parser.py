"""Reading JSON bodies: only objects, only what PostgreSQL can keep, and not nested without end."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

DEPTH_MAX = 20  # a search within a search within a search is about 8 deep
# NUL and half of a surrogate pair are JSON, but no PostgreSQL text. Other control characters are no text that a person
# wrote: what is cleaned of them further in may be shorter than what was checked here. Tab and line breaks are text.
_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# As escapes, or as the bytes themselves: a body that has none of these needs no look at its texts.
_SIGNS = (b"\\u", b"\\b", b"\\f", b"\x7f", b"\xc2")
_CONTROL = "Control characters and halves of characters are not allowed; tab and line breaks are."


class StrictJSONParser(BaseParser):
    """`request.data` is a dict; anything else is a 400 that says why and, inside an object, where."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], _media_type: str | None = None, _parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        raw: bytes = stream.read()
        try:
            data = json.loads(
                raw.decode("utf-8-sig"), parse_constant=_not_a_number, parse_float=_finite, object_pairs_hook=once
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise ParseError(f"The body is not JSON: {error.msg} ({place}).") from error
        except Twice as error:
            raise ValidationError({error.name[:100]: ["It stands in one object twice."]}) from error
        except ValueError as error:  # NaN, an infinite number, or one of thousands of digits
            is_long = str(error).startswith("Exceeds the limit")  # Python's own words are for programmers
            why = "a number in it has thousands of digits" if is_long else str(error)[:100]
            raise ParseError(f"The body is not JSON: {why}.") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object, such as {}.")
        check_text = any(sign in raw for sign in _SIGNS)
        for name, value in data.items():
            wrong = _wrong(value, DEPTH_MAX - 1, check_text=check_text)
            if check_text and _UNKEEPABLE.search(name):
                raise ParseError(f"The name of a field: {_CONTROL}")
            if wrong:
                raise ValidationError({name: [wrong]})
        return data


def _wrong(value: object, depth: int, *, check_text: bool) -> str:
    """What is wrong with a value, at any depth; empty: nothing. A flat list of 100,000 ids costs milliseconds."""
    if isinstance(value, str):
        return _CONTROL if check_text and _UNKEEPABLE.search(value) else ""
    if not isinstance(value, list | dict):
        return ""
    if depth == 0:
        return f"It is nested deeper than {DEPTH_MAX} levels."
    inner: Any = value
    if isinstance(value, dict):
        inner = [*value, *value.values()] if check_text else value.values()
    for item in inner:
        if (check_text or isinstance(item, list | dict)) and (wrong := _wrong(item, depth - 1, check_text=check_text)):
            return wrong
    return ""


class Twice(ValueError):
    """A name stands in one JSON object twice."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:50]!r} stands in one object twice")
        self.name = name


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Python takes the last of a name that stands in it twice: a second `maxCost` would win unseen."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Twice(twice)
    return found


def _not_a_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
