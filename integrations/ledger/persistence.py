"""A write that must not be lost while PostgreSQL is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection
from psycopg.errors import IdleInTransactionSessionTimeout

log = logging.getLogger(__name__)
T = TypeVar("T")


def persist(write: Callable[[], T]) -> T:
    """Repeats a write until PostgreSQL takes it: a paid answer is kept while the database is away, however long.

    `write` opens its own transaction and is fenced by the call's state, so repeating a commit whose answer was lost
    does no harm.
    """
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError, InternalError) as error:
            if isinstance(error, InternalError) and not isinstance(error.__cause__, IdleInTransactionSessionTimeout):
                raise
            if connection.in_atomic_block:  # the caller's transaction is lost with this one: it has to repeat
                raise
            log.warning("PostgreSQL is away (%s); the answer is kept and written again", type(error).__name__)
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
