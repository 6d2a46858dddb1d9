"""Text goes compressed to whoever takes it; what is written while it is read, and what is no text, goes as it is."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from whitenoise import compress
from whitenoise.middleware import WhiteNoiseFileResponse

from common.compression import Compressed

WORDS = b"A lead of this list. " * 200
TAKES = {"Accept-Encoding": "gzip, deflate, br"}


def answered(answer: HttpResponseBase, **headers: str) -> HttpResponseBase:
    def view(_request: HttpRequest) -> HttpResponseBase:
        return answer

    found = Compressed(view)(RequestFactory().get("/admin/", headers={**TAKES, **headers}))
    assert isinstance(found, HttpResponseBase)
    return found


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/calendar"])
def test_text_is_compressed_and_caches_are_told(kind: str) -> None:
    answer = answered(HttpResponse(WORDS, content_type=kind))

    assert isinstance(answer, HttpResponse)
    assert gzip.decompress(answer.content) == WORDS
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert len(answer.content) < len(WORDS)


def test_the_length_of_the_same_page_differs_from_time_to_time() -> None:
    """By Django's random padding: what is compared for a guess at a secret (BREACH) is hidden in it."""
    lengths = {answered(HttpResponse(WORDS)).headers["Content-Length"] for _ in range(40)}
    assert len(lengths) > 5


def test_whoever_does_not_take_it_gets_the_plain_text() -> None:
    answer = answered(HttpResponse(WORDS), **{"Accept-Encoding": "identity"})
    assert isinstance(answer, HttpResponse)
    assert (answer.content, "Content-Encoding" in answer.headers) == (WORDS, False)


def test_what_another_site_makes_a_browser_ask_for_is_not_compressed() -> None:
    assert "Content-Encoding" not in answered(HttpResponse(WORDS), **{"Sec-Fetch-Site": "cross-site"}).headers
    assert "Content-Encoding" in answered(HttpResponse(WORDS), **{"Sec-Fetch-Site": "same-origin"}).headers


@pytest.mark.parametrize("kind", ["text/event-stream", "text/csv; charset=utf-8"])
def test_event_streams_and_downloads_stay_as_they_come(kind: str) -> None:
    answer = answered(StreamingHttpResponse([b"one\n", b"two\n"], content_type=kind))

    assert isinstance(answer, StreamingHttpResponse)
    assert "Content-Encoding" not in answer.headers
    assert list(answer) == [b"one\n", b"two\n"]


@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "application/zip"])
def test_what_is_no_text_is_not_compressed_again(kind: str) -> None:
    assert "Content-Encoding" not in answered(HttpResponse(WORDS, content_type=kind)).headers


def test_static_files_that_nobody_has_collected_are_compressed_on_their_way(client: Client) -> None:
    def asked(name: str, **headers: str) -> tuple[int, str | None, bytes]:
        answer: Any = client.get(f"/static/{name}", headers={**TAKES, **headers})
        return answer.status_code, answer.headers.get("Content-Encoding"), b"".join(answer.streaming_content)

    css = (settings.BASE_DIR / "common" / "static" / "desk" / "desk.css").read_bytes()
    status, coding, body = asked("desk/desk.css")
    assert (status, coding, gzip.decompress(body)) == (200, "gzip", css)
    assert len(body) < len(css) / 3
    assert asked("desk/desk.css", **{"Accept-Encoding": "identity"}) == (200, None, css)
    assert asked("desk/desk.css", Range="bytes=10-19") == (206, None, css[10:20])
    assert asked("desk/fonts/Inter-Bold.woff2")[:2] == (200, None)


def test_files_that_were_collected_are_brotlis() -> None:
    assert compress.brotli_installed
    answer = WhiteNoiseFileResponse([b"short"], headers={"Content-Type": "text/css", "Content-Encoding": "br"})
    assert answered(answer).headers["Content-Encoding"] == "br"
