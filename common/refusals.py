"""The one shape of an error of the API. It needs nothing of Django: the web server refuses in it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.request_id import request_id


def error_body(code: str, message: str, fields: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """fields: {name of the input: what is wrong with it}."""
    error = {"code": code, "message": message, "fields": dict(fields or {}), "requestId": request_id.get()}
    return {"success": False, "error": error}
