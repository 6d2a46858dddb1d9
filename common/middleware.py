"""What a request may be, before anything reads it, and by whose clock it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.shortcuts import render

from common.api.base import bad_request
from common.dates import own_zone, use_zone_of
from common.held import COME_BACK, take_place
from common.refusals import error_body
from common.server.limits import most_bytes, takes_files

STREAM, DOWNLOAD = 90, 900  # seconds after which a place is free although nobody said so: its process was killed


class OwnHosts:
    """Other hosts than ALLOWED_HOSTS get a bare 400, with DEBUG too: Django's own page would show the settings."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self._security = get_response, SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost as error:
            return self._security.process_response(request, bad_request(request, error))
        return self.get_response(request)


class Heads:
    """An answer to HEAD has the length of its body and no body: the web server would warn of each."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.method == "HEAD" and not answer.streaming and answer.content:
            answer.headers.setdefault("Content-Length", str(len(answer.content)))
            answer.content = b""
        return answer


class RequestLimits:
    """Refuses bodies over REQUEST_BYTES_MAX by their stated length, and those that state none (413, 411, 400).

    Also TRACE (405), and the API in clear (403): a redirect would hide that a token has been sent readable.
    At IMPORT_PATHS it is IMPORT_BYTES_MAX: a file goes to disk as it comes, and only for whom the view knows.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _not_so(request) or self._refused(request) or self.get_response(request)

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        stated = request.META.get("CONTENT_LENGTH") or ""
        if request.META.get("HTTP_TRANSFER_ENCODING") and not stated:
            return _refusal(411, "LENGTH_REQUIRED", "State the length of the body (Content-Length).")
        if stated and not (stated.isascii() and stated.isdigit()):
            return _refusal(400, "INVALID", "Content-Length: it is not a length.")
        is_file, most = takes_files(request.path), most_bytes(request.path)
        if len(stated) > 18 or int(stated or 0) > most:  # the server throws the body away, so that its sender hears why
            limit = f"{most:,} bytes"
            if is_file and "text/html" in request.META.get("HTTP_ACCEPT", ""):  # a person's browser, not a program
                return render(request, "413.html", {"most": most}, status=413)
            return _refusal(413, "TOO_LARGE", f"The body is {stated[:18]} bytes; at most {limit} are taken.")
        return None


def _not_so(request: HttpRequest) -> HttpResponse | None:
    """The refusal of a method that nothing here has, and of the API by http where HTTPS is set."""
    if request.method in ("TRACE", "TRACK"):
        words, allowed = "This method is not answered here.", {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE"}
        return JsonResponse(error_body("METHOD_NOT_ALLOWED", words), status=405, headers=allowed)
    if settings.SECURE_SSL_REDIRECT and not request.is_secure() and f"{request.path}/".startswith("/api/"):
        words = "Ask by https. What was sent with this request was readable on its way: make a new token."
        return JsonResponse(error_body("HTTPS_REQUIRED", words), status=403)
    return None


def _refusal(status: int, code: str, message: str) -> JsonResponse:
    field = "Content-Length" if status != 413 else "body"
    return JsonResponse(error_body(code, message, {field: [message]}), status=status)


class NoStore:
    """No cache keeps an answer of the API or a page, the browser's neither: any may show a contact."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.path.startswith(("/api", "/admin")) and "no-store" not in answer.headers.get("Cache-Control", ""):
            answer.headers["Cache-Control"] = "no-store"
        return answer


class OwnTimeZone:
    """Pages of the desk are by the clock of the person who is signed in; the API's by that of its token (`ApiView`).

    Other addresses ask nobody who they are: `/healthz` answers while PostgreSQL is away.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with own_zone():
            return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: object, _arguments: object, _named: object) -> None:
        if request.path.startswith("/admin/"):
            use_zone_of(request.user)


class HeldAnswers:
    """Counts answers that are written as they are read, by user: event streams and downloads. Beyond it: 429."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        user = getattr(request, "user", None)
        if not isinstance(answer, StreamingHttpResponse) or user is None or not user.is_authenticated:
            return answer
        place = take_place(user.pk, lasts=STREAM if "event-stream" in answer.headers["Content-Type"] else DOWNLOAD)
        if place is None:
            return _too_many(request)  # nothing of the other was begun: it goes as it came
        pieces: Any = answer.streaming_content
        answer.streaming_content = _Counted(pieces, place.leave)
        return answer


class _Counted:
    """A generator that was never begun runs no `finally`: what ends it is told by `close`, which the server calls."""

    def __init__(self, pieces: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._pieces, self.close = pieces, leave

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def _too_many(request: HttpRequest) -> HttpResponse:
    words = f"Too many streams, downloads and held answers at a time; try again in {COME_BACK} seconds."
    answer: HttpResponse = JsonResponse(error_body("TOO_MANY_REQUESTS", words), status=429)
    if not request.path.startswith("/api/"):
        answer = render(request, "429.html", status=429)
    answer.headers["Retry-After"] = str(COME_BACK)
    return answer
