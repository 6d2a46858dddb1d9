"""What booking adds to the rooms below: called once, from `CampaignsConfig.ready`."""

from __future__ import annotations

from campaigns.booking.booking import on_change
from leads.calendar import planning


def register() -> None:
    planning.on_change(on_change)
