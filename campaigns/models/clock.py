"""The campaigns' clock, where development sets it: docs/campaigns.md."""

from __future__ import annotations

from django.db import models


class ClockSetting(models.Model):
    """Answers: which moment do campaigns take it to be? One row, where CAMPAIGN_CLOCK is set; else none."""

    real_at = models.DateTimeField(help_text="When it was set, by the database's clock")
    shown_at = models.DateTimeField(help_text="To which moment")
    speed = models.PositiveSmallIntegerField(default=1, help_text="Seconds that pass in a second, 1 to 20")

    def __str__(self) -> str:
        return f"{self.shown_at} at {self.real_at}, times {self.speed}"
