"""A vendor of text messages on a socket, and our own address at which it may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import Sandbox, SandboxConfig
from tests.campaigns.inbound.mail_posting import SECRET, SIGNING
from tests.campaigns.inbound.posting import OWN
from tests.campaigns.sending.postbox import Postbox


@pytest.fixture
def vendor(settings: Any) -> Iterator[Sandbox]:
    from integrations.vendors import http
    from tests.support import PRICES, point_at, set_operations

    with Sandbox(SandboxConfig(generate=10, prices=PRICES)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        settings.PUBLIC_URL = OWN
        yield server
        http.close_connections()


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    from integrations.vendors import mail

    with Postbox() as server:
        server.thread.start()
        settings.PUBLIC_URL, settings.MAIL_WEBHOOK_SECRET = OWN, [SECRET, SIGNING]
        yield server
        mail.close()
        server.shutdown()
