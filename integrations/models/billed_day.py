from __future__ import annotations

from django.conf import settings
from django.db import models

from common import dates
from integrations.models.vendor import Vendor


class BilledDay(models.Model):
    """Answers: what does a vendor's own bill say of one day? Uploaded by an operator, compared with our books."""

    vendor = models.ForeignKey(
        Vendor, models.CASCADE, related_name="billed_days", db_index=False, help_text="Whose bill"
    )
    day = models.DateField(help_text="Which day; our side counts requests sent on it (UTC)")
    units = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True, help_text="Units billed; empty: the bill does not say"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=4, help_text="US dollars billed")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, help_text="Who uploaded"
    )
    uploaded_at = models.DateTimeField(help_text="When it was uploaded (database clock)")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vendor", "day"], name="billed_day_once_per_vendor")]

    def __str__(self) -> str:
        return f"{self.vendor_id} {dates.day(self.day)}"
