"""A person with a token, who does everything over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from knox.models import AuthToken

from accounts.models import User
from integrations.ledger.persistence import persist


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its status, its JSON, how long it took (seconds) and when it was there (Unix time)."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    url: str
    token: str

    @classmethod
    def of(cls, user: User, web_url: str) -> Person:
        _, token = persist(lambda: AuthToken.objects.create(user))
        return cls(user, f"{web_url}/api", token)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Said:
        began = time.monotonic()
        answer = requests.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Token {self.token}", **(headers or {})},
            timeout=60,
        )
        at, seconds = time.time(), time.monotonic() - began
        try:
            parsed = answer.json()
        except ValueError:
            parsed = {}
        return Said(answer.status_code, parsed, answer.headers, seconds, at)

    def done(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        said = self.ask(method, path, body, headers)
        if not 200 <= said.status < 300:
            raise AssertionError(f"{method} {path} was answered {said.status}: {said.body}")
        return said

    def bucket(self, property_ids: Sequence[str], name: str = "Leads") -> str:
        said = self.done("POST", "/property/bucket", {"name": name, "propertyIds": list(property_ids)})
        return str(said.body["bucket"]["id"])

    def start(self, bucket_id: str, **options: Any) -> str:
        """Starts a run over the bucket's leads; returns its id."""
        body = {"bucketId": bucket_id, "limit": 100_000, **options}
        return str(self.done("POST", "/property/bucket/process", body).body["run"]["id"])

    def run(self, run_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.done("GET", f"/runs/{run_id}").body["run"]
        return found
