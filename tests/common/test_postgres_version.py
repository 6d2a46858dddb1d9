"""An older PostgreSQL is refused before anything is made in it, with words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import NotSupportedError, connections
from django.db.backends.base import base

WORDS = "PostgreSQL 18 or later is required (found 17.6)."


@pytest.fixture
def elderly(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A new connection to the test's server, which calls itself 17.6."""
    monkeypatch.setattr(base, "RAN_DB_VERSION_CHECK", set())
    usual, fresh = connections["default"], connections.create_connection("default")
    fresh.__dict__["pg_version"] = 170006
    connections["default"] = fresh
    yield fresh
    connections["default"] = usual
    fresh.close()


def test_migrate_refuses_an_older_server_and_says_why(elderly: Any) -> None:
    with pytest.raises(SystemCheckError) as refused:
        call_command("migrate", skip_checks=False)
    assert f"(postgres.E001) {WORDS}" in str(refused.value)
    assert "take their ids from uuidv7(). Upgrade the server that DATABASE_URL names." in str(refused.value)


def test_every_other_process_is_refused_at_each_connection(elderly: Any) -> None:
    for _ in range(2):
        with pytest.raises(NotSupportedError) as refused:
            elderly.ensure_connection()
        assert str(refused.value) == WORDS
        assert elderly.connection is None


def test_the_servers_own_version_is_good_enough(elderly: Any) -> None:
    del elderly.__dict__["pg_version"]
    assert elderly.pg_version >= 180000
    assert elderly.validation.check() == []


def test_a_check_without_a_database_asks_no_server(elderly: Any) -> None:
    call_command("check")
    assert elderly.connection is None
