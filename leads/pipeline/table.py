"""A team's own words for how far a lead has come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.contact_access import told
from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet

STATUSES = ("new", "contacted", "qualified", "closed", "lost")  # of a lead; every rule reads these five alone


class StatusLabel(UUIDModel, Timestamped):
    """Answers: what does this team call a lead that has come this far?

    A label is under one of the five statuses for good: what a lead's status was is never changed by renaming a label.
    One that is retired is offered no more; leads that have it still say it.
    """

    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose label it is"
    )
    status = models.CharField(max_length=10, help_text="Under which of the five statuses")
    name = models.CharField(max_length=40, help_text="What the team calls it")
    color = models.CharField(max_length=7, default="#6b7280", help_text="#rrggbb")
    position = models.PositiveSmallIntegerField(default=0, help_text="Its place among those of its status, from 0")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is offered no more")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "status label"
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="status_label_once_per_team"),
            models.CheckConstraint(condition=~Q(name=""), name="status_label_has_name"),
            models.CheckConstraint(condition=Q(status__in=STATUSES), name="status_label_status_known"),
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9a-fA-F]{6}$"), name="status_label_color_is_hex"),
        ]

    def __str__(self) -> str:
        return str(told(self.name))
