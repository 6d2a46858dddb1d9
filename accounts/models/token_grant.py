"""What an API token may do, beside what its user may."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models.team import Team


class TokenGrant(models.Model):
    """Answers: what is this token for, in which team, from where, and when was it last used?

    A token without a grant is older than grants: it may do what its user may in her own team.
    """

    token = models.OneToOneField(
        "knox.AuthToken", models.CASCADE, primary_key=True, related_name="grant", help_text="Which token"
    )
    team = models.ForeignKey(
        Team, models.CASCADE, null=True, related_name="+", help_text="In which team; empty: in her own"
    )
    name = models.CharField(max_length=100, help_text="What its owner calls it")
    scopes = ArrayField(
        models.CharField(max_length=10),
        null=True,
        blank=True,
        help_text="read write contacts buy export campaign manage; empty: whatever its user may do",
    )
    addresses = ArrayField(
        models.CharField(max_length=50), default=list, blank=True, help_text="IP addresses or networks it works from"
    )
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="When it last asked, to the minute")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="token_grant_has_name")]

    def __str__(self) -> str:
        return self.name
