"""Named containers of leads, and the search that filled them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common.db.models import Timestamped, UUIDModel
from common.db.work import Deferred, Leased, LeasedQuerySet, WorkQuerySet
from leads.querysets import OwnedQuerySet


class Bucket(UUIDModel, Timestamped):
    """Answers: which leads did this user put aside together, why, and how far has working them come?

    The counters change in the transaction that changes the leads they count; `recount_buckets` proves or mends them.
    """

    class Source(models.TextChoices):
        REAL_ESTATE = "real-estate", "RealEstateAPI"
        APOLLO = "apollo", "Apollo"
        MIXED = "mixed", "Mixed"

    class Enrichment(models.TextChoices):
        PENDING = "pending", "Not started"
        PROCESSING = "processing", "Processing"
        COMPLETED = "completed", "Completed"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="buckets", db_index=False, help_text="Who may see it"
    )
    name = models.CharField(max_length=200, help_text="What you call it")
    description = models.CharField(max_length=2000, blank=True, verbose_name="notes", help_text="Your own notes")
    source = models.CharField(
        max_length=12, choices=Source, default=Source.REAL_ESTATE, help_text="Where its ids are from"
    )
    filters = models.JSONField(default=dict, blank=True, help_text="The search that found its leads")
    signals = models.JSONField(default=dict, blank=True, help_text="Distress signal counts at the time of the search")
    total_leads = models.PositiveIntegerField(default=0, verbose_name="leads", help_text="Leads in it")
    enriched_leads = models.PositiveIntegerField(default=0, help_text="Leads with a phone whose enrichment is complete")
    queued_leads = models.PositiveIntegerField(
        default=0, verbose_name="waiting in a job", help_text="Leads waiting in an enrichment job"
    )
    contacted_leads = models.PositiveIntegerField(
        default=0, verbose_name="contacted", help_text="Leads somebody contacted"
    )
    detailed_leads = models.PositiveIntegerField(
        default=0, db_default=0, verbose_name="with property data", help_text="Leads whose property data was purchased"
    )
    phone_leads = models.PositiveIntegerField(
        default=0, db_default=0, verbose_name="with a phone", help_text="Leads with a phone, wherever it is from"
    )
    enrichment_status = models.CharField(
        max_length=12,
        choices=Enrichment,
        default=Enrichment.PENDING,
        verbose_name="enrichment",
        help_text="Whether an enrichment job is running",
    )
    enrichment_progress = models.JSONField(
        default=dict,
        blank=True,
        verbose_name="progress",
        help_text="The latest enrichment job: {total, processed, successful}",
    )

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="bucket_has_name"),
            models.CheckConstraint(
                condition=Q(source__in=["real-estate", "apollo", "mixed"]), name="bucket_source_known"
            ),
            models.CheckConstraint(
                condition=Q(enrichment_status__in=["pending", "processing", "completed"]),
                name="bucket_enrichment_status_known",
            ),
            models.CheckConstraint(
                condition=Q(enriched_leads__lte=F("total_leads"))
                & Q(queued_leads__lte=F("total_leads"))
                & Q(contacted_leads__lte=F("total_leads"))
                & Q(detailed_leads__lte=F("total_leads"))
                & Q(phone_leads__lte=F("total_leads")),
                name="bucket_counts_within_total",
            ),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="bucket_by_owner")]

    def __str__(self) -> str:
        return self.name


class Fill(UUIDModel, Timestamped, Leased, Deferred):
    """Answers: how far has saving a search's ids, or a combination of other buckets, into a bucket come?

    The vendor gives at most 10,000 ids a request and no page beyond, so a wide search is cut into slices by a numeric
    range (`pending_slices`, a stack of criteria). The stack is written in the transaction that stores the ids of the
    slice it drops, so a fill that is killed goes on where it stopped.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"

    bucket = models.ForeignKey(Bucket, models.CASCADE, related_name="fills", help_text="The bucket it fills")
    criteria = models.JSONField(
        default=dict, blank=True, verbose_name="search", help_text="The search, in the vendor's own filter names"
    )
    sets = models.JSONField(
        null=True,
        blank=True,
        verbose_name="combination",
        help_text="Instead of a search: the buckets it copies, {allOf, anyOf, noneOf}",
    )
    limit = models.PositiveIntegerField(
        null=True, blank=True, verbose_name="limit", help_text="Most ids to save; empty: all"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, help_text="How far it is")
    pending_slices = models.JSONField(default=list, blank=True, help_text="What is still to be saved")
    found = models.PositiveIntegerField(null=True, blank=True, verbose_name="found", help_text="Ids the search has")
    fetched = models.PositiveIntegerField(default=0, verbose_name="read", help_text="Ids read so far")
    saved = models.PositiveIntegerField(default=0, verbose_name="new", help_text="Ids that were new to the bucket")
    attempts = models.PositiveSmallIntegerField(
        default=0, verbose_name="failures in a row", help_text="Failures in a row"
    )
    error = models.CharField(max_length=300, blank=True, verbose_name="problem", help_text="Why it failed or waits")
    once = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="The press of a button that asked for it"
    )

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = "source", "sources"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "completed", "failed"]), name="fill_status_known"
            ),
            models.CheckConstraint(condition=Q(saved__lte=F("fetched")), name="fill_saved_within_fetched"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(status__in=["queued", "running"]), name="fill_open")]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.saved} of {self.found if self.found is not None else '?'}"


