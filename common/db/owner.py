"""The default connection of this process under another address, for the commands that need the owner of the tables.

The application's own role (DATABASE_URL) may read and write rows. Tables are made, dumped and restored by their owner
(OWNER_DATABASE_URL), which no web process, worker or beat knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """All queries of this process go to that address meanwhile. Nobody else may be in the middle of something."""
    given: dict[str, Any] = environ.Env.db_url_config(url)
    before = dict(connection.settings_dict)
    kept = before["OPTIONS"]
    options = {**given.get("OPTIONS", {}), **{name: kept[name] for name in ("pool", "options") if name in kept}}
    address = {name: given.get(name) or "" for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    _change({**before, **address, "OPTIONS": options})
    try:
        yield
    finally:
        _change(before)


@contextmanager
def as_owner() -> Iterator[None]:
    """All queries of this process are the owner's meanwhile. Nothing changes where one role does everything."""
    if settings.OWNER_DATABASE_URL == settings.DATABASE_URL:
        yield
        return
    if environ.Env.db_url_config(settings.OWNER_DATABASE_URL).get("NAME") != connection.settings_dict["NAME"]:
        raise ImproperlyConfigured("OWNER_DATABASE_URL and DATABASE_URL must name the same database.")
    with pointed_at(settings.OWNER_DATABASE_URL):
        yield


def _change(parts: dict[str, Any]) -> None:
    """In place: the connections of all threads are made by this one dictionary."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL
    connection.settings_dict.clear()
    connection.settings_dict.update(parts)
