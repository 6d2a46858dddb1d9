"""The test database under a role of its own, as in production: its owner migrates, the application works in rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from common.db.owner import pointed_at
from operations.database.roles import grant_rights


def url_of(url: str, *, database: str | None = None, user: str | None = None) -> str:
    """The address with another database or role in it."""
    address = urlsplit(url)
    netloc = address.netloc if user is None else f"{user}:secret@{address.netloc.rpartition('@')[2]}"
    return urlunsplit(address._replace(path=f"/{database}" if database else address.path, netloc=netloc))


@pytest.fixture
def owner_url(transactional_db: None, settings: Any) -> str:
    """OWNER_DATABASE_URL and DATABASE_URL of the test database itself."""
    url = url_of(settings.DATABASE_URL, database=connection.settings_dict["NAME"])
    settings.OWNER_DATABASE_URL = settings.DATABASE_URL = url
    return url


@pytest.fixture
def plain_role(owner_url: str, settings: Any) -> Iterator[str]:
    """Everything this test does is done as the application's role."""
    role = f"plain_{connection.settings_dict['NAME']}"
    settings.DATABASE_URL = url_of(owner_url, user=role)
    assert grant_rights() == role
    with pointed_at(settings.DATABASE_URL):
        yield role
