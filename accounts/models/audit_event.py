"""Who did what, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.actions import ACTIONS, MONEY
from common.db.models import UUIDModel

if TYPE_CHECKING:
    from accounts.access import Access


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def seen_by(self, access: Access) -> AuditQuerySet:
        """Superusers see all, managers what happened in their team, operators what happened to vendors and money."""
        if access.user.is_superuser:
            return self
        seen = Q(pk__in=[])
        if access.can("manage"):
            seen |= Q(team_id=access.team_id)
        if access.user.is_operator:
            seen |= Q(action__in=MONEY)
        return self.filter(seen)


class AuditEvent(UUIDModel):
    """Answers: who did what to which object, when, from where, and what was it before? Append-only.

    It outlives what it tells of, so it names everything by id and by name, holds no foreign key, and no contact and no
    note's text. The database refuses to change it (migration 0012). Partitioned by month on its id, which is a UUIDv7:
    `accounts.audit` has the writer.
    """

    at = models.DateTimeField(help_text="When")
    team_id = models.BigIntegerField(null=True, blank=True, help_text="In which team; empty: the installation's")
    user_id = models.BigIntegerField(null=True, blank=True, help_text="Who; empty: nobody signed in, or a worker")
    user_name = models.CharField(max_length=150, blank=True, help_text="Their user name at that time")
    token_key = models.CharField(max_length=8, blank=True, help_text="The beginning of the API token")
    address = models.GenericIPAddressField(null=True, blank=True, help_text="From which address")
    request_id = models.CharField(max_length=64, blank=True, help_text="Of the request, as in the access log")
    action = models.CharField(max_length=60, help_text="What, such as run.started")
    kind = models.CharField(max_length=60, blank=True, help_text="What it was done to, such as run")
    object_id = models.CharField(max_length=64, blank=True, help_text="Its id")
    object_name = models.CharField(max_length=200, blank=True, help_text="What it was called; never a person's contact")
    before = models.JSONField(null=True, blank=True, help_text="Values before, by field")
    after = models.JSONField(null=True, blank=True, help_text="Values after, and counts, by field")

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = "audit event", "audit log"
        indexes = [
            models.Index(fields=["team_id", "id"], name="audit_by_team"),
            models.Index(fields=["user_id", "id"], name="audit_by_user"),
            models.Index(fields=["action", "id"], name="audit_by_action"),
            models.Index(fields=["object_id", "id"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        words = ACTIONS.get(self.action, self.action)
        return f"{words} by {self.user_name}" if self.user_name else words
