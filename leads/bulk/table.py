"""Jobs over many leads, the leads of each as they were found when it began, and what it changed."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from common.db.models import UUIDModel
from common.db.work import Leased
from leads.bulk.querysets import BulkQuerySet


class BulkJob(UUIDModel, Leased):
    """Answers: what is being done to which leads, how far is that, and can it be undone?

    Its leads are written down when it begins (`BulkPiece`): what the filters find later is not its business. `done`
    changes in the transaction that changes the leads it passes. What it changed stands in `BulkChange` until it is
    undone or too old. `asking`: its leads are written down, and a person has still to say yes to a price.
    """

    class Kind(models.TextChoices):
        TAG = "tag", "Add a tag"
        UNTAG = "untag", "Remove a tag"
        STATUS = "status", "Change status"
        FIELD = "field", "Set a custom field"
        ASSIGN = "assign", "Assign"
        ACTIVITY = "activity", "Log activity"
        MOVE = "move", "Move to a bucket"
        COPY = "copy", "Copy to a bucket"
        EXPORT = "export", "Export"
        ENRICH = "enrich", "Enrich"
        DELETE = "delete", "Delete"
        DO_NOT_CONTACT = "doNotContact", "Do not contact"

    class Status(models.TextChoices):
        ASKING = "asking", "Waiting for your yes"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"
        UNDOING = "undoing", "Undoing"
        UNDONE = "undone", "Undone"

    AT_WORK = (Status.QUEUED, Status.RUNNING, Status.UNDOING)
    OVER = (Status.COMPLETED, Status.CANCELLED, Status.FAILED, Status.UNDONE)
    UNDOABLE = (Status.COMPLETED, Status.CANCELLED, Status.FAILED)  # where it changed something

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name="user",
        help_text="Who asked for it",
    )
    kind = models.CharField(max_length=12, choices=Kind, verbose_name="action", help_text="What is done to each lead")
    arguments = models.JSONField(default=dict, blank=True, help_text="Which tag, status, field, member or bucket")
    filters = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Names of the filters its leads were found by; empty: they were chosen",
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED, help_text="How far it is")
    leads = models.PositiveIntegerField(default=0, help_text="How many leads it is over")
    done = models.PositiveIntegerField(default=0, help_text="Leads that were looked at")
    changed = models.PositiveIntegerField(default=0, help_text="Of these: changed")
    left_out = models.JSONField(default=dict, blank=True, help_text="Of these: left as they were, by reason")
    restored = models.PositiveIntegerField(default=0, help_text="Undone: leads that are as they were before")
    kept = models.PositiveIntegerField(default=0, help_text="Undone: leads left alone, as they changed since")
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Who undid it",
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times a worker began, since the last one went on")
    error = models.CharField(max_length=300, blank=True, help_text="Why it stopped, in words")
    once = models.UUIDField(null=True, blank=True, unique=True, help_text="Names the press or request that made it")
    request_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of that request")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was asked for")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it was over")

    objects = BulkQuerySet.as_manager()

    class Meta:
        verbose_name = "bulk job"
        indexes = [
            models.Index(fields=["team", "-id"], name="bulk_by_team"),
            models.Index(fields=["id"], condition=Q(status__in=["queued", "running", "undoing"]), name="bulk_at_work"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "tag", "untag", "status", "assign", "activity", "move", "copy", "export", "enrich", "delete",
                        "doNotContact", "field",
                    ]
                ),
                name="bulk_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "asking", "queued", "running", "completed", "cancelled", "failed", "undoing", "undone"
                    ]
                ),
                name="bulk_status_known",
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("leads"), changed__lte=F("done"), restored__lte=F("changed")),
                name="bulk_counts_fit",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["completed", "cancelled", "failed", "undone"], finished_at__isnull=False)
                | (Q(finished_at__isnull=True) & ~Q(status__in=["completed", "cancelled", "failed", "undone"])),
                name="bulk_over_has_time",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.leads:,} {'lead' if self.leads == 1 else 'leads'}"

    @property
    def is_at_work(self) -> bool:
        return self.status in self.AT_WORK

    @property
    def percent(self) -> int:
        """How much of it is done, or undone."""
        if self.status == self.Status.UNDOING:
            return min(100, 100 * (self.restored + self.kept) // (self.changed or 1))
        return 100 * self.done // self.leads if self.leads else 100


class BulkPiece(models.Model):
    """Answers: which leads does a job's piece change in one transaction? Rows of a job that is over are gone."""

    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="pieces", db_index=False, help_text="Which job")
    place = models.PositiveIntegerField(help_text="Leads of the job before it")
    lead_ids = ArrayField(models.UUIDField(), help_text="Its leads, in the order of their ids")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "place"], name="bulk_piece_once")]

    def __str__(self) -> str:
        return f"{self.place} of {self.job_id}"


class BulkChange(models.Model):
    """Answers: what was this lead before a job changed it, and what did the job make of it? Gone once it is undone.

    before, after: a status, a member's id, a bucket's id, the id of a tag's link or of a copy; of a custom field what
    stood there, in JSON. No key to the lead: a lead that goes must not look for its rows here.
    """

    pk = models.CompositePrimaryKey("job_id", "lead_id")
    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="changes", db_index=False, help_text="Which job")
    lead_id = models.UUIDField(help_text="Which lead")
    before = models.TextField(null=True, blank=True, help_text="What it was")
    after = models.CharField(max_length=50, null=True, blank=True, help_text="What the job made of it")

    def __str__(self) -> str:
        return f"{self.lead_id} of {self.job_id}"
