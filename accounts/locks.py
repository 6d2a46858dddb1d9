"""The lock of this room: docs/locks.md says why it stands outside the order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LONGEST = 60.0  # seconds: a request takes less; what comes later may do the work again, which is harmless
PAUSE = 0.05  # seconds between two looks


@contextmanager
def hold_key(user_id: int, key: str) -> Iterator[None]:
    """Waits until no other request of this user with this Idempotency-Key is at work, and keeps others waiting.

    A lock of the connection, not of a transaction: the work may ask a vendor. PostgreSQL frees it if the process dies.
    """
    name, deadline = f"idempotency key {user_id} {key}", time.monotonic() + LONGEST
    while not (held := _ask("pg_try_advisory_lock", name)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    try:
        yield
    finally:
        if held and connection.connection is not None and not connection.needs_rollback:
            _ask("pg_advisory_unlock", name)


def _ask(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])  # ours alone
        return bool(cursor.fetchone()[0])
