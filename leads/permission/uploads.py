"""Files of suppressions, consents and registry checks: their rows in, added, known and refused."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from common.db.models import Timestamped, UUIDModel
from common.db.work import Leased, LeasedQuerySet


class Upload(UUIDModel, Timestamped, Leased):
    """Answers: what did this file bring, and how far is it? rows = added + known + refused once it is done.

    Resumable: a piece of the file is deleted in the transaction that writes its rows and these counts. Columns, list,
    SAN, version date, acknowledgement: `options`. hits of leads: at the preview, by which a slip shows.
    """

    class Kind(models.TextChoices):
        SUPPRESSIONS = "suppressions", "Suppressions"
        CONSENTS = "consents", "Consents"
        SCRUB = "scrub", "Registry check"

    class Status(models.TextChoices):
        READING = "reading", "Being read"
        PREVIEWED = "previewed", "Waits for you"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    seller = models.ForeignKey(
        "leads.Seller", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Consents and checks: of"
    )
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who uploaded it: a user's id")
    kind = models.CharField(max_length=12, choices=Kind, help_text="What its rows are")
    file_name = models.CharField(max_length=200, help_text="What the file was called")
    options = models.JSONField(default=dict, blank=True, help_text="What was said of it, and its examples")
    status = models.CharField(max_length=10, choices=Status, default=Status.READING, help_text="How far it is")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Workers that died over it")
    after = models.PositiveBigIntegerField(default=0, help_text="Rows read")
    rows = models.PositiveBigIntegerField(default=0, help_text="Rows in it")
    added = models.PositiveBigIntegerField(default=0, help_text="New ones")
    known = models.PositiveBigIntegerField(default=0, help_text="Known before")
    refused = models.PositiveBigIntegerField(default=0, help_text="Not usable; each with line and reason")
    hits = models.PositiveBigIntegerField(default=0, help_text="Leads of the installation that they concern")
    leads = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Leads of the installation there were")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed, in words")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = "list"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["suppressions", "consents", "scrub"]), name="upload_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["reading", "previewed", "running", "completed", "failed"]),
                name="upload_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(rows=F("added") + F("known") + F("refused")),
                name="upload_counts_every_row",
            ),
            models.CheckConstraint(
                condition=Q(kind="suppressions") | Q(seller__isnull=False), name="upload_names_its_seller"
            ),
        ]
        indexes = [models.Index(fields=["team", "-id"], name="upload_by_team")]

    def __str__(self) -> str:
        return self.file_name


class UploadPiece(models.Model):
    """Answers: which rows of a file are still to be written? Deleted in the transaction that writes them."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="pieces", db_index=False, help_text="Whose rows")
    number = models.PositiveIntegerField(help_text="Its place in the file, from 0")
    first_line = models.PositiveIntegerField(help_text="The line of the file it begins in")
    content = models.BinaryField(help_text="The rows, as UTF-8 by zlib")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="upload_piece_once")]

    def __str__(self) -> str:
        return f"Piece {self.number} of {self.upload_id}"


class RefusedRow(models.Model):
    """Answers: which row of a file was not used, and why? By its line alone: no contact is kept of it."""

    upload = models.ForeignKey(
        Upload, models.CASCADE, related_name="refused_rows", db_index=False, help_text="Of which file"
    )
    line = models.PositiveIntegerField(help_text="Line of the file, from 1")
    reason = models.CharField(max_length=200, help_text="Why")

    class Meta:
        indexes = [models.Index(fields=["upload", "id"], name="refused_row_by_upload")]

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


class Withdrawal(UUIDModel):
    """Answers: which uploaded suppression list was a mistake, and why? Append-only, within 30 days of the upload; its
    rows (`upload:<id>`) count no longer.
    """

    upload = models.OneToOneField(Upload, models.PROTECT, related_name="withdrawal", help_text="Which list")
    reason = models.CharField(max_length=300, help_text="Why")
    by_id = models.BigIntegerField(null=True, help_text="Who: a user's id")
    created_at = models.DateTimeField(help_text="When")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="withdrawal_has_reason")]

    def __str__(self) -> str:
        return f"{self.upload_id} since {self.created_at:%Y-%m-%d}"
