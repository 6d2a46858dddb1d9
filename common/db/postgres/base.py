"""Django's PostgreSQL, of version 18 or newer, with a pool that is whole again at once after a restart of the server.

psycopg_pool's own check finds the broken connections one at a time and waits 1, 2, 4 s between them: with nine idle
ones the first request after a restart failed after 10 s and the second took 7 s (measured; `make chaos`).
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import NotSupportedError
from django.db.backends.base.validation import BaseDatabaseValidation
from django.db.backends.postgresql import base, features
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = (18,)  # uuidv7(): docs/adr/0003-uuidv7-and-postgresql-18.md


class DatabaseValidation(BaseDatabaseValidation):
    """What `migrate` and `check --database default` look at before anything else."""

    def check(self, **_kwargs: object) -> list[CheckMessage]:
        try:
            self.connection.ensure_connection()
        except NotSupportedError as error:
            hint = "Rows that are made in SQL take their ids from uuidv7(). Upgrade the server that DATABASE_URL names."
            return [Error(str(error), hint=hint, id="postgres.E001")]
        return []


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
    validation_class = DatabaseValidation

    def check_database_version_supported(self) -> None:
        """Raises NotSupportedError, and closes: Django would leave the refused connection open for the next query."""
        try:
            super().check_database_version_supported()
        except NotSupportedError:
            self.close()
            raise

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that answers. One that does not has all others looked at, and replaced, at the same time."""
        connection = super().get_new_connection(conn_params)
        if not self.pool:
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except OperationalError:
            self.pool.putconn(connection)
            self.pool.check()
            connection = super().get_new_connection(conn_params)
        return connection
