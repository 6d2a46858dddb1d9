"""A vendor of text messages and a mail server on sockets, with nothing sent yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import Sandbox, SandboxConfig
from tests.campaigns.sending.postbox import Postbox


@pytest.fixture
def vendor(settings: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http
    from tests.support import PRICES, point_at, set_operations

    with Sandbox(SandboxConfig(generate=10, prices=PRICES)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        yield server
        http.close_connections()


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    from integrations.vendors import mail

    with Postbox() as server:
        server.thread.start()
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        yield server
        mail.close()
        server.shutdown()
