"""Named containers of leads, and the search that filled them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from config.common.models import Timestamped, UUIDModel
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
    name = models.CharField(max_length=200, help_text="Display name")
    description = models.CharField(max_length=2000, blank=True, help_text="The owner's notes")
    source = models.CharField(
        max_length=12, choices=Source, default=Source.REAL_ESTATE, help_text="Where its ids are from"
    )
    filters = models.JSONField(default=dict, blank=True, help_text="The search that found its leads")
    signals = models.JSONField(default=dict, blank=True, help_text="Distress signal counts at the time of the search")
    total_leads = models.PositiveIntegerField(default=0, help_text="Leads in it")
    enriched_leads = models.PositiveIntegerField(default=0, help_text="Leads with a phone")
    queued_leads = models.PositiveIntegerField(default=0, help_text="Leads waiting in a run")
    contacted_leads = models.PositiveIntegerField(default=0, help_text="Leads somebody contacted")
    enrichment_status = models.CharField(
        max_length=12, choices=Enrichment, default=Enrichment.PENDING, help_text="Whether a run is at work on it"
    )
    enrichment_progress = models.JSONField(
        default=dict, blank=True, help_text="The latest run: {total, processed, successful}"
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
                & Q(contacted_leads__lte=F("total_leads")),
                name="bucket_counts_within_total",
            ),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="bucket_by_owner")]

    def __str__(self) -> str:
        return self.name


class Fill(UUIDModel, Timestamped):
    """Answers: how far has saving a search's ids into a bucket come?

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
    criteria = models.JSONField(help_text="The search, in the vendor's own filter names")
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Stop after this many ids; empty: all")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, help_text="How far it is")
    pending_slices = models.JSONField(default=list, blank=True, help_text="What is still to be fetched")
    found = models.PositiveIntegerField(null=True, blank=True, help_text="What the vendor said the search finds")
    fetched = models.PositiveIntegerField(default=0, help_text="Ids the vendor gave")
    saved = models.PositiveIntegerField(default=0, help_text="Ids that were new to the bucket")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Failures in a row")
    not_before = models.DateTimeField(null=True, blank=True, help_text="Not to be tried again before")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A worker has it until")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed or waits, in words")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "completed", "failed"]), name="fill_status_known"
            ),
            models.CheckConstraint(condition=Q(saved__lte=F("fetched")), name="fill_saved_within_fetched"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(status__in=["queued", "running"]), name="fill_open")]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.saved} of {self.found if self.found is not None else '?'}"
