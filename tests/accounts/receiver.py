"""A team with a webhook to the sandbox's receiver, for the tests of webhooks."""

from __future__ import annotations

from typing import Any

import requests

from accounts.models import User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks import delivering, queue
from accounts.webhooks.services import create_endpoint
from sandbox.server import Sandbox
from tests.support import make_user

EVENTS = ["run.completed", "lead.status_changed"]


class Receiving:
    """Ann's webhook, and what the receiver says has come."""

    def __init__(
        self, server: Sandbox, by: User | None = None, *, name: str = "ann", events: list[str] = EVENTS
    ) -> None:
        self.server = server
        self.by = by or make_user(name)
        self.team_id = self.by.memberships.get().team_id
        self.url = f"{server.base_url}/webhooks/{self.by}"
        self.endpoint, self.secret = create_endpoint(by=self.by, team_id=self.team_id, url=self.url, events=events)
        self.listen(self.secret)

    def listen(self, *secrets: str) -> None:
        """The receiver forgets what has come, and knows these secrets."""
        answer = requests.post(f"{self.server.base_url}/sandbox/webhooks", json={"secrets": secrets}, timeout=60)
        answer.raise_for_status()

    def emit(self, object_id: object = "1", event: str = "run.completed", **data: Any) -> WebhookDelivery:
        queue.emit(event, team_id=self.team_id, object_id=object_id, data=data)
        made: WebhookDelivery = self.deliveries().latest("pk")
        return made

    def deliveries(self) -> Any:
        return WebhookDelivery.objects.filter(endpoint=self.endpoint).order_by("pk")

    def work(self) -> None:
        """What a worker does, in this thread."""
        while (endpoint := queue.take()) is not None:
            delivering.serve(endpoint)

    def came(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.server.base_url}/sandbox/webhooks", timeout=60)
        received: list[dict[str, Any]] = answer.json()["received"]
        return [one for one in received if one["path"] == f"/webhooks/{self.by}"]

    def refreshed(self) -> WebhookEndpoint:
        return WebhookEndpoint.objects.get(pk=self.endpoint.pk)
