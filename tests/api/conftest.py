from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from accounts.models import User
from tests.api.client import Api
from tests.support import make_user

if TYPE_CHECKING:
    from tests.api.test_tenancy import World


@pytest.fixture(autouse=True)
def _no_throttle_of_another_test() -> None:
    cache.clear()


@pytest.fixture(scope="module")
def standing(kept_open: None) -> World:
    """Ann's world, made once for the tests of a module."""
    from tests.api.test_tenancy import World

    return World(make_user("ann"))


@pytest.fixture
def world(standing: World, db: None) -> World:
    """A test's own copy of what stands in the database."""
    return deepcopy(standing)


@pytest.fixture
def ann(request: pytest.FixtureRequest, db: None) -> User:
    """Where there is a world it is hers."""
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        return world.ann
    return make_user("ann")


@pytest.fixture
def bob(db: Any) -> User:
    return make_user("bob")


@pytest.fixture
def api(ann: User) -> Api:
    """The API as Ann."""
    return Api(ann)
