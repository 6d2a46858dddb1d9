"""Notifications: what a person is told of her team's work, on pages and by e-mail, and how she wants it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.team import Team
from common.db.models import UUIDModel
from common.db.work import Claimed, Deferred, WorkQuerySet


class NoticeKind(models.TextChoices):
    """What a person may be told of. The value is the API's name."""

    RUN_DONE = "runDone", "Enrichment job done"
    CAP_HIT = "capHit", "Spending limit reached"
    IMPORT_DONE = "importDone", "Import done"
    REPLY = "reply", "Reply from an owner"
    CALLBACK = "callback", "Callback or event in my calendar"
    BULK_DONE = "bulkDone", "Bulk change done"


class NoticeMail(models.TextChoices):
    """How a kind comes by e-mail."""

    OFF = "off", "No e-mail"
    SOON = "soon", "Within minutes"
    DIGEST = "digest", "In the daily digest"


class Notification(UUIDModel):
    """Answers: what was this person told, has she read it, and is an e-mail of it still to be sent?

    The row is written with the deed and is the queue of e-mails. It holds no owner's name, phone or e-mail: what it is
    about is looked up when it is shown. batch: the e-mail it goes with; a worker that was killed leaves it, and the
    next sends the same e-mail under the same Message-ID.
    """

    class Mail(models.TextChoices):
        NONE = "none", "No e-mail"
        SOON = "soon", "Waits for an e-mail"
        DIGEST = "digest", "Waits for the digest"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"

    QUEUED = (Mail.SOON, Mail.DIGEST)

    team = models.ForeignKey(Team, models.CASCADE, related_name="+", db_index=False, help_text="In which team")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who is told"
    )
    kind = models.CharField(max_length=10, choices=NoticeKind, help_text="What happened")
    about = models.CharField(max_length=60, help_text="What it is about: enrichment.run, leads.lead, …")
    about_id = models.CharField(max_length=64, help_text="Its id")
    words = models.CharField(max_length=300, help_text="What happened, in words: names a job, a file or a time")
    created_at = models.DateTimeField(help_text="When it happened")
    is_shown = models.BooleanField(default=True, db_default=True, help_text="Whether her list has it")
    read_at = models.DateTimeField("read", null=True, blank=True, help_text="When she has read it")
    mail = models.CharField("e-mail", max_length=6, choices=Mail, default=Mail.NONE, help_text="How far its e-mail is")
    batch = models.UUIDField(null=True, blank=True, help_text="Which e-mail it goes with")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "about_id"], condition=Q(read_at__isnull=True), name="notification_once_unread"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["runDone", "capHit", "importDone", "reply", "callback", "bulkDone"]),
                name="notification_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(mail__in=["none", "soon", "digest", "sent", "failed"]), name="notification_mail_known"
            ),
            models.CheckConstraint(condition=~Q(words=""), name="notification_has_words"),
            models.CheckConstraint(
                condition=Q(is_shown=True) | Q(read_at__isnull=False), name="notification_hidden_is_read"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "team", "-id"], condition=Q(is_shown=True), name="notification_by_user"),
            models.Index(fields=["user", "id"], condition=Q(mail__in=["soon", "digest"]), name="notification_to_mail"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class NoticeChoice(models.Model):
    """Answers: how does this person want to hear of this kind? Without a row as `accounts.notices.choices` says."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who"
    )
    kind = models.CharField(max_length=10, choices=NoticeKind, help_text="Of what")
    on_pages = models.BooleanField(help_text="In the list of notifications")
    mail = models.CharField("e-mail", max_length=6, choices=NoticeMail, help_text="No e-mail, within minutes, digest")

    class Meta:
        verbose_name = "choice of notifications"
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notice_choice_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["runDone", "capHit", "importDone", "reply", "callback", "bulkDone"]),
                name="notice_choice_kind_known",
            ),
            models.CheckConstraint(condition=Q(mail__in=["off", "soon", "digest"]), name="notice_choice_mail_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.mail}"


class NoticeMailbox(Claimed, Deferred):
    """Answers: when was this person last mailed, at which hour comes her digest, which worker is mailing her now?"""

    DIGEST_HOUR = 8

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", help_text="Whose"
    )
    digest_hour = models.PositiveSmallIntegerField(
        default=DIGEST_HOUR, db_default=DIGEST_HOUR, help_text="From which hour the digest comes, by her clock"
    )
    mailed_at = models.DateTimeField(null=True, blank=True, help_text="When an e-mail last left")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Tries that failed since then")

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "notice mailboxes"
        constraints = [
            models.CheckConstraint(condition=Q(digest_hour__lte=23), name="mailbox_hour_of_a_day"),
            models.CheckConstraint(
                condition=Q(token__isnull=True) | Q(lease_until__isnull=False), name="mailbox_taken_has_lease"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"
