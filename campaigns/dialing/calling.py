"""A call: at the press the gate is asked again, under the locks of her numbers, and the call stands before it begins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.access import Access
from campaigns.models import CallAttempt
from campaigns.planning.refusals import CampaignError


class Refused(CampaignError):
    """The gate says no, or not now. code: NOT_ALLOWED. receipt_id: of its answer. again_at: None: never."""

    def __init__(self, words: str, receipt_id: UUID | None, again_at: datetime | None) -> None:
        super().__init__("NOT_ALLOWED", words, more={"receiptId": receipt_id, "againAt": again_at})
        self.words, self.receipt_id, self.again_at = words, receipt_id, again_at


def place_call(
    access: Access, *, lead_id: UUID, member_id: UUID | None = None, number: str, mode: str = CallAttempt.Mode.TEL
) -> CallAttempt:
    """Her call to one of the lead's numbers. member_id: the lead is before her in the dialer; None: by hand, under the
    same rules. mode: tel (she dials it herself), or a vendor's, which rings her phone first.

    Raises Refused; CampaignError NOT_FOUND, NOT_YOURS, CALL_OPEN (she has not said how her last call ended), NO_VENDOR,
    INVALID `number`, `mode`.
    """
    raise NotImplementedError


def hang_up(access: Access, attempt_id: UUID, *, seconds: int | None = None) -> CallAttempt:
    """The call is over; how it ended is to be said yet. seconds: what the page saw. The same twice is one."""
    raise NotImplementedError
