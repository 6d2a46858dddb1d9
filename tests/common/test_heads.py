"""HEAD is answered with a length and no body."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from common.middleware import Heads


@pytest.mark.parametrize(("method", "body"), [("HEAD", b""), ("GET", b"words")])
def test_an_answer_to_head_has_no_body_and_the_length_of_one(method: str, body: bytes) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"words", headers={"Content-Length": "5"})

    answer = Heads(view)(RequestFactory().generic(method, "/healthz"))
    assert (answer.content, answer.headers["Content-Length"]) == (body, "5")
