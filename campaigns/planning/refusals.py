"""What a campaign, template, sender or state answer is refused with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CampaignError(Exception):
    """It cannot be done. `code` for programs, the message for people, `field` (the API's name) where one is to blame.

    INVALID, NOT_FOUND, FORBIDDEN; else it stands in the way of its state: NOT_EDITABLE, NOT_DRAFT, PREVIEW_CHANGED,
    PREVIEW_EXPIRED, ALREADY_RUNNING, NO_VENDOR, NO_SELLER, … more: facts beside the message, in the API's names.
    """

    def __init__(self, code: str, message: str, field: str = "", *, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.field, self.more = code, field, dict(more or {})
