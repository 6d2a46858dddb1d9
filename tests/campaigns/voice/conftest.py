"""A vendor of calls on a socket, with nothing placed yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import Sandbox, SandboxConfig
from tests.campaigns.voice.world import OWN


@pytest.fixture
def vendor(settings: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http
    from tests.support import PRICES, point_at, set_operations

    with Sandbox(SandboxConfig(generate=10, prices=PRICES, clock="2026-09-15T16:00Z/20")) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL = OWN
        yield server
        http.close_connections()
