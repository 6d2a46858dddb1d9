"""The test database of each worker, and of whole stacks: copies of one, the template, which is migrated once.

Migrating takes half a minute of one core. With several workers a process of its own begins it while they collect:
`python -m tests.databases`, with the template's name in TESTS_TEMPLATE.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import django
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.models import Field
from django.utils.functional import cached_property

_django_creates = DatabaseCreation.create_test_db
WORKERS_MOST = 5  # each has a number in Valkey from 1 on, and these come after them
_LOCK = 20_571_107  # an advisory lock of the servers that one run of the tests has for itself


def create(creation: Any, verbosity: int = 1, **how: Any) -> str:
    """As Django's, or where this run has several workers a copy of their template."""
    template, name = os.environ.get("TESTS_TEMPLATE"), creation._get_test_db_name()
    if template is None:
        return _migrate(creation, verbosity, **how)
    _make(template, creation, **how)
    quote = creation.connection.ops.quote_name
    with creation._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(template)}")
    creation.connection.close()
    settings.DATABASES[creation.connection.alias]["NAME"] = name
    creation.connection.settings_dict["NAME"] = name
    creation.connection.ensure_connection()
    return str(name)


def _make(template: str, creation: Any, **how: Any) -> None:
    """Waits for who makes it already. Where that fails, the next tries, and a worker says why it cannot be made."""
    quote = creation.connection.ops.quote_name
    with creation._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
            if cursor.fetchone() is None:
                name = _migrate(creation, 0, **how)
                creation.connection.close()
                creation.connection.close_pool()
                cursor.execute(f"ALTER DATABASE {quote(name)} RENAME TO {quote(template)}")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])  # the connection may stay open in a pool


def _migrate(creation: Any, verbosity: int, **how: Any) -> str:
    """Django renders twenty models for each of a thousand operations, and each of their fields from how it would be
    written down in a migration. A copy is the same field, for half the time."""
    with patch.object(Field, "clone", copied):
        return str(_django_creates(creation, verbosity, **how))


def copied(field: Any) -> Any:
    """A field, with its relation, that has not been asked yet: what it kept of answers is of another model."""
    copied = copy.deepcopy(field)
    for part in filter(None, (copied, copied.remote_field)):
        for name in [name for name in vars(part) if isinstance(getattr(type(part), name, None), cached_property)]:
            del vars(part)[name]
    return copied


def drop(creation: Any, name: str, _verbosity: int) -> None:
    """At the end of the run, with whatever thread of a test still holds a connection to it."""
    with creation._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {creation.connection.ops.quote_name(name)} WITH (FORCE)")


@contextmanager
def another(name: str) -> Iterator[dict[str, str]]:
    """DATABASE_URL and REDIS_URL for processes of their own: a migrated, empty database, and a number in Valkey.

    For a test that has `transactional_db`: where one process runs all tests, its database is what is copied.
    """
    creation: Any = connections["default"].creation
    template, name = os.environ.get("TESTS_TEMPLATE"), f"{name}_{os.getpid()}"
    source = template or creation.connection.settings_dict["NAME"]
    quote = creation.connection.ops.quote_name
    if template is None:  # nobody may be connected to what is copied
        creation.connection.close()
        creation.connection.close_pool()
    with creation._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(source)}")
    database, redis = (urlsplit(os.environ[variable]) for variable in ("DATABASE_URL", "REDIS_URL"))
    number = int(redis.path.strip("/") or 0) + WORKERS_MOST
    try:
        yield {
            "DATABASE_URL": urlunsplit(database._replace(path=f"/{name}")),
            "REDIS_URL": urlunsplit(redis._replace(path=f"/{number}")),
        }
    finally:
        drop(creation, name, 0)


if __name__ == "__main__":
    django.setup()
    _make(os.environ["TESTS_TEMPLATE"], connections["default"].creation, autoclobber=True, serialize=False)
