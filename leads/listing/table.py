"""Tables of the list of leads: the team's saved views, and the columns a person has chosen for a preset."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.team_triggers import team_of_owner
from common.contact_access import told
from common.db.models import Timestamped, UUIDModel
from leads.querysets import SavedViewQuerySet


class SavedView(UUIDModel, Timestamped):
    """Answers: which filters of the list of leads does this person, or the whole team, use again and again?"""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Who made it")
    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose view it is"
    )
    name = models.CharField(max_length=50, help_text="What they call it")
    query = models.CharField(max_length=1000, help_text="The filters, as the list's address carries them")
    shared = models.BooleanField(
        default=True, db_default=True, help_text="Whether the team sees it, or its owner alone"
    )
    position = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Its place among the tabs")
    columns = models.JSONField(null=True, blank=True, help_text="Its columns in order; null: the usual ones")

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("team", Lower("name"), condition=Q(shared=True), name="view_once_per_team"),
            models.UniqueConstraint(
                "team", "owner", Lower("name"), condition=Q(shared=False), name="view_once_per_owner"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_name"),
        ]
        triggers = [team_of_owner()]

    def __str__(self) -> str:
        return str(told(self.name))


class ColumnChoice(models.Model):
    """Answers: which columns, in which order, does this person want where the list shows a preset, and how many rows a
    page, there and where it shows a saved view, whose columns are its own?
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Whose choice it is"
    )
    preset = models.CharField(max_length=36, help_text="Which preset (leads.selection.presets), or a saved view's id")
    columns = models.JSONField(null=True, blank=True, help_text="Its columns in order; null: the usual ones")
    size = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Rows of a page; null: the usual 50")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "preset"], name="columns_once_per_preset")]

    def __str__(self) -> str:
        return f"{self.preset} of {self.user_id}"
