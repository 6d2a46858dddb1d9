"""The addresses that e-mails leave from, the links in them, and who opened or clicked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.db.models import Timestamped, UUIDModel


class MailSender(UUIDModel, Timestamped):
    """Answers: from which address does this company send e-mail, may that domain be believed, and how much may leave in
    a day? Its address never changes: messages are named after its domain. Retired, never deleted.

    checks: {spf, dkim, dmarc: "ok", or what is wrong in words}, as the DNS said at `checked_at`. warm_up_from: the
    first day of its warm-up; empty: it is warm. daily_limit: e-mails a day once it is warm; empty: no limit.
    """

    seller = models.ForeignKey("leads.Seller", models.PROTECT, related_name="mail_senders", help_text="Whose it is")
    name = models.CharField(max_length=100, help_text="Who writes, as the recipient sees it")
    address = models.EmailField(help_text="jane@mail.example.com")
    dkim_selector = models.CharField(max_length=63, blank=True, help_text="Of the domain's DKIM record")
    checks = models.JSONField(default=dict, blank=True, help_text="What the DNS says: spf, dkim, dmarc")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the DNS was asked last")
    warm_up_from = models.DateField(null=True, blank=True, help_text="First day of its warm-up; empty: it is warm")
    daily_limit = models.PositiveIntegerField(null=True, blank=True, help_text="E-mails a day; empty: no limit")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is not used")

    class Meta:
        verbose_name, verbose_name_plural = "e-mail address", "e-mail addresses"
        constraints = [
            models.UniqueConstraint(
                Lower("address"), condition=Q(retired_at__isnull=True), name="mail_sender_address_once"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="mail_sender_has_name"),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


class Link(UUIDModel):
    """Answers: where does this link of a template lead? A click is sent there and nowhere else."""

    version = models.ForeignKey(
        "campaigns.TemplateVersion", models.CASCADE, related_name="links", db_index=False, help_text="Of which text"
    )
    url = models.CharField(max_length=2000, help_text="https://…")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "url"], name="link_once"),
            models.CheckConstraint(condition=Q(url__regex=r"^https?://"), name="link_is_a_web_address"),
        ]

    def __str__(self) -> str:
        return self.url


class Touch(models.Model):
    """Answers: was this e-mail opened (no link) or a link in it clicked, when, and by a person or a machine?"""

    class Kind(models.TextChoices):
        HUMAN = "human", "A person"
        UNKNOWN = "unknown", "Unknown"
        MACHINE = "machine", "A machine"

    delivery = models.ForeignKey(
        "campaigns.Delivery", models.CASCADE, related_name="touches", db_index=False, help_text="Which e-mail"
    )
    link = models.ForeignKey(
        Link, models.CASCADE, null=True, related_name="+", db_index=False, help_text="Which link; empty: it was opened"
    )
    at = models.DateTimeField(help_text="When, by the campaigns' clock")
    kind = models.CharField(max_length=7, choices=Kind, help_text="By whom")
    why = models.CharField(max_length=30, blank=True, help_text="What tells so")
    network = models.CharField(
        max_length=16, blank=True, help_text="A hash of its network, for a day: to tell scanners; then empty"
    )

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "link", "at"], nulls_distinct=False, name="touch_once"),
            models.CheckConstraint(condition=Q(kind__in=["human", "unknown", "machine"]), name="touch_kind_known"),
        ]
        indexes = [
            models.Index(fields=["link"], condition=Q(link__isnull=False), name="touch_by_link"),
            models.Index(fields=["at"], condition=~Q(network=""), name="touch_with_network"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at}"
