"""The first page: what needs somebody now, then money and stock."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `templates/admin/index.html` shows beside Django's own."""
    return context
