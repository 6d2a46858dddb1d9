"""The vendors and what they sell; every fact ever bought, every call, and the money. No key is kept here."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from common import dates
from common.db.models import UUIDModel
from common.values import bounds
from common.values.bounds import Bounds

MONEY = Decimal("0.0001")  # the digits of every amount of US dollars
FRESH_MOST = 36_500  # days: a longer freshness is for ever


PRICE_WORDS = ("Enter a price of $0 or more.", f"Enter a price of ${bounds.PRICE.most:,} or less.")
PACE_WORDS = (
    "Enter a pace of 0 (no pace) or more.",
    f"Enter a pace of {bounds.PACE.most:,} a minute or less.",
)
BATCH_WORDS = ("Enter 1 input a request or more.", f"Enter {bounds.BATCH.most:,} inputs a request or less.")
FRESH_WORDS = ("Enter 0 days or more.", f"Enter {bounds.FRESH_DAYS.most:,} days or less.")
CAP_WORDS = ("Enter a limit of $0 or more.", f"Enter a limit of ${bounds.CAP.most:,} or less.")


def _within(allowed: Bounds, words: tuple[str, str]) -> list[Any]:
    """Validators of a field; words: for too little and for too much."""
    return [MinValueValidator(allowed.least, words[0]), MaxValueValidator(allowed.most, words[1])]


def _between(field: str, allowed: Bounds, words: tuple[str, str], name: str) -> models.CheckConstraint:
    """The same in PostgreSQL; an empty field is the environment's value."""
    inside = Q(**{f"{field}__gte": allowed.least, f"{field}__lte": allowed.most})
    return models.CheckConstraint(
        condition=Q(**{f"{field}__isnull": True}) | inside, name=name, violation_error_message=" ".join(words)
    )


class Vendor(models.Model):
    """Answers: may anything be bought from this vendor right now, and if not, why not?"""

    class ServerErrors(models.TextChoices):
        """What an error answer (408, 5xx but 502 and 503) to a paid request means."""

        DOUBT = "doubt", "Unknown: needs a billing check"
        NOT_BILLED = "not_billed", "Not billed: try again"
        BILLED = "billed", "Billed: count the cost"

    name = models.CharField(max_length=30, primary_key=True, help_text="realestateapi, signalhouse, apollo")
    enabled = models.BooleanField(default=True, verbose_name="on", help_text="The operator's switch")
    paused_reason = models.CharField(
        max_length=300, blank=True, help_text="Why nothing is bought until an operator acts (a refused key, no credit)"
    )
    daily_cap = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=_within(bounds.CAP, CAP_WORDS),
        verbose_name="daily spending limit ($)",
        help_text="Per day (UTC); empty: default",
    )
    billing_check = models.BooleanField(
        default=False, help_text="Paused because it claims more than the price list says, until an operator decides"
    )
    server_error_policy = models.CharField(
        max_length=10,
        choices=ServerErrors,
        default=ServerErrors.DOUBT,
        verbose_name="after a server error",
        help_text="What a server error in answer to a paid request means",
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failures in a row")
    breaker_openings = models.PositiveSmallIntegerField(default=0, help_text="Times the breaker opened in a row")
    breaker_open_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent before; then one probe")
    last_error = models.CharField(max_length=300, blank=True, help_text="The last failure, in words")
    last_error_at = models.DateTimeField(null=True, blank=True, help_text="When it failed last")

    class Meta:
        ordering = ["name"]
        constraints = [
            _between("daily_cap", bounds.CAP, CAP_WORDS, "vendor_daily_cap_sane"),
            models.CheckConstraint(
                condition=Q(server_error_policy__in=["doubt", "not_billed", "billed"]), name="vendor_policy_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cap(self) -> Decimal:
        """US dollars a day."""
        return self.daily_cap if self.daily_cap is not None else settings.VENDOR_DAILY_CAP[self.name]


class Operation(models.Model):
    """Answers: how fast, how many at a time, for how much and for how long is one operation of a vendor?

    An empty pace, price, batch or freshness means: the environment's value. The row is also the limiter: the
    transaction that holds its lock takes the next slot.
    """

    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="operations", help_text="Who sells it")
    name = models.CharField(max_length=30, help_text="property_detail, skip_trace, …")
    pace = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=_within(bounds.PACE, PACE_WORDS),
        verbose_name="requests a minute",
        help_text="0: no limit; empty: default",
    )
    price = models.DecimalField(
        max_digits=9,
        decimal_places=4,
        null=True,
        blank=True,
        validators=_within(bounds.PRICE, PRICE_WORDS),
        verbose_name="price ($)",
        help_text="Per unit; empty: default",
    )
    batch = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_within(bounds.BATCH, BATCH_WORDS),
        verbose_name="records a request",
        help_text="Empty: default",
    )
    fresh_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_within(bounds.FRESH_DAYS, FRESH_WORDS),
        verbose_name="reuse purchased data for (days)",
        help_text="Reused for $0; empty: default",
    )
    doubts = models.PositiveSmallIntegerField(
        default=0, help_text="Requests in a row that need a billing check: after one, one record a request"
    )
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
            _between("pace", bounds.PACE, PACE_WORDS, "operation_pace_sane"),
            _between("price", bounds.PRICE, PRICE_WORDS, "operation_price_sane"),
            _between("batch", bounds.BATCH, BATCH_WORDS, "operation_batch_sane"),
            _between("fresh_days", bounds.FRESH_DAYS, FRESH_WORDS, "operation_fresh_days_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.vendor_id} {self.name}"

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


class Budget(models.Model):
    """Answers: how much of this cap is spent, and how much is promised to requests that have not been settled?

    One row per cap and period, by scope (`integrations.ledger.scopes`): of a run, a user's month, a vendor's day (US
    dollars), and of the leads a user buys facts for in a day. The payer brings the cap itself, so that raising one
    takes effect at once.
    """

    scope = models.CharField(
        max_length=100, primary_key=True, verbose_name="limit and period", help_text="Whose limit, and in which period"
    )
    reserved = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        default=0,
        verbose_name="reserved",
        help_text="Reserved for requests not settled yet",
    )
    spent = models.DecimalField(max_digits=14, decimal_places=4, default=0, verbose_name="spent", help_text="Settled")

    class Meta:
        verbose_name = "budget"
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="budget_reserved_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="budget_spent_not_negative"),
        ]

    def __str__(self) -> str:
        return self.scope


