"""The test database of each worker: the first one migrates, the others copy what it made. Migrating takes 20 s."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.db.backends.postgresql.creation import DatabaseCreation

_migrate = DatabaseCreation.create_test_db
_LOCK = 20_571_107  # an advisory lock of the servers that one run of the tests has for itself


def create(creation: Any, verbosity: int = 1, **how: Any) -> str:
    """As Django's. Where this run has several workers, each by itself after the other: migrated once, copied after."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _migrate(creation, verbosity, **how)
    template, name = f"migrated_{run[:12]}", creation._get_test_db_name()
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
