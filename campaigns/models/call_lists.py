"""Call lists: campaigns that callers work, with a page of their own; and who is being put on them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from campaigns.models.campaigns import Campaign
from common.db.models import UUIDModel
from common.db.work import Leased, LeasedQuerySet
from leads.querysets import TeamQuerySet


class CallLists(models.Manager.from_queryset(TeamQuerySet["CallList"])):  # type: ignore[misc]  # made at run time
    """Campaigns of calls alone."""

    def get_queryset(self) -> models.QuerySet[CallList]:
        rows: models.QuerySet[CallList] = super().get_queryset()
        return rows.filter(channel=Campaign.Channel.CALL)


class CallList(Campaign):
    """Answers: which people do callers call, one by one? Its rows are the campaigns' whose channel is calls."""

    objects: ClassVar[Any] = CallLists()

    class Meta:
        proxy = True
        verbose_name = "call list"


class ListFill(UUIDModel, Leased):
    """Answers: which leads are being put on this call list, and how far is that?

    Until `finished_at` or `error` is set, the row is a worker's work: the leads from `done` on. `done` changes in the
    transaction that adds the people of the leads it passes. lead_ids is emptied when it is over.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="fills", help_text="Which list")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked for it: a user's id")
    priority = models.CharField(max_length=6, help_text="Which value calls first: equity, value, oldest")
    lead_ids = ArrayField(models.UUIDField(), default=list, help_text="The leads, in the order of the list")
    leads = models.PositiveIntegerField(default=0, help_text="How many they are")
    done = models.PositiveIntegerField(default=0, help_text="Leads that were looked at")
    with_phone = models.PositiveIntegerField(default=0, help_text="Of these: with a number")
    people = models.PositiveIntegerField(default=0, help_text="Of these: added, an owner and a number once")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times a worker began, since the last one went on")
    error = models.CharField(max_length=300, blank=True, help_text="Why it could not be finished, in words")
    at = models.DateTimeField(help_text="Since when they wait, by the campaigns' clock")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was asked for")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When all of them were looked at")

    objects = LeasedQuerySet.as_manager()

    AT_WORK = Q(finished_at__isnull=True, error="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(finished_at__isnull=True, error=""), name="list_fill_one_at_work"
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("leads"), with_phone__lte=F("done"), people__lte=F("with_phone")),
                name="list_fill_counts_fit",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(done=F("leads")), name="list_fill_finished_is_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.done} of {self.leads}"

    @property
    def is_at_work(self) -> bool:
        """Whether leads are still to be added."""
        return self.finished_at is None and not self.error

    @property
    def no_phone(self) -> int:
        return self.done - self.with_phone

    @property
    def same_owner(self) -> int:
        """Left out because somebody with their owner or number is on the list."""
        return self.with_phone - self.people
