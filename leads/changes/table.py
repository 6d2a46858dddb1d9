"""Which leads were changed, deleted or merged, statement by statement."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class Change(models.Model):
    """Answers: which leads of a team did this transaction touch? Written in it by triggers (migration 0050), so that no
    way of changing a lead is left out; an id stands here, and nothing of a person.

    A row is a statement's: new leads are a bucket's ids from `first` to `last`, others are listed in `ids`, in their
    order, 1,000 a row. What happened is not said: a lead that is there no more was deleted or merged.
    """

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(
        "accounts.Team",
        models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,  # a check less for each change of a lead; a deleted team's rows go by their age
        help_text="Whose leads",
    )
    xid = models.BigIntegerField(help_text="The transaction: rows are told in this order, once every older one is over")
    at = models.DateTimeField(help_text="When the statement ran, by the database's clock")
    first = models.UUIDField(help_text="The lowest id")
    last = models.UUIDField(help_text="The highest id")
    bucket_id = models.UUIDField(null=True, help_text="Of new leads: whose all ids in between are meant")
    ids = ArrayField(models.UUIDField(), null=True, help_text="Those that were touched; empty: see the bucket")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ids__isnull=True, bucket_id__isnull=False) | Q(ids__isnull=False, bucket_id__isnull=True),
                name="change_names_its_leads",
            ),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="change_in_order"),
        ]
        indexes = [
            models.Index(fields=["team", "xid", "id"], name="change_in_turn"),
            models.Index(fields=["team", "at"], include=["xid"], name="change_by_time"),
        ]

    def __str__(self) -> str:
        return f"Transaction {self.xid}"
