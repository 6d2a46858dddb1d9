"""A file as an answer, from the API or a page."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header


def file_answer(pieces: Iterable[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """A file to keep, sent as it is made: kept by no cache, held back by no proxy."""
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)
