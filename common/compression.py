"""Pages and answers of the API go compressed over the wire."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# What is text. Pictures, sound, workbooks and archives are compressed already.
TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")


class Compressed(GZipMiddleware):
    """gzip, for whoever takes it and where it is shorter.

    Left as they are: answers that are written while they are read (event streams must come line by line, downloads
    have their own length) and what is no text. A request that another site made is answered uncompressed: who can
    make a browser ask again and again and sees only how long the answers are learns nothing of a secret beside his own
    words (BREACH). Against guesses from within this site, Django adds a random length to each answer, and the token of
    forms is masked anew on each page.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_text = str(response.headers.get("Content-Type", "")).startswith(TEXTS)
        if response.streaming or not is_text or request.headers.get("Sec-Fetch-Site") == "cross-site":
            return response
        return super().process_response(request, response)
