"""A PMTiles file on this machine, in pieces: its readers ask for ranges of bytes (RFC 9110, 14.2)."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.http import require_GET

PIECE_MOST = 16 * 2**20  # bytes of one answer; a tile has some 100 kB, a directory at most 16 MB
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})", re.ASCII)


@require_GET
def tiles(request: HttpRequest) -> HttpResponse:
    """One piece of the file (206). The whole of it is refused (416): it may have a hundred gigabytes."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden("Sign in first.")
    path = Path(settings.MAP_TILES_FILE)
    if not settings.MAP_TILES_FILE or not path.is_file():
        raise Http404("There is no file of map tiles.")
    size = path.stat().st_size
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    first, last = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, -1)
    if not 0 <= last - first < PIECE_MOST:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with path.open("rb") as file:
        file.seek(first)
        piece = file.read(last - first + 1)
    told = {
        "Content-Range": f"bytes {first}-{last}/{size}",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400",
        "ETag": f'"{path.stat().st_mtime_ns:x}-{size:x}"',
    }
    return HttpResponse(piece, status=206, content_type="application/vnd.pmtiles", headers=told)
