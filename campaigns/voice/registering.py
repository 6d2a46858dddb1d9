"""What calls by a vendor add to the rooms below, and what the dialer asks of them."""

from __future__ import annotations

from functools import partial

from accounts.access import Access
from campaigns.dialing.modes import place_with
from campaigns.models import Recording
from campaigns.voice import doubts, phones
from campaigns.voice.hanging_up import hang_up
from campaigns.voice.moving import suggested
from campaigns.voice.phones import mode, why_not
from campaigns.voice.placing import place_surely as place
from campaigns.voice.recordings import offered as recordings
from campaigns.voice.voicemail import drop as drop_voicemail
from campaigns.voice.voicemail import why_not as why_no_voicemail
from integrations.ledger import dependents, waiting
from leads.privacy import telling
from leads.privacy.places import in_texts, search_in

__all__ = [
    "drop_voicemail",
    "hang_up",
    "mode",
    "place",
    "recordings",
    "register",
    "suggested",
    "why_no_voicemail",
    "why_not",
]


def register() -> None:
    """Called once, from `CampaignsConfig.ready`."""
    dependents.register(freed=doubts.freed, doubted=doubts.doubted)
    waiting.count_with(doubts.waiting_for)
    for name in phones.VENDORS:
        place_with(name, place, why_not=partial(_why_not, name), hang_up=hang_up)
    columns = ("name", "file")
    told = telling.in_texts(Recording, columns, what="Recording", team="team")
    search_in("recordings", in_texts(Recording, columns), told)


def _why_not(name: str, access: Access) -> str:
    return phones.why_not_for(access.user, access.team_id, name)