class VendorCall(UUIDModel):
    """Answers: what was asked of a vendor, for whom, what did it cost and how did it end? No personal data.

    One row per HTTP attempt, written before the bytes leave and never touched once it has ended. Its id is the fencing
    token: a worker that finds it in another state than expected writes nothing.

    purpose: `run:<id>` (spelled by `ledger.scopes`), or `lookup` for a single look-up; a later payer adds its own.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved: nothing sent"
        SENT = "sent", "Sent: no answer yet"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Not billed"
        IN_DOUBT = "in_doubt", "Needs billing check"
        WRITTEN_OFF = "written_off", "Billed, nothing received"

    OPEN = (State.RESERVED, State.SENT)

    operation = models.ForeignKey(
        "integrations.Operation", models.PROTECT, related_name="calls", help_text="What was asked"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, help_text="For whom"
    )
    purpose = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="What it was paid for: an enrichment job, or a single request",
    )
    run_id = models.UUIDField(
        null=True,
        blank=True,
        verbose_name="enrichment job",
        help_text="For which enrichment job; empty: a single request",
    )
    state = models.CharField(max_length=12, choices=State, default=State.RESERVED, help_text="How far it is")
    inputs = models.PositiveIntegerField(verbose_name="records", help_text="Records asked for")
    found = models.PositiveIntegerField(default=0, verbose_name="found", help_text="Records the vendor knew")
    price = models.DecimalField(
        max_digits=9, decimal_places=4, default=0, help_text="US dollars a unit when its money was reserved"
    )
    reserved = models.DecimalField(
        max_digits=12, decimal_places=4, verbose_name="reserved", help_text="US dollars reserved before it was sent"
    )
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="US dollars it cost")
    units = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="Units by the price list")
    claimed = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, help_text="Units by the vendor's own count"
    )
    excess = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="US dollars the vendor claims above the price list"
    )
    holds = models.JSONField(default=dict, help_text="What was reserved where: {budget scope: amount}")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status")
    category = models.CharField(max_length=20, blank=True, verbose_name="result", help_text="What kind of failure")
    reason = models.CharField(max_length=300, blank=True, verbose_name="reason", help_text="What went wrong, in words")
    latency_ms = models.PositiveIntegerField(
        null=True, blank=True, verbose_name="answer time (ms)", help_text="From sending to the whole answer"
    )
    request_id = models.CharField(
        max_length=64, blank=True, verbose_name="vendor’s request id", help_text="The vendor's own id of the request"
    )
    created_at = models.DateTimeField(help_text="When its money was reserved (database clock)")
    slot_at = models.DateTimeField(verbose_name="planned for", help_text="When it may leave")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When sending was committed")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended")
    lease_until = models.DateTimeField(help_text="Its worker is taken for dead after this")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Who decided a billing check",
    )
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was decided")
    decision = models.CharField(max_length=300, blank=True, help_text="Why it was decided so, in words")

    class Meta:
        verbose_name, verbose_name_plural = "vendor request", "vendor requests"
        indexes = [
            models.Index(fields=["operation", "id"], condition=Q(excess__gt=0), name="call_with_excess"),
            models.Index(
                fields=["operation", "lease_until"], condition=Q(state__in=["reserved", "sent"]), name="call_open"
            ),
            models.Index(fields=["id"], condition=Q(state="in_doubt"), name="call_in_doubt"),
            models.Index(fields=["run_id", "id"], condition=Q(run_id__isnull=False), name="call_by_run"),
            models.Index(fields=["user", "id"], name="call_by_user"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "sent", "settled", "released", "in_doubt", "written_off"]),
                name="call_state_known",
            ),
            models.CheckConstraint(condition=Q(inputs__gte=1), name="call_has_inputs"),
            models.CheckConstraint(condition=Q(cost__gte=0) & Q(reserved__gte=0), name="call_money_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "released"]) | Q(sent_at__isnull=False), name="call_sent_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"


class Lookup(models.Model):
    """Answers: has this fact ever been bought, what did it say, and is a request buying it this moment?

    One row per fact, unique by operation and key. Bought once, it serves everybody while it is fresh.
    """

    class State(models.TextChoices):
        FREE = "free", "Not owned"
        BUYING = "buying", "Being bought"
        ANSWERED = "answered", "Owned"
        GARBAGE = "garbage", "Paid, unreadable"
        IN_DOUBT = "in_doubt", "Needs billing check"

    operation = models.ForeignKey("integrations.Operation", models.PROTECT, db_index=False, help_text="What was asked")
    key = models.CharField(max_length=200, help_text="What was asked, such as a property id")
    state = models.CharField(max_length=10, choices=State, default=State.FREE, help_text="Owned, or on the way")
    call = models.ForeignKey(
        "integrations.VendorCall",
        models.PROTECT,
        null=True,
        related_name="lookups",
        verbose_name="vendor request",
        help_text="The last request that asked for it",
    )
    facts = models.JSONField(
        null=True, blank=True, verbose_name="data", help_text="The answer, allow-listed; {} is a known no-match"
    )
    category = models.CharField(max_length=20, blank=True, verbose_name="reason", help_text="Why there is no data")
    cost = models.DecimalField(max_digits=10, decimal_places=4, default=0, help_text="US dollars paid for it, in all")
    fetched_at = models.DateTimeField(
        null=True, blank=True, verbose_name="purchased at", help_text="When the answer came"
    )

    class Meta:
        verbose_name = verbose_name_plural = "purchased data"
        constraints = [
            models.UniqueConstraint(fields=["operation", "key"], name="lookup_once"),
            models.CheckConstraint(
                condition=Q(state__in=["free", "buying", "answered", "garbage", "in_doubt"]),
                name="lookup_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | (Q(facts__isnull=False) & Q(fetched_at__isnull=False)),
                name="lookup_answered_has_answer",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="lookup_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.key[:20]}"


class UnreadableAnswer(models.Model):
    """Answers: what did the vendor send that cannot be used, paid for or in doubt? Once a call; no byte of a trace."""

    call = models.OneToOneField(
        "integrations.VendorCall",
        models.CASCADE,
        primary_key=True,
        related_name="unreadable",
        help_text="Which request",
    )
    raw = models.BinaryField(null=True, blank=True, help_text="Its first 64 KiB; empty for skip traces")
    length = models.PositiveIntegerField(help_text="Bytes of the whole answer")
    sha256 = models.CharField(max_length=64, help_text="SHA-256 of the whole answer, in hexadecimal")
    why = models.CharField(max_length=300, help_text="What is wrong with it, and where it breaks off")
    created_at = models.DateTimeField(help_text="When it came (database clock)")

    def __str__(self) -> str:
        return f"{self.length} bytes, {self.why}"


class PropertyName(models.Model):
    """Answers: which property, by the vendor's id, is meant by this address or parcel number?

    Learned from all bought details and search rows: a property is bought once under all its names.
    """

    name = models.CharField(max_length=64, primary_key=True, help_text="As `stand_in_ids.by_apn` or `by_address`")
    property_id = models.CharField(max_length=64, help_text="RealEstateAPI's id")

    def __str__(self) -> str:
        return self.name


class PhoneReveal(models.Model):
    """Answers: which phones of an Apollo request are still to come, what money waits for them, and how did it end?

    Made with the settling of its call, which keeps what the phones may cost reserved. A push that comes first makes it
    EARLY: then the end of the call decides about it. Closed once, by a push or by Apollo's answer to a question.
    """

    class State(models.TextChoices):
        EARLY = "early", "Delivered before its request was settled"
        WAITING = "waiting", "Waiting for phones"
        ARRIVED = "arrived", "Answered"
        IN_DOUBT = "in_doubt", "Needs billing check"
        RELEASED = "released", "Not billed"
        WRITTEN_OFF = "written_off", "Billed, nothing received"

    HOLDING = (State.WAITING, State.IN_DOUBT)

    call = models.OneToOneField(
        "integrations.VendorCall",
        models.PROTECT,
        primary_key=True,
        related_name="reveal",
        verbose_name="vendor request",
        help_text="Of which request",
    )
    state = models.CharField(max_length=12, choices=State, default=State.EARLY, help_text="How far it is")
    request_id = models.CharField(max_length=64, blank=True, help_text="Apollo's signed 64-bit number, as text")
    people = models.JSONField(default=dict, help_text="Whose phones: {Apollo person id: [look-up keys]}")
    reserved = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="US dollars that the phones may cost"
    )
    holds = models.JSONField(default=dict, help_text="What is reserved where: {budget scope: amount}")
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="US dollars the phones cost")
    found = models.PositiveIntegerField(default=0, verbose_name="phones", help_text="Phones that came")
    raw = models.BinaryField(null=True, blank=True, help_text="The pushed body, until its facts are taken from it")
    unreadable = models.BooleanField(
        default=False, help_text="What was delivered cannot be read; the result is asked for"
    )
    pushed_at = models.DateTimeField(
        null=True, blank=True, verbose_name="delivered at", help_text="When Apollo sent it to us"
    )
    asked = models.PositiveSmallIntegerField(
        default=0, verbose_name="checks", help_text="Times the result was asked for"
    )
    ask_at = models.DateTimeField(
        null=True, blank=True, verbose_name="next check", help_text="When it is asked for next"
    )
    deadline = models.DateTimeField(
        null=True, blank=True, help_text="Without a result by then it needs a billing check"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="What Apollo said last, in words")
    created_at = models.DateTimeField(help_text="When it began (database clock)")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was closed or decided")

    class Meta:
        verbose_name, verbose_name_plural = "mobile number request", "mobile number requests"
        indexes = [
            models.Index(fields=["ask_at"], condition=Q(state="waiting"), name="reveal_waiting"),
            models.Index(fields=["call"], condition=Q(raw__isnull=False, unreadable=False), name="reveal_pushed"),
            models.Index(fields=["closed_at"], condition=Q(state="released"), name="reveal_released"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["early", "waiting", "arrived", "in_doubt", "released", "written_off"]),
                name="reveal_state_known",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0) & Q(reserved__gte=0), name="reveal_money_not_negative"),
            models.CheckConstraint(
                condition=~Q(state="waiting") | (Q(ask_at__isnull=False) & Q(deadline__isnull=False)),
                name="reveal_waiting_is_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.pk}"


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
