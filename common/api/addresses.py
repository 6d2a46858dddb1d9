"""Which view an address of the API is."""

from __future__ import annotations

from typing import Any

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern


class Addresses(URLResolver):
    """As `path(route, include(patterns))`. An address in which nothing varies is found once: Django tries the patterns
    one after the other for each request, a hundred of them for a page of leads.
    """

    def __init__(self, route: str, patterns: list[URLPattern | URLResolver]) -> None:
        super().__init__(RoutePattern(route, is_endpoint=False), patterns)
        self._found: dict[str, ResolverMatch] = {}

    def resolve(self, path: Any) -> ResolverMatch:
        known = self._found.get(path := str(path))
        if known is None:
            known = super().resolve(path)
            if known.url_name and not known.kwargs and not known.args:  # so that there are no more than have a name
                self._found[path] = known
        return known
