"""Webhooks: which addresses a team has named, and what is still to be sent to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models.team import Team
from common.db.models import Timestamped, UUIDModel
from common.db.work import Claimed, LeasedQuerySet

URL_MAX = 500  # characters


class WebhookEndpoint(UUIDModel, Timestamped, Claimed):
    """Answers: where does this team want to hear of which events, and does the address take them?

    A worker takes the endpoint, not a delivery: one request at a time goes to an address, and one that is slow holds
    nobody but itself.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="webhooks", db_index=False, help_text="Whose it is")
    url = models.CharField("URL", max_length=URL_MAX, help_text="Where events are posted")
    events = ArrayField(models.CharField(max_length=40), help_text="Which events are sent")
    secret = models.TextField(help_text="What signs, encrypted under SECRET_KEY")
    old_secret = models.TextField(blank=True, help_text="The one before, encrypted: signs as well for a day")
    old_secret_until = models.DateTimeField(null=True, blank=True, help_text="Until when the one before signs")
    is_on = models.BooleanField("on", default=True, db_default=True, help_text="Whether events are kept for it")
    reason = models.CharField("problem", max_length=300, blank=True, help_text="Why it was turned off by itself")
    taken_at = models.DateTimeField(null=True, blank=True, help_text="When a worker last took it")
    answered_at = models.DateTimeField("last delivery", null=True, blank=True, help_text="When it last took an event")
    forgotten_to = models.BigIntegerField(
        default=0, db_default=0, help_text="The highest sequence number among its deliveries that were cleared away"
    )

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        constraints = [
            models.UniqueConstraint(fields=["team", "url"], name="webhook_once_per_team"),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="webhook_has_events"),
            models.CheckConstraint(condition=~Q(secret=""), name="webhook_has_secret"),
            models.CheckConstraint(
                condition=Q(old_secret="") | Q(old_secret_until__isnull=False), name="webhook_old_secret_ends"
            ),
            models.CheckConstraint(
                condition=Q(token__isnull=True) | Q(lease_until__isnull=False), name="webhook_taken_has_lease"
            ),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(UUIDModel):
    """Answers: which event is still to be sent to which address, and how did it go? The row is the queue.

    Its id is the `webhook-id` of every try. sequence: rises by one with each event of an object at an endpoint.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    endpoint = models.ForeignKey(
        WebhookEndpoint,
        models.CASCADE,
        related_name="deliveries",
        db_index=False,
        verbose_name="webhook",
        help_text="Where it goes",
    )
    event = models.CharField(max_length=40, help_text="What happened, such as run.completed")
    object_id = models.CharField("object", max_length=64, help_text="The id of what it happened to")
    sequence = models.BigIntegerField(help_text="Its number among the events of this object, from 1")
    once = models.CharField(
        max_length=150, blank=True, help_text="Names an event that a sweep finds more than once and sends once"
    )
    data = models.JSONField(help_text="Ids, states and amounts; never a contact, a name or a note")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, help_text="How far it is")
    attempts = models.PositiveIntegerField("tries", default=0, db_default=0, help_text="Tries so far")
    not_before = models.DateTimeField("next try", help_text="Not to be tried before")
    give_up_at = models.DateTimeField(help_text="After this a try that fails is the last")
    tried_at = models.DateTimeField("last try", null=True, blank=True, help_text="When it was last tried")
    response_status = models.PositiveSmallIntegerField(
        "response", null=True, blank=True, help_text="HTTP status of the last answer; empty: none came"
    )
    error = models.CharField("problem", max_length=200, blank=True, help_text="Why the last try did not work")
    created_at = models.DateTimeField(help_text="When it happened")

    class Meta:
        verbose_name, verbose_name_plural = "webhook delivery", "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "object_id", "sequence"], name="delivery_one_sequence"),
            models.UniqueConstraint(fields=["endpoint", "once"], condition=~Q(once=""), name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "delivered", "failed"]), name="delivery_status_known"
            ),
            models.CheckConstraint(condition=Q(sequence__gt=0), name="delivery_sequence_positive"),
            models.CheckConstraint(condition=Q(give_up_at__gt=F("created_at")), name="delivery_given_time"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "not_before", "id"], condition=Q(status="queued"), name="delivery_queued"),
            models.Index(fields=["endpoint", "-id"], name="delivery_by_endpoint"),
            models.Index(fields=["id"], condition=Q(status__in=["delivered", "failed"]), name="delivery_over"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.sequence}"
