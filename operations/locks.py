"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from django.db import connection


def try_retention() -> bool:
    """Whether nobody else drops old rows this moment. Never waits: two at once would want the same rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('retention', 0))")
        return bool((cursor.fetchone() or (False,))[0])
