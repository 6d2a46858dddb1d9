"""The test database of each worker: the first one migrates, the others copy what it made, and so do whole stacks.

Migrating takes 20 s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.creation import DatabaseCreation

_migrate = DatabaseCreation.create_test_db
WORKERS_MOST = 5  # each has a number in Valkey from 1 on, and these come after them
_LOCK = 20_571_107  # an advisory lock of the servers that one run of the tests has for itself


def create(creation: Any, verbosity: int = 1, **how: Any) -> str:
    """As Django's. Where this run has several workers, each by itself after the other: migrated once, copied after."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _migrate(creation, verbosity, **how)
    template, name = _template(run), creation._get_test_db_name()
    quote = creation.connection.ops.quote_name
    with creation._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
            if cursor.fetchone() is None:
                _migrate(creation, verbosity, **how)
                creation.connection.close()
                creation.connection.close_pool()
                cursor.execute(f"CREATE DATABASE {quote(template)} TEMPLATE {quote(name)}")
            else:
                cursor.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")
                cursor.execute(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(template)}")
                creation.connection.close()
                settings.DATABASES[creation.connection.alias]["NAME"] = name
                creation.connection.settings_dict["NAME"] = name
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])  # the connection may stay open in a pool
    creation.connection.ensure_connection()
    return str(name)


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
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    source, name = _template(run) if run else creation.connection.settings_dict["NAME"], f"{name}_{os.getpid()}"
    quote = creation.connection.ops.quote_name
    if run is None:  # nobody may be connected to what is copied
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


def _template(run: str) -> str:
    return f"migrated_{run[:12]}"
