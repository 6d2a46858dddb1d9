"""What will go is said a release before, in the answers themselves (docs/api.md, "What is promised")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from django.utils.http import http_date
from drf_spectacular.utils import extend_schema

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE = "deprecation"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """since: when it was announced. sunset: from when it may be gone. instead: the address that does it now."""

    since: date
    sunset: date
    instead: str = ""

    def headers(self) -> dict[str, str]:
        """Deprecation by RFC 9745, Sunset by RFC 8594, and a link to what takes its place (RFC 8288)."""
        told = {"Deprecation": f"@{_seconds(self.since)}", "Sunset": http_date(_seconds(self.sunset))}
        return told | ({"Link": f'<{self.instead}>; rel="successor-version"'} if self.instead else {})


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def deprecated(since: date, *, sunset: date, instead: str = "") -> Callable[[View], View]:
    """Of a view's method, above its `@extend_schema`: every answer of it says so, and so does the schema."""
    if sunset <= since:
        raise ValueError("sunset: it is after the announcement")

    def mark(method: View) -> View:
        marked: Any = extend_schema(deprecated=True)(method)
        setattr(marked, _ATTRIBUTE, Deprecation(since, sunset, instead))
        return marked  # type: ignore[no-any-return]

    return mark


def headers_of(method: Any) -> dict[str, str]:
    """Of a view's method; none where it stays."""
    found: Deprecation | None = getattr(method, _ATTRIBUTE, None)
    return found.headers() if found else {}
