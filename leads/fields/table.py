"""A team's own facts of its leads."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.contact_access import told
from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet


class CustomField(UUIDModel, Timestamped):
    """Answers: what else does this team keep of its leads, and what may stand there?

    `key` names it in `Lead.custom`, in filters and in the API, and stays when the field is renamed; so does its kind.
    A field that is retired is offered no more; what leads hold of it stays, and so does its key.
    """

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        CHOICE = "choice", "Choice"
        YES_NO = "yesNo", "Yes or no"

    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose field it is"
    )
    key = models.CharField(max_length=40, help_text="Its name in filters and in the API: askingPrice")
    name = models.CharField(max_length=50, help_text="What the team calls it")
    kind = models.CharField(max_length=6, choices=Kind, help_text="What it holds")
    choices = models.JSONField(default=list, blank=True, help_text="Of a choice: what may be chosen, in this order")
    position = models.PositiveSmallIntegerField(default=0, help_text="Its place on a lead's page, from 0")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is offered no more")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "custom field"
        constraints = [
            models.UniqueConstraint(fields=["team", "key"], name="custom_field_key_once"),
            models.UniqueConstraint("team", Lower("name"), name="custom_field_once_per_team"),
            models.CheckConstraint(condition=~Q(name=""), name="custom_field_has_name"),
            models.CheckConstraint(condition=Q(key__regex=r"^[a-z][a-zA-Z0-9]*$"), name="custom_field_key_is_word"),
            models.CheckConstraint(
                condition=Q(kind__in=["text", "number", "date", "choice", "yesNo"]), name="custom_field_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return str(told(self.name))
