"""Keyset pages: the cursor is the key of the last row, so page 20,000 costs what page 1 does. Never OFFSET."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework import serializers

from config.common.api import invalid
from config.common.serializers import StrictSerializer

M = TypeVar("M", bound=Model)
PAGE = 50  # the brief's default
PAGE_MAX = 500  # the brief's maximum


class PageQuery(StrictSerializer):
    """The parameters of every list."""

    limit = serializers.IntegerField(
        default=PAGE, min_value=1, max_value=PAGE_MAX, help_text=f"Rows of a page, at most {PAGE_MAX}"
    )
    cursor = serializers.CharField(
        required=False,
        max_length=64,
        help_text="`nextCursor` of the page before; opaque, valid for as long as you like",
    )


def page(
    rows: QuerySet[M], *, limit: int, cursor: str | None, key: str = "pk", newest_first: bool = False
) -> tuple[list[M], str | None]:
    """One page of `rows` in the order of a UUID key, and the cursor of the next page (None: this was the last)."""
    if cursor:
        rows = rows.filter(**{f"{key}__{'lt' if newest_first else 'gt'}": _decoded(cursor)})
    found = list(rows.order_by(f"-{key}" if newest_first else key)[: limit + 1])
    more = len(found) > limit
    return found[:limit], _encoded(getattr(found[limit - 1], key)) if more else None


def _encoded(key: UUID) -> str:
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def _decoded(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid("cursor", "This is no cursor of this list.") from error


def page_of(rows: list[Any], next_cursor: str | None) -> dict[str, Any]:
    """What every list says about itself."""
    return {"count": len(rows), "nextCursor": next_cursor}
