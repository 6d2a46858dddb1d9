"""Named containers of leads, and the search that filled them."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.access import Access, team_of
from accounts.team_triggers import team_of_owner
from common.contact_access import told
from common.db.models import Timestamped, UUIDModel
from common.db.work import Deferred, Leased, LeasedQuerySet, WorkQuerySet
from leads.querysets import OfNoDeletedBucket, TeamQuerySet


def _looking(access: Access) -> Q:
    return Q(team_id=None if access.only_assigned else access.team_id)  # none where she is in no team


class BucketQuerySet(TeamQuerySet["Bucket"]):
    def shared_with(self, access: Access) -> Self:
        """Other teams' buckets that hers may look into; a caller sees the leads assigned to her alone."""
        shares = BucketShare.objects.filter(_looking(access))
        return self.filter(pk__in=shares.values("bucket"))

    def looked_into_by(self, access: Access) -> Self:
        """Her team's buckets, and those shared with it."""
        shares = BucketShare.objects.filter(_looking(access))
        return self.filter(Q(team_id=access.team_id) | Q(pk__in=shares.values("bucket")))


class _Buckets(OfNoDeletedBucket["Bucket"]):
    lookup = "pk"


Buckets = _Buckets.from_queryset(BucketQuerySet)
Fills = OfNoDeletedBucket.from_queryset(WorkQuerySet)
Imports = OfNoDeletedBucket.from_queryset(LeasedQuerySet)


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
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="buckets", db_index=False, help_text="Who made it"
    )
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
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

    objects = Buckets()

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
        indexes = [models.Index(fields=["team", "-id"], name="bucket_by_team")]
        triggers = [team_of_owner()]

    def __str__(self) -> str:
        return str(told(self.name))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new one that names no team is of its owner's own."""
        if self.team_id is None:
            self.team_id = team_of(self.owner)
        super().save(*args, **kwargs)


class BucketShare(models.Model):
    """Answers: which other team may look into this bucket? It changes nothing there, and buys nothing."""

    bucket = models.ForeignKey(
        Bucket, models.CASCADE, related_name="shares", db_index=False, help_text="What is shared"
    )
    team = models.ForeignKey("accounts.Team", models.CASCADE, related_name="+", help_text="Who may look into it")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="Who shared it"
    )
    created_at = models.DateTimeField(auto_now_add=True, help_text="When")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "team"], name="bucket_shared_once")]

    def __str__(self) -> str:
        return f"{self.bucket} with {self.team}"


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
    left_out = models.PositiveIntegerField(
        default=0,
        db_default=0,
        verbose_name="left out as possibly the same",
        help_text="Leads of a combination that may be on a list it excludes: same house, other unit or spelling",
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, verbose_name="failures in a row", help_text="Failures in a row"
    )
    error = models.CharField(max_length=300, blank=True, verbose_name="problem", help_text="Why it failed or waits")
    once = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="The press of a button that asked for it"
    )

    objects = Fills()

    class Meta:
        verbose_name, verbose_name_plural = "source", "sources"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "completed", "failed"]), name="fill_status_known"
            ),
            models.CheckConstraint(condition=Q(saved__lte=F("fetched")), name="fill_saved_within_fetched"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(status__in=["queued", "running"]), name="fill_open")]

    @property
    def combination(self) -> str:
        """The buckets it copies, as the parameters of an address; "" of a search."""
        named = {name: ",".join(ids) for name, ids in (self.sets or {}).items() if ids}
        return urlencode(named, safe=",")

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
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        help_text="Who confirmed its columns, and is told of its end",
    )  # fmt: skip
    file_name = models.CharField(max_length=200, help_text="What the person called the file")
    size = models.PositiveBigIntegerField(help_text="Bytes of the file")
    encoding = models.CharField(max_length=20, help_text="How its characters are written")
    delimiter = models.CharField(max_length=1, help_text="What stands between two cells")
    header_row = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Which row has the names of the columns"
    )
    columns = models.JSONField(help_text="The names in its header row, in order")
    total = models.PositiveIntegerField(help_text="Rows below the header")
    mapping = models.JSONField(default=dict, blank=True, help_text="Which column (from 0) holds which field")
    constants = models.JSONField(default=dict, blank=True, help_text="Fields that are the same for every row")
    update = models.BooleanField(
        default=False, db_default=False, help_text="Rows change the leads that are there already"
    )
    keep_other_columns = models.BooleanField(
        default=False, db_default=False, help_text="Columns that no field holds are kept on the lead"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.UPLOADED, help_text="How far it is")
    read = models.PositiveIntegerField(default=0, help_text="Rows dealt with")
    new = models.PositiveIntegerField(default=0, help_text="Rows that became a lead")
    already_there = models.PositiveIntegerField(default=0, help_text="Rows whose lead was there, or came twice")
    updated = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of the rows whose lead was there, those that changed it"
    )
    skipped = models.PositiveIntegerField(default=0, help_text="Rows without any text")
    failed = models.PositiveIntegerField(default=0, help_text="Rows that name no property; kept with the reason")
    removed = models.PositiveIntegerField(default=0, verbose_name="undone", help_text="Leads that undoing it deleted")
    kept = models.JSONField(default=dict, blank=True, help_text="Leads that undoing it left, by reason")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that took it and stored nothing")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed, in words")

    objects = Imports()

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
            models.CheckConstraint(condition=Q(updated__lte=F("already_there")), name="import_updated_within_there"),
            models.CheckConstraint(condition=Q(removed__lte=F("new")), name="import_removed_within_new"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=["queued", "running", "undoing"]), name="import_open")
        ]

    def __str__(self) -> str:
        return f"{told(self.file_name)}: {self.get_status_display()}"


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


class ImportedChange(models.Model):
    """Answers: what did an import that updates change of a lead that was there? Read once, by undoing it."""

    lead = models.ForeignKey(
        "leads.Lead", models.CASCADE, db_index=False, related_name="+", help_text="The lead it changed"
    )
    job = models.ForeignKey(
        Import, models.CASCADE, db_index=False, related_name="changes", help_text="The import that changed it"
    )
    before = models.JSONField(help_text="The columns as they were: {column: value}")
    after = models.JSONField(help_text="The columns as the import left them: {column: value}")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "lead"], name="import_change_once")]
        indexes = [models.Index(fields=["lead"], name="import_change_of_lead")]


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
