"""What booking adds to the rooms below: called once, from `CampaignsConfig.ready`."""

from __future__ import annotations

from campaigns import clock
from campaigns.booking.booking import on_change
from leads.calendar import clock as calendar_clock
from leads.calendar import planning


def register() -> None:
    planning.on_change(on_change)
    calendar_clock.go_by(clock.shown_at)
