"""Requests that may be repeated under a key."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class IdempotentRequest(models.Model):
    """Answers: has this user sent this request before, and what was the answer? Forgotten after a day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who sent it"
    )
    key = models.CharField(max_length=200, help_text="Its Idempotency-Key")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, address and body")
    status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="HTTP status of the answer; empty: it is at work, or died with its process"
    )
    body = models.TextField(blank=True, help_text="The answer as it was sent")
    created_at = models.DateTimeField(help_text="When it first came")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotent_request_once")]

    def __str__(self) -> str:
        return f"Request of user {self.user_id}"
