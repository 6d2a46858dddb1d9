"""The database's clock: the only one that decides, since workers' clocks differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Func

CLOCK = Func(function="clock_timestamp", output_field=DateTimeField())  # within a statement, without asking first


def database_now() -> datetime:
    """What the database's clock shows, UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: Any = cursor.fetchone()
    now: datetime = row[0]
    return now
