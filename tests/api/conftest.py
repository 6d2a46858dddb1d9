from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import User
from tests.api.client import Api
from tests.support import make_user


@pytest.fixture(autouse=True)
def _no_throttle_of_another_test() -> None:
    cache.clear()


@pytest.fixture
def ann(db: Any) -> User:
    return make_user("ann")


@pytest.fixture
def bob(db: Any) -> User:
    return make_user("bob")


@pytest.fixture
def api(ann: User) -> Api:
    """The API as Ann."""
    return Api(ann)
