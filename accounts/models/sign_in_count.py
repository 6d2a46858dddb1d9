"""Failed sign-ins, counted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SignInCount(models.Model):
    """Answers: how many sign-ins have failed in this hour for this name, from this address, for both together?

    A row with a name alone counts an account, one with an address alone an address, one with both the pair.
    """

    name = models.CharField(
        max_length=150, blank=True, help_text="An account's user name; in small letters, where there is no such account"
    )
    address = models.GenericIPAddressField(null=True, blank=True, help_text="The client's address")
    failures = models.PositiveIntegerField(help_text="Since began_at")
    began_at = models.DateTimeField(help_text="When the hour began, at its first failure")
    last_at = models.DateTimeField(help_text="The latest attempt")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "address"], name="sign_in_count_once", nulls_distinct=False),
            models.CheckConstraint(condition=~Q(name="") | Q(address__isnull=False), name="sign_in_count_of_something"),
        ]

    def __str__(self) -> str:
        return " from ".join(part for part in (self.name, self.address) if part)
