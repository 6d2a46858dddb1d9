"""How a call ended: one transaction for the call, the note, what is planned, the lead, its place in the list."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.access import Access
from campaigns.models import CallAttempt


def dispose(
    access: Access,
    attempt_id: UUID,
    *,
    code: str,
    note: str = "",
    at: datetime | None = None,
    anyone: bool = False,
    minutes: int | None = None,
) -> CallAttempt:
    """Says how her call ended. at: of the callback or appointment; anyone: any caller may make that callback; minutes:
    the appointment's length. What the outcome suppresses is written ten seconds later.

    Raises CampaignError NOT_FOUND, INVALID (`code`, `at`, `note`), DISPOSED: another outcome was said already, and a
    do-not-call stays.
    """
    raise NotImplementedError


def take_back(access: Access, attempt_id: UUID) -> CallAttempt:
    """The key was a slip: within ten seconds a suppressing outcome is taken back, and the lead is before her again.

    Raises CampaignError TOO_LATE.
    """
    raise NotImplementedError
