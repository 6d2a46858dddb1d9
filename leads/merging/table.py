"""What became of two leads that turned out to be one property."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common.db.models import UUIDModel


class Merge(UUIDModel):
    """Answers: which lead of a bucket stands for which other one, why, what did that change, and is it undone?

    A row that was taken apart by a person stays: the sweep does not merge the two again.
    """

    class State(models.TextChoices):
        MERGED = "merged", "Merged"
        APART = "apart", "Kept apart"

    class Why(models.TextChoices):
        PROPERTY_ID = "property_id", "Same RealEstateAPI id"
        APN = "apn", "Same parcel number in the same county"

    older = models.ForeignKey(
        "leads.Lead", models.CASCADE, db_index=False, related_name="+", help_text="The lead that is shown"
    )
    younger = models.ForeignKey(
        "leads.Lead", models.CASCADE, related_name="+", help_text="The lead that is hidden while they are merged"
    )
    state = models.CharField(max_length=6, choices=State, default=State.MERGED, help_text="Merged, or kept apart")
    why = models.CharField(max_length=11, choices=Why, help_text="What tells that they are one property")
    merged_at = models.DateTimeField(help_text="When they were merged last")
    parted_at = models.DateTimeField(null=True, blank=True, help_text="When a person separated them")
    parted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Who separated them",
    )
    before = models.JSONField(default=dict, help_text="Columns of the older as they were: {column: value}")
    after = models.JSONField(default=dict, help_text="The same columns as the merge left them: {column: value}")
    tags = models.JSONField(default=list, help_text="Ids of the tags that the older got")
    names = models.JSONField(default=list, help_text="Names that moved: [exact, loose, bare, source, new]")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["older", "younger"], name="merge_once"),
            models.UniqueConstraint(fields=["younger"], condition=Q(state="merged"), name="merge_into_one"),
            models.CheckConstraint(condition=Q(state__in=["merged", "apart"]), name="merge_state_known"),
            models.CheckConstraint(condition=Q(why__in=["property_id", "apn"]), name="merge_why_known"),
            models.CheckConstraint(condition=~Q(older=F("younger")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.younger_id} and {self.older_id}"
