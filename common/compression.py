"""Pages and answers of the API go compressed over the wire."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from whitenoise.middleware import WhiteNoiseFileResponse

# What is text. Pictures, sound, workbooks and archives are compressed already.
TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")


class Compressed(GZipMiddleware):
    """gzip, for whoever takes it and where it is shorter.

    Static files are compressed when `collectstatic` gathers them, and say so; where nobody has (DEBUG), they are here.

    Left as they are: answers that are written while they are read (event streams must come line by line, downloads
    have their own length), parts of files, and what is no text. A request that another site made is answered
    uncompressed: who can make a browser ask again and again and sees only how long the answers are learns nothing of a
    secret beside his own words (BREACH). Against guesses from within this site, Django adds a random length to each
    answer, and the token of forms is masked anew on each page.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_text = str(response.headers.get("Content-Type", "")).startswith(TEXTS)
        is_static = isinstance(response, WhiteNoiseFileResponse) and response.status_code == HTTPStatus.OK
        is_cross = request.headers.get("Sec-Fetch-Site") == "cross-site"
        if (response.streaming and not is_static) or not is_text or is_cross:
            return response
        return super().process_response(request, response)
