"""What calls by a vendor add to the rooms below, and what the dialer asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts.access import Access
from campaigns.models import CallAttempt, Recording

__all__ = ["drop_voicemail", "hang_up", "mode", "place", "recordings", "register", "why_no_voicemail", "why_not"]


def register() -> None:
    """Called once, from `CampaignsConfig.ready`."""


def mode() -> str:
    """How calls are placed here: tel, twilio, signalhouse (`CallAttempt.Mode`)."""
    return CallAttempt.Mode.TEL


def why_not(access: Access) -> str:
    """Why she may not click to call, in words; "": she may. Calls by her own phone (tel:) are always possible."""
    return ""


def place(attempt_id: UUID) -> None:
    """Places the call of an attempt that is intended, once, outside any transaction: her phone rings first.

    How it went stands in the attempt: still intended (her phone rings), ended with error and error_words (it was not
    placed), or in doubt. Only a person's press calls this.
    """
    raise NotImplementedError


def hang_up(attempt_id: UUID) -> None:
    """Ends the vendor's call, outside any transaction; of one that has ended, or of tel:, nothing. The attempt's own end
    is the caller's to write. Never raises for what the vendor answers.
    """
    return None


def recordings(access: Access) -> Sequence[Recording]:
    """The newest version of each recording of her team that is offered, by name."""
    return ()


def why_no_voicemail(attempt: CallAttempt) -> str:
    """Why no recording may be played to this call now, in words; "": it may."""
    return "your own phone plays no recordings"


def drop_voicemail(access: Access, attempt_id: UUID, recording_id: UUID) -> None:
    """Plays it to the lead's leg and hangs that up. Raises `campaigns.voice.voicemail.CannotDrop` with words."""
    raise NotImplementedError