class Import(UUIDModel, Timestamped, Leased):
    """Answers: how far has saving a person's own file into a bucket come, and what became of each of its rows?

    The file waits in PostgreSQL as pieces of whole rows, so that a worker on any host can take the next. A piece is
    deleted in the transaction that stores its rows: what is left of the file is what is left to do.
    """

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Waiting for you to confirm its columns"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    bucket = models.ForeignKey(Bucket, models.CASCADE, related_name="imports", help_text="The bucket it fills")
    file_name = models.CharField(max_length=200, help_text="What the person called the file")
    size = models.PositiveBigIntegerField(help_text="Bytes of the file")
    encoding = models.CharField(max_length=20, help_text="How its characters are written")
    delimiter = models.CharField(max_length=1, help_text="What stands between two cells")
    columns = models.JSONField(help_text="The names in its first row, in order")
    total = models.PositiveIntegerField(help_text="Rows below the header")
    mapping = models.JSONField(default=dict, blank=True, help_text="Which column (from 0) holds which field")
    constants = models.JSONField(default=dict, blank=True, help_text="Fields that are the same for every row")
    status = models.CharField(max_length=10, choices=Status, default=Status.UPLOADED, help_text="How far it is")
    read = models.PositiveIntegerField(default=0, help_text="Rows dealt with")
    new = models.PositiveIntegerField(default=0, help_text="Rows that became a lead")
    already_there = models.PositiveIntegerField(default=0, help_text="Rows whose lead was there, or came twice")
    skipped = models.PositiveIntegerField(default=0, help_text="Rows without any text")
    failed = models.PositiveIntegerField(default=0, help_text="Rows that name no property; kept with the reason")
    removed = models.PositiveIntegerField(default=0, verbose_name="undone", help_text="Leads that undoing it deleted")
    kept = models.JSONField(default=dict, blank=True, help_text="Leads that undoing it left, by reason")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that took it and stored nothing")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed, in words")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["uploaded", "queued", "running", "completed", "failed", "undoing", "undone"],
                ),
                name="import_status_known",
            ),
            models.CheckConstraint(
                condition=Q(read=F("new") + F("already_there") + F("skipped") + F("failed")), name="import_adds_up"
            ),
            models.CheckConstraint(condition=Q(read__lte=F("total")), name="import_read_within_total"),
            models.CheckConstraint(condition=Q(removed__lte=F("new")), name="import_removed_within_new"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=["queued", "running", "undoing"]), name="import_open")
        ]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.get_status_display()}"


class ImportPiece(models.Model):
    """Answers: which rows of a file are still to be dealt with? Deleted with the transaction that does."""

    job = models.ForeignKey(Import, models.CASCADE, related_name="pieces", db_index=False, help_text="Of which file")
    number = models.PositiveIntegerField(help_text="Order in the file, from 0")
    first_line = models.PositiveIntegerField(help_text="The file's line its first row begins in, from 1")
    content = models.BinaryField(help_text="Whole rows as UTF-8, compressed by zlib")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_piece_once")]


class ImportFailure(models.Model):
    """Answers: which rows of a file could not be used, where are they, and why?"""

    job = models.ForeignKey(Import, models.CASCADE, related_name="failures", db_index=False, help_text="Of which file")
    line = models.PositiveIntegerField(help_text="The file's line the row begins in, from 1")
    reason = models.CharField(max_length=200, help_text="What is wrong with it, in words")
    cells = models.JSONField(help_text="The row as it stands in the file")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "line"], name="import_failure_once")]


class ImportedLead(models.Model):
    """Answers: which leads did this import add? Read once, by undoing it.

    A table of its own: a column on the lead would be null for every lead that was found by a search, and its index
    would cost each of their inserts.
    """

    lead = models.OneToOneField(
        "leads.Lead", models.CASCADE, primary_key=True, related_name="imported", help_text="The lead it added"
    )
    job = models.ForeignKey(
        Import, models.CASCADE, related_name="leads", db_index=False, help_text="The import that added it"
    )

    class Meta:
        indexes = [models.Index(fields=["job", "lead"], name="imported_by_job")]
