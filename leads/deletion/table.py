"""Buckets that are deleted, while their leads still are in the table."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.db.work import Leased, LeasedQuerySet


class BucketDeletion(Leased):
    """Answers: which buckets are deleted, and how many of their leads has PostgreSQL still to delete?

    From the commit that makes this row on nobody sees the bucket, its leads, searches or imports (`Lead.objects`,
    `Bucket.objects` leave them out), and none is added: `leads_inserted()` refuses it. The row goes with the bucket's,
    when its last lead has gone. The table is empty but for some minutes, so that asking it costs next to nothing.
    """

    bucket_id = models.UUIDField(primary_key=True, help_text="Which bucket: its table is a room's above")
    at = models.DateTimeField(auto_now_add=True, help_text="When it was deleted")
    leads = models.PositiveIntegerField(help_text="Leads that it had")
    done = models.PositiveIntegerField(default=0, help_text="Leads deleted so far, hidden ones too")
    after = models.UUIDField(null=True, help_text="The last of them: they go in the order of their ids")
    stopped = ArrayField(models.UUIDField(), default=list, help_text="Its runs for which a request may still be out")

    objects = LeasedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.done:,} of {self.leads:,} leads deleted"
