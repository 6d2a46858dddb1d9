from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from django.conf import settings
from django.db import models

from common.values import bounds
from integrations.models.vendor import Vendor
from integrations.models.within_bounds import between, within
from integrations.naming import vendors as vendor_names

MONEY = Decimal("0.0001")  # the digits of every amount of US dollars
FRESH_MOST = 36_500  # days: a longer freshness is for ever

PRICE_WORDS = ("Enter a price of $0 or more.", f"Enter a price of ${bounds.PRICE.most:,} or less.")
PACE_WORDS = (
    "Enter a pace of 0 (no pace) or more.",
    f"Enter a pace of {bounds.PACE.most:,} a minute or less.",
)
BATCH_WORDS = ("Enter 1 record a request or more.", f"Enter {bounds.BATCH.most:,} records a request or less.")
FRESH_WORDS = ("Enter 0 days or more.", f"Enter {bounds.FRESH_DAYS.most:,} days or less.")


class Operation(models.Model):
    """Answers: how fast, how many at a time, for how much and for how long is one operation of a vendor?

    An empty pace, price, batch or freshness means: the environment's value. The row is also the limiter: the
    transaction that holds its lock takes the next slot.
    """

    seen_at: datetime  # by the database's clock, when `admission` looked at it; no column

    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="operations", help_text="Who sells it")
    name = models.CharField(max_length=30, help_text="property_detail, skip_trace, …")
    pace = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=within(bounds.PACE, PACE_WORDS),
        verbose_name="requests a minute",
        help_text="0: no limit; empty: default",
    )
    price = models.DecimalField(
        max_digits=9,
        decimal_places=4,
        null=True,
        blank=True,
        validators=within(bounds.PRICE, PRICE_WORDS),
        verbose_name="price ($)",
        help_text="Per unit; empty: default",
    )
    batch = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=within(bounds.BATCH, BATCH_WORDS),
        verbose_name="records a request",
        help_text="Empty: default",
    )
    fresh_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=within(bounds.FRESH_DAYS, FRESH_WORDS),
        verbose_name="reuse purchased data for (days)",
        help_text="Reused for $0; empty: default",
    )
    doubts = models.PositiveSmallIntegerField(
        default=0, help_text="Requests in a row that need a billing check: after one, one record a request"
    )
    failures = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Failures in a row")
    breaker_openings = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Times the breaker opened in a row"
    )
    breaker_open_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent before; then one probe")
    held_back = models.PositiveSmallIntegerField(default=0, help_text="Answers 429 in a row")
    held_at = models.DateTimeField(null=True, blank=True, help_text="When the last of them was counted")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When its last good answer came, to a minute")
    answered_from = models.CharField(max_length=300, blank=True, help_text="The base URL of its last good answer")
    list_confirmed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When an operator said that the price list is right and the vendor's count is not",
    )
    next_slot_at = models.DateTimeField(
        null=True, blank=True, verbose_name="next request at", help_text="When the next request may be sent"
    )
    batch_refused_at = models.DateTimeField(
        null=True,
        blank=True,
        verbose_name="batch refused at",
        help_text="When the key was refused for batch requests: since then one record a request",
    )

    class Meta:
        ordering = ["vendor", "name"]
        constraints = [
            models.UniqueConstraint(fields=["vendor", "name"], name="operation_once_per_vendor"),
            between("pace", bounds.PACE, PACE_WORDS, "operation_pace_sane"),
            between("price", bounds.PRICE, PRICE_WORDS, "operation_price_sane"),
            between("batch", bounds.BATCH, BATCH_WORDS, "operation_batch_sane"),
            between("fresh_days", bounds.FRESH_DAYS, FRESH_WORDS, "operation_fresh_days_sane"),
        ]

    def __str__(self) -> str:
        return vendor_names.operation_title(self.vendor_id, self.name)

    def fresh_since(self, now: datetime) -> datetime:
        """An answer that came after this is served again for nothing."""
        return now - timedelta(days=min(self.setting("fresh_days"), FRESH_MOST))

    def setting(self, key: str) -> Any:
        """The row's own value, else the environment's. `key`: pace, price, batch, fresh_days."""
        value = getattr(self, key)
        return value if value is not None else settings.OPERATIONS[self.name][key]

    @property
    def unit_price(self) -> Decimal:
        """US dollars a unit, in the four decimals that every amount is kept in; never rounded down."""
        price: Decimal = self.setting("price")
        return price.quantize(MONEY, rounding=ROUND_UP)
