"""Keyset pages: the cursor is the key of the last row, so page 20,000 costs what page 1 does. Never OFFSET."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

from common.api.base import Problem, invalid
from common.api.serializers import StrictSerializer, WholeField
from common.db.direct import whole

M = TypeVar("M", bound=Model)
PAGE = 50  # docs/requirements.md 2
PAGE_MAX = 500  # docs/requirements.md 2
CURSOR_MAX = 1_500  # characters: that of a list by name holds the last row's name
_ORDER, _KEY = 4, 16  # bytes of a cursor: which order it is of, and the last row's key
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class PageQuery(StrictSerializer):
    """The parameters of every list."""

    limit = WholeField(default=PAGE, min_value=1, max_value=PAGE_MAX, help_text=f"Rows of a page, at most {PAGE_MAX}")
    cursor = serializers.CharField(
        required=False,
        max_length=CURSOR_MAX,
        help_text="`nextCursor` of the page before; opaque, valid for as long as you like",
    )


def page(
    rows: QuerySet[M], *, limit: int, cursor: str | None, key: str = "pk", newest_first: bool = False
) -> tuple[list[M], str | None]:
    """One page of `rows` in the order of a UUID key, and the cursor of the next page (None: this was the last)."""

    def read(after: UUID | None, most: int) -> list[M]:
        found = rows if after is None else rows.filter(**{f"{key}__{'lt' if newest_first else 'gt'}": after})
        return whole(found.order_by(f"-{key}" if newest_first else key)[:most])

    return page_read(read, limit=limit, cursor=cursor, key=key)


def page_read(
    read: Callable[[UUID | None, int], list[M]], *, limit: int, cursor: str | None, key: str = "pk"
) -> tuple[list[M], str | None]:
    """The same of rows that `read` finds: at most so many, behind the one with this key; None: from the first."""
    found = read(place_of(cursor), limit + 1)
    more = len(found) > limit
    return found[:limit], _encoded(getattr(found[limit - 1], key).bytes) if more else None


def place_of(cursor: str | None) -> UUID | None:
    """The key that a cursor of `page` or `key_cursor` names: for lists that no queryset makes."""
    return UUID(bytes=_decoded(cursor, 16)) if cursor else None


def key_cursor(last: UUID) -> str:
    """The cursor of the page after the row with this key."""
    return _encoded(last.bytes)


def page_by_time(rows: QuerySet[M], *, time: str, limit: int, cursor: str | None) -> tuple[list[M], str | None]:
    """As `page`, in the order of the column `time`, then of the UUID key."""
    if cursor:
        place = _decoded(cursor, 24)
        try:
            at = _EPOCH + int.from_bytes(place[:8], signed=True) * _MICROSECOND
        except OverflowError as error:
            raise _no_cursor() from error
        later = Q(**{f"{time}__gt": at}) | Q(pk__gt=UUID(bytes=place[8:]))
        rows = rows.filter(later, **{f"{time}__gte": at})
    found = whole(rows.order_by(time, "pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    microseconds = (getattr(last, time) - _EPOCH) // _MICROSECOND
    return found[:limit], _encoded(microseconds.to_bytes(8, signed=True) + last.pk.bytes)


def cursor_of(order: str, key: UUID, value: str) -> str:
    """The cursor behind a row of a list that has several orders. order: which one, in words; value: the row's in it."""
    return _encoded(_mark(order) + key.bytes + value.encode())


def place_at(order: str, cursor: str) -> tuple[UUID, str]:
    """The key and the value in a cursor of this order. Raises a Problem that names `cursor` for one of another."""
    place = _decoded(cursor)
    try:
        value = place[_ORDER + _KEY :].decode()
    except UnicodeDecodeError as error:
        raise _no_cursor() from error
    if len(place) < _ORDER + _KEY or place[:_ORDER] != _mark(order):
        raise invalid("cursor", "This is no cursor of this list in this order: begin with its first page.")
    return UUID(bytes=place[_ORDER : _ORDER + _KEY]), value


def parts_cursor(order: str, *parts: str | int) -> str:
    """The cursor of a list in this order, of any parts."""
    return _encoded(_mark(order) + json.dumps(parts, separators=(",", ":")).encode())


def parts_at(order: str, cursor: str, kinds: tuple[type, ...]) -> list[Any]:
    """The parts of such a cursor. Raises a Problem that names `cursor`."""
    place = _decoded(cursor)
    if place[:_ORDER] != _mark(order):
        raise invalid("cursor", "This is no cursor of this list in this order: begin with its first page.")
    try:
        parts = json.loads(place[_ORDER:])
    except ValueError as error:
        raise _no_cursor() from error
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds) or "\0" in "".join(map(str, parts)):
        raise _no_cursor()
    return parts


def _mark(order: str) -> bytes:
    return hashlib.blake2b(order.encode(), digest_size=_ORDER).digest()


def _encoded(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _decoded(cursor: str, size: int | None = None) -> bytes:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_cursor() from error
    if size is not None and len(place) != size:
        raise _no_cursor()
    return place


def _no_cursor() -> Problem:
    return invalid("cursor", "This is no cursor of this list.")


def page_of(rows: list[Any], next_cursor: str | None) -> dict[str, Any]:
    """What every list says about itself."""
    return {"count": len(rows), "nextCursor": next_cursor}
