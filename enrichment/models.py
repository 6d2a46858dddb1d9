"""Runs: which leads to buy facts for, in what order, and who is at work on it. And what starts them by the clock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.team_triggers import team_of_bucket
from common.contact_access import told
from common.db.models import Timestamped, UUIDModel
from common.db.work import Claimed, Deferred, Leased, LeasedQuerySet, WorkQuerySet
from enrichment.options import Kind as RunKind
from enrichment.options import RunOptions
from enrichment.querysets import RunQuerySet, ScheduleQuerySet
from integrations.ledger import scopes

FOR_EVER = timedelta(days=3650)  # the lease of an item that waits for a person's decision
_done = F("enriched") + F("partial") + F("failed") + F("skipped")
# Cancelled runs with items that are still to be skipped, or in flight.
CANCELLED_IN_PART = Q(status="cancelled", bucket__isnull=False, total__gt=_done)


class Run(UUIDModel, Timestamped):
    """Answers: which leads did this person ask to buy facts for, under which cap, and how far is it?"""

    Kind = RunKind

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class Pause(models.TextChoices):
        PERSON = "person", "By a person"
        CAP = "cap", "Spending limit reached"
        VENDOR = "vendor", "Vendor not available"
        FAULT = "fault", "System error"
        CANARY = "canary", "Stopped after sample"
        DOUBT = "doubt", "Needs billing check"
        INACTIVE = "inactive", "User turned off"

    ACTIVE = (Status.QUEUED, Status.RUNNING)
    OPEN = (Status.QUEUED, Status.RUNNING, Status.PAUSED)

    bucket = models.ForeignKey(
        "buckets.Bucket",
        models.SET_NULL,
        null=True,
        related_name="runs",
        db_index=False,
        help_text="Empty once the bucket was deleted",
    )
    bucket_name = models.CharField(max_length=200, verbose_name="bucket", help_text="The bucket's name when it started")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="runs", db_index=False, help_text="Who asked and pays"
    )
    team = models.ForeignKey(
        "accounts.Team",
        models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Whose caps count too",
    )
    kind = models.CharField(
        max_length=10, choices=Kind, default=Kind.PROPERTY, verbose_name="type", help_text="What is bought"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, help_text="How far it is")
    paused_by = models.CharField(
        max_length=10, choices=Pause, blank=True, verbose_name="paused because", help_text="Who or what stopped it"
    )
    reason = models.CharField(max_length=300, blank=True, verbose_name="reason", help_text="Why it is paused, in words")
    cap_scope = models.CharField(
        max_length=100, blank=True, help_text="The budget of the cap that paused it: its own, a day's or a month's"
    )
    cap_mark = models.CharField(
        max_length=100,
        blank=True,
        help_text="How far it was when it last looked for money again",
    )
    options = models.JSONField(default=dict, blank=True, help_text="What was asked for: skipTrace, guard, startFrom, …")
    prices = models.JSONField(
        default=dict, blank=True, help_text="What a unit of each operation cost when it started, US dollars"
    )
    max_cost = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        verbose_name="spending limit",
        help_text="US dollars it may spend; empty: no limit of its own",
    )
    idempotency_key = models.CharField(
        max_length=200, null=True, blank=True, help_text="The Idempotency-Key of the request that started it"
    )
    request_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of that request")
    total = models.PositiveIntegerField(default=0, verbose_name="leads", help_text="Leads in it")
    enriched = models.PositiveIntegerField(default=0, verbose_name="has a phone", help_text="Leads that have a phone")
    partial = models.PositiveIntegerField(default=0, verbose_name="no phone found", help_text="Leads without a phone")
    failed = models.PositiveIntegerField(default=0, help_text="Leads that failed")
    skipped = models.PositiveIntegerField(
        default=0, verbose_name="skipped", help_text="Leads left out by the conditions or a cancel"
    )
    in_doubt = models.PositiveIntegerField(
        default=0, help_text="Leads whose request needs a billing check: they wait for the decision"
    )
    two_names = models.PositiveIntegerField(
        default=0,
        verbose_name="bought twice",
        help_text="Details bought although the property was owned under another name",
    )
    with_emails = models.PositiveIntegerField(
        default=0, verbose_name="leads with an e-mail", help_text="Leads with an e-mail"
    )
    sample_until = models.BigIntegerField(
        null=True, blank=True, help_text="The last item of its sample: nothing beyond is taken until that is judged"
    )
    canary = models.JSONField(default=dict, blank=True, help_text="How its sample turned out: {leads, hitRate, …}")
    resume_from = models.UUIDField(
        null=True, blank=True, verbose_name="last lead taken", help_text="A later job can start after it"
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="When its first lead was taken")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it completed or was cancelled")
    beat_at = models.DateTimeField(
        null=True, blank=True, verbose_name="last sign of life", help_text="When a worker last moved it"
    )

    spent: Decimal  # US dollars, as `reserved`: `with_money()` reads them
    reserved: Decimal

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = "enrichment job", "enrichment jobs"
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="run_once_per_idempotency_key"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "paused", "completed", "cancelled"]),
                name="run_status_known",
            ),
            models.CheckConstraint(condition=Q(kind__in=["property", "apollo"]), name="run_kind_known"),
            models.CheckConstraint(condition=Q(max_cost__isnull=True) | Q(max_cost__gt=0), name="run_cap_positive"),
            models.CheckConstraint(
                condition=Q(total__gte=_done),
                name="run_done_within_total",
            ),
            models.CheckConstraint(condition=~Q(status="paused") | ~Q(paused_by=""), name="run_paused_has_cause"),
        ]
        indexes = [
            models.Index(fields=["team", "-id"], name="run_by_team"),
            models.Index(fields=["bucket", "-id"], name="run_by_bucket"),
            models.Index(fields=["id"], condition=Q(status__in=["queued", "running", "paused"]), name="run_open"),
            models.Index(
                fields=["id"],
                condition=CANCELLED_IN_PART,
                name="run_cancelled_in_part",
            ),
        ]
        triggers = [team_of_bucket()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {told(self.bucket_name)}"

    @property
    def asked(self) -> RunOptions:
        """What was asked for, typed: every rule reads this, never `options`."""
        return RunOptions.from_json(self.options, kind=self.kind, max_cost=self.max_cost)

    @property
    def done(self) -> int:
        return self.enriched + self.partial + self.failed + self.skipped

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def only_waits_for_billing_check(self) -> bool:
        """Whether every lead that is left waits until it is decided whether its request was billed."""
        return self.in_doubt > 0 and self.done + self.in_doubt >= self.total

    @property
    def budget_scope(self) -> str:
        """Where its money is kept: `integrations.Budget`."""
        return scopes.run(self.pk)


class RunItem(Claimed, Deferred):
    """Answers: which lead of a run is next, who has it, and how did it end? The work queue, narrow on purpose.

    Claimed from here, never from the wide lead rows: 29,800 leads a second against 9,700 (500,000 leads, measured).
    """

    class Stage(models.IntegerChoices):
        DONE = 0, "Done"
        DETAIL = 1, "Property detail"
        SKIP_TRACE = 2, "Skip trace"
        APOLLO = 3, "Apollo"

    class Outcome(models.IntegerChoices):
        OPEN = 0, "Open"
        ENRICHED = 1, "Has a phone"
        PARTIAL = 2, "No phone found"
        FAILED = 3, "Failed"
        SKIPPED = 4, "Skipped"

    run = models.ForeignKey(
        "enrichment.Run",
        models.CASCADE,
        related_name="items",
        db_index=False,
        verbose_name="enrichment job",
        help_text="Of which enrichment job",
    )
    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="run_items", help_text="Which lead")
    stage = models.SmallIntegerField(choices=Stage, verbose_name="step", help_text="What it waits for")
    outcome = models.SmallIntegerField(
        choices=Outcome, default=Outcome.OPEN, db_default=Outcome.OPEN, verbose_name="result", help_text="How it ended"
    )
    category = models.CharField(max_length=20, blank=True, db_default="", help_text="Error category")
    attempts = models.SmallIntegerField(
        default=0, db_default=0, verbose_name="failed tries", help_text="Tries of this step that failed"
    )
    losses = models.SmallIntegerField(
        default=0, db_default=0, verbose_name="workers lost", help_text="Workers that stopped while they had it"
    )
    alone = models.BooleanField(
        default=False, db_default=False, help_text="Its batch was refused as a whole: ask for it by itself"
    )

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = "lead of an enrichment job", "leads of enrichment jobs"
        constraints = [
            models.UniqueConstraint(fields=["run", "lead"], name="item_once_per_run"),
            models.CheckConstraint(condition=Q(stage__in=[0, 1, 2, 3]), name="item_stage_known"),
            models.CheckConstraint(condition=Q(outcome__in=[0, 1, 2, 3, 4]), name="item_outcome_known"),
            models.CheckConstraint(
                condition=(Q(stage=0) & ~Q(outcome=0)) | (~Q(stage=0) & Q(outcome=0)), name="item_done_has_outcome"
            ),
            models.CheckConstraint(
                condition=Q(token__isnull=True) | Q(lease_until__isnull=False), name="item_taken_has_lease"
            ),
        ]
        indexes = [
            models.Index(
                fields=["run", "stage", "id"], condition=Q(token__isnull=True) & ~Q(stage=0), name="item_waiting"
            ),
            models.Index(fields=["run", "stage"], condition=Q(token__isnull=False), name="item_bought"),
            models.Index(fields=["run", "id"], condition=Q(outcome=3), name="item_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.get_stage_display()} of lead {self.lead_id}"


class PumpLease(Claimed):
    """Answers: which pumps are at work, on which worker host, and when did each host last say that it is alive?

    `settings.PUMPS_PER_STAGE` a stage on each host, and those of a stage without work; a pump renews its lease. The
    row of stage DONE has no pump: it is the host's own sign of life.
    """

    stage = models.SmallIntegerField(
        choices=RunItem.Stage, verbose_name="works on", help_text="Which step of enrichment"
    )
    host = models.CharField(
        max_length=200, default="", db_default="", verbose_name="worker", help_text="The worker's name, one a host"
    )
    number = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="Which of those that the host has for the step"
    )
    beat_at = models.DateTimeField(
        null=True, blank=True, verbose_name="last sign of life", help_text="When it last said that it is running"
    )

    class Meta:
        verbose_name, verbose_name_plural = "worker", "workers"
        constraints = [models.UniqueConstraint(fields=["stage", "host", "number"], name="pump_once_per_host")]

    objects = LeasedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.get_stage_display()


class FairShare(models.Model):
    """Answers: which run is served next? The user, then the run, that was served longest ago goes first.

    With requests as the unit this shares a scarce pace equally among users, then among a user's runs, whatever their
    number and size; a newcomer is served next, and nobody saves up requests while idle.
    """

    run = models.ForeignKey("enrichment.Run", models.CASCADE, related_name="fair_shares", help_text="Which run")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Of which user"
    )
    stage = models.SmallIntegerField(choices=RunItem.Stage, help_text="At which stage")
    served_at = models.DateTimeField(null=True, blank=True, help_text="When a paid request was last given to it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "stage"], name="fair_share_once_per_stage")]
        indexes = [models.Index(fields=["owner", "stage", "-served_at"], name="fair_share_by_owner")]

    def __str__(self) -> str:
        return f"{self.get_stage_display()} of run {self.run_id}"


class Schedule(UUIDModel, Timestamped, Leased):
    """Answers: what is to be done with this bucket again and again, when is it due next, and how did it go last?"""

    class Kind(models.TextChoices):
        ENRICH = "enrich", "Enrich the next leads"
        REFRESH = "refresh", "Add new matches"
        REBUY = "rebuy", "Refresh changed properties"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who asked and pays"
    )
    team = models.ForeignKey(
        "accounts.Team",
        models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Whose caps count too",
    )
    bucket = models.ForeignKey(
        "buckets.Bucket",
        models.SET_NULL,
        null=True,
        related_name="schedules",
        help_text="Empty once the bucket was deleted",
    )
    bucket_name = models.CharField(
        max_length=200, verbose_name="bucket", help_text="The bucket's name when the schedule was made"
    )
    kind = models.CharField(max_length=10, choices=Kind, verbose_name="type", help_text="What is done")
    options = models.JSONField(default=dict, blank=True, help_text="limit, skipTrace, guard, olderThanDays, search")
    max_cost = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        verbose_name="spending limit",
        help_text="US dollars it may spend each time",
    )
    cadence = models.CharField(
        max_length=100, verbose_name="when", help_text="Five cron fields, such as 30 2 * * 1-5; at most once an hour"
    )
    time_zone = models.CharField(max_length=64, help_text="Whose clock the cadence goes by")
    enabled = models.BooleanField(
        default=True, verbose_name="turned on", help_text="Turns itself off after failures in a row"
    )
    next_at = models.DateTimeField(
        null=True, blank=True, verbose_name="next", help_text="When it is due next; empty: it is off"
    )
    last_at = models.DateTimeField(
        null=True, blank=True, verbose_name="last", help_text="When it was last done, skipped or failed"
    )
    last_result = models.CharField(
        max_length=300, blank=True, verbose_name="last result", help_text="What came of that, in words"
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failures in a row")
    last_run = models.ForeignKey(
        "enrichment.Run",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="last enrichment job",
        help_text="The last enrichment job it started",
    )
    last_fill = models.ForeignKey(
        "buckets.Fill",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="last search",
        help_text="The last search it repeated",
    )

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["enrich", "refresh", "rebuy"]), name="schedule_kind_known"),
            models.CheckConstraint(
                condition=Q(max_cost__isnull=True) | Q(max_cost__gt=0), name="schedule_cap_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind="refresh") | Q(max_cost__isnull=False), name="schedule_that_spends_has_cap"
            ),
            models.CheckConstraint(
                condition=Q(enabled=True, next_at__isnull=False) | Q(enabled=False, next_at__isnull=True),
                name="schedule_on_has_next",
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-id"], name="schedule_by_team"),
            models.Index(fields=["next_at"], condition=Q(enabled=True), name="schedule_due"),
        ]
        triggers = [team_of_bucket()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {told(self.bucket_name)}"
