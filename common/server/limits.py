"""How long a request's body may be."""

from __future__ import annotations

import re

from django.conf import settings


def takes_files(path: str) -> bool:
    return re.fullmatch(settings.IMPORT_PATHS, path) is not None


def most_bytes(path: str) -> int:
    """REQUEST_BYTES_MAX; where a file of leads may come in, IMPORT_BYTES_MAX; where an e-mail may, MAIL_BYTES_MAX."""
    if takes_files(path):
        return int(settings.IMPORT_BYTES_MAX)
    return int(settings.MAIL_BYTES_MAX if re.fullmatch(settings.MAIL_PATHS, path) else settings.REQUEST_BYTES_MAX)
