"""Calling the API as somebody, over the whole stack: middleware, tokens, parsers."""

from __future__ import annotations

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as DjangoClient

from accounts.models import User
from accounts.services import create_api_token


class Api:
    """`api.post(path, {...})` gives a response whose `.json()` was asserted to be of our shape."""

    def __init__(self, user: User | None = None, token: str | None = None) -> None:
        if user is not None:
            token = create_api_token(username=user.username)[1]
        self.headers = {"Authorization": f"Token {token}"} if token else {}
        self.client = DjangoClient(raise_request_exception=True)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes | str) else "" if body is None else json.dumps(body)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.generic(
            method, path, data, content_type="application/json", headers={**self.headers, **given}
        )
        if answer.headers.get("Content-Type") == "application/json":
            assert answer.json()["success"] is (answer.status_code < 400), answer.content
        return answer

    def upload(self, path: str, content: bytes, name: str = "list.csv") -> Any:
        """Sends a file as a form does."""
        file = SimpleUploadedFile(name, content, "text/csv")
        return self.client.post(path, {"file": file}, headers=self.headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.send("PATCH", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)


def refused(answer: Any, status: int, field: str = "") -> str:
    """Asserts a refusal that names the field, and gives its message."""
    assert answer.status_code == status, (answer.status_code, answer.content[:500])
    error = answer.json()["error"]
    assert answer.json() == {"success": False, "error": error}
    assert set(error) == {"code", "message", "fields", "requestId"}
    assert error["requestId"] == answer.headers["X-Request-Id"]
    if field:
        assert field in error["fields"], error
        assert field in error["message"], error
    return str(error["message"])


def body_of(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, (answer.status_code, answer.content[:1000])
    return answer.json()
