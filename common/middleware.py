"""What a request may be, before anything reads it, and by whose clock it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common.api.base import error_body
from common.dates import own_zone, use_zone_of

CHUNK = 64 * 1024
DISCARD_MAX = 64 * 1024 * 1024  # bytes of a refused body thrown away, so that its sender lives to hear why


class RequestLimits:
    """Refuses bodies over REQUEST_BYTES_MAX by their stated length, and those that state none (413, 411, 400).

    At IMPORT_PATHS it is IMPORT_BYTES_MAX: a file goes to disk as it comes, and only for whom the view knows.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._refused(request) or self.get_response(request)

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        stated = request.META.get("CONTENT_LENGTH") or ""
        if request.META.get("HTTP_TRANSFER_ENCODING") and not stated:
            return _refusal(411, "LENGTH_REQUIRED", "State the length of the body (Content-Length).")
        if stated and not (stated.isascii() and stated.isdigit()):
            return _refusal(400, "INVALID", "Content-Length: it is not a length.")
        is_file = re.fullmatch(settings.IMPORT_PATHS, request.path)
        most = settings.IMPORT_BYTES_MAX if is_file else settings.REQUEST_BYTES_MAX
        if len(stated) > 18 or int(stated or 0) > most:
            _discard(request)
            limit = f"{most:,} bytes"
            if is_file and "text/html" in request.META.get("HTTP_ACCEPT", ""):  # a person's browser, not a program
                return render(request, "413.html", {"most": most}, status=413)
            return _refusal(413, "TOO_LARGE", f"The body is {stated[:18]} bytes; at most {limit} are taken.")
        return None


def _discard(request: HttpRequest) -> None:
    """Reads on and keeps nothing: a socket closed on unread bytes resets, and the sender never sees the answer."""
    left = DISCARD_MAX
    try:
        while left > 0 and (chunk := request.read(CHUNK)):
            left -= len(chunk)
    except OSError:  # the sender went away
        return


def _refusal(status: int, code: str, message: str) -> JsonResponse:
    field = "Content-Length" if status != 413 else "body"
    return JsonResponse(error_body(code, message, {field: [message]}), status=status)


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
