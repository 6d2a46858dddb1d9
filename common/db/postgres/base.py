"""Django's PostgreSQL, of version 18 or newer, with a pool that is whole again at once after a restart of the server.

psycopg_pool's own check finds the broken connections one at a time and waits 1, 2, 4 s between them: with nine idle
ones the first request after a restart failed after 10 s and the second took 7 s (measured; `make chaos`).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import NotSupportedError
from django.db import OperationalError as DatabaseIsAway
from django.db.backends.base.validation import BaseDatabaseValidation
from django.db.backends.postgresql import base, features, operations
from django.db.backends.utils import debug_transaction
from psycopg import OperationalError
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import ConnectionPool

Asked = tuple[str, Mapping[str, Any]]  # a statement and its values
Found = list[list[tuple[Any, ...]]]  # the rows that each of several statements found
ANSWERED_LATELY = 1.0  # seconds: a server that moves to another machine takes longer


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


class _InUtc(TimestamptzLoader):
    """As Django's, by one call of C where that reads it: a page of leads has two hundred moments (4 µs each)."""

    timezone = UTC  # Django asks

    def load(self, data: Buffer) -> datetime:
        try:
            at = datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # before Christ, after 9999, infinite
            return super().load(data)
        return at if at.tzinfo is UTC else super().load(data)


@cache
def _adapters(djangos: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(djangos)
    adapters.register_loader("timestamptz", _InUtc)
    return adapters


def _is_silent(connection: Any) -> bool:
    """Nothing has come that nobody asked for: a server that ends says so, and its end closes the connection."""
    came = select.poll()
    came.register(connection.fileno(), select.POLLIN)
    return not came.poll(0)


def _is_old_plan(error: BaseException | None) -> bool:
    return isinstance(error, FeatureNotSupported) and error.diag.source_function == "RevalidateCachedQuery"


@contextmanager
def _all_at_once(pipeline: Any) -> Iterator[None]:
    """What is executed inside, in a transaction that has begun, leaves with the pipeline's end. psycopg sends each
    statement by itself, and PostgreSQL begins at once: it held the first one's locks while the next were put together.
    """
    if pipeline.pgconn.transaction_status == TransactionStatus.INTRANS:
        pipeline._communicate_gen = lambda: iter(())  # noqa: SLF001  # its own name for sending and receiving
    try:
        yield
    finally:
        vars(pipeline).pop("_communicate_gen", None)
    while pipeline.command_queue:  # libpq sends when its buffer is full, or at the end
        pipeline.command_queue.popleft()()


class _Kept(base.ServerBindingCursor):
    """Statements that PostgreSQL prepares: Django has psycopg prepare none.

    PostgreSQL refuses a plan made before a migration that changed the type of a column which it selects, so the
    connection's plans are thrown away, and the statement is executed again; inside a transaction, which is lost with
    it, whoever repeats that for any trouble of the server does (`OperationalError`).
    """

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().execute(*args, **kwargs)  # type: ignore[misc]  # the stubs know no cursor
        except FeatureNotSupported as error:
            if not _is_old_plan(error):
                raise
            ours: Any = self
            if ours.connection.info.transaction_status != TransactionStatus.IDLE:
                raise OperationalError("a plan was older than a migration") from error
            ours.connection.execute("DEALLOCATE ALL")
            return super().execute(*args, **kwargs)  # type: ignore[misc]  # the stubs know no cursor


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        """Also a kept one with its values in it: for the log, and for tests that look at what was asked."""
        return (
            self.compose_sql(sql, params)
            if isinstance(cursor, _Kept)
            else super().last_executed_query(cursor, sql, params)
        )


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    validation_class = DatabaseValidation

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["prepare_threshold"] = 0  # for `kept_cursor`; Django's own cursors bind here and prepare nothing
        if self.timezone is UTC:
            params["context"] = _adapters(params["context"])
        return params

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last: list[tuple[Sequence[Asked], Callable[[Found], object] | None]] = []

    def kept_cursor(self) -> Any:
        """A cursor whose statements each connection plans once and keeps: for the few of nearly every request."""
        self._execute_last()
        self.ensure_connection()
        return self._prepare_cursor(_Kept(self.connection))  # type: ignore[attr-defined,call-arg]  # as `cursor` does

    def kept_together(self, asked: Sequence[Asked], *, commits: bool = False) -> Found:
        """What each of these statements finds, in their order. They go to PostgreSQL in one message (a pipeline), and
        their plans are kept. commits: COMMIT goes with them.
        """
        self._execute_last()
        self.ensure_connection()
        ours: Any = self
        with ExitStack() as closing:
            try:
                with ours.wrap_database_errors:
                    with ours.connection.pipeline() as pipeline:
                        cursors = [closing.enter_context(self.kept_cursor()) for _ in asked]
                        with _all_at_once(pipeline):
                            for cursor, (sql, params) in zip(cursors, asked, strict=True):
                                cursor.execute(sql, params)
                            if commits:
                                closing.enter_context(ours.connection.cursor()).execute("COMMIT", prepare=False)
                    return [cursor.fetchall() for cursor in cursors]
            except NotSupportedError as error:
                if not _is_old_plan(error.__cause__):
                    raise
                raise DatabaseIsAway("a plan was older than a migration") from error

    def kept_last(self, asked: Sequence[Asked], hear: Callable[[Found], object] | None) -> None:
        """Executes these statements with the transaction's COMMIT, as one message, or before whatever else it executes.

        hear: takes what they find, by then. Outside a transaction they are executed now. Where they fail, so does the
        commit, and nothing of the transaction is kept.
        """
        self._last.append((asked, hear))
        if not self.in_atomic_block:
            self._execute_last()

    def _execute_last(self, *, commits: bool = False) -> None:
        if not self._last:
            return
        last, self._last = self._last, []
        found = iter(self.kept_together([one for asked, _ in last for one in asked], commits=commits))
        for asked, hear in last:
            of_these = [next(found) for _ in asked]
            if hear is not None:
                hear(of_these)

    def _cursor(self, name: str | None = None) -> Any:
        self._execute_last()
        return super()._cursor(name)  # type: ignore[misc]  # the stubs know none

    def _commit(self) -> None:
        if not self._last:
            super()._commit()  # type: ignore[misc]
            return
        with debug_transaction(self, "COMMIT"):
            self._execute_last(commits=True)

    def _rollback(self) -> None:
        self._last.clear()
        super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        self._last.clear()  # all came since the savepoint, which executed what there was
        super()._savepoint_rollback(sid)  # type: ignore[misc]

    def _close(self) -> None:
        self._last.clear()
        super()._close()  # type: ignore[misc]

    def check_database_version_supported(self) -> None:
        """Raises NotSupportedError, and closes: Django would leave the refused connection open for the next query."""
        try:
            super().check_database_version_supported()
        except NotSupportedError:
            self.close()
            raise

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that answers. One that does not has all others looked at, and replaced, at the same time.

        One that answered a moment ago and is silent is not asked.
        """
        connection = super().get_new_connection(conn_params)
        if not self.pool:
            return connection
        now, answered = time.monotonic(), getattr(connection, "answered", 0.0)
        if now - answered < ANSWERED_LATELY and _is_silent(connection):
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except OperationalError:
            self.pool.putconn(connection)
            self.pool.check()
            connection = super().get_new_connection(conn_params)
        connection.answered = time.monotonic()
        return connection
