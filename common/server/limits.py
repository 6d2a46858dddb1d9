"""How long a request's body may be."""

from __future__ import annotations

import re

from django.conf import settings


def takes_files(path: str) -> bool:
    return re.fullmatch(settings.IMPORT_PATHS, path) is not None


def most_bytes(path: str) -> int:
    """REQUEST_BYTES_MAX; where a file of leads may come in, IMPORT_BYTES_MAX."""
    most: int = settings.IMPORT_BYTES_MAX if takes_files(path) else settings.REQUEST_BYTES_MAX
    return most
