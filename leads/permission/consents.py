"""What people allowed, registry checks of their numbers, and the words of both: evidence, append-only."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from common.db.models import UUIDModel

KEYS = "1 phone, 2 e-mail"


class Consent(UUIDModel):
    """Answers: who allowed which company to contact them by which channel, how, and until when? Append-only.

    kind, digest, hint: as those of a `ContactKey`. What they were shown, and from which address, is the evidence
    (`EvidenceText`), of which a hash stays when the person is forgotten.
    """

    class Channel(models.TextChoices):
        SMS = "sms", "Texts"
        PRERECORDED = "prerecorded", "Recorded voicemail"
        CALL = "call", "Calls"
        EMAIL = "email", "E-mail"

    class Type(models.TextChoices):
        WRITTEN = "written", "Signed, in writing"
        EXPRESS = "express", "Spoken or typed"
        INQUIRY = "inquiry", "Asked us"
        TRANSACTION = "transaction", "Did business with us"
        REPLY = "reply", "Replied"
        START = "start", "Texted START"

    class How(models.TextChoices):
        FORM = "form", "Our own form"
        PAPER = "paper", "On paper"
        SPOKEN = "spoken", "Spoken"
        INBOUND = "inbound", "Their message"
        IMPORT = "import", "Imported list"

    key_kind = models.SmallIntegerField(help_text=KEYS)
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of kind and value")
    hint = models.CharField(max_length=20, help_text="How a person tells it from others: …0143")
    channel = models.CharField(max_length=11, choices=Channel, help_text="By which channel")
    kind = models.CharField(max_length=11, choices=Type, help_text="What kind of consent")
    seller = models.ForeignKey(
        "leads.Seller", models.PROTECT, related_name="+", db_index=False, help_text="Whom they allowed it"
    )
    text_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the text that they were shown")
    given_at = models.DateTimeField(help_text="When they gave it")
    how = models.CharField(max_length=7, choices=How, help_text="How it came")
    source_url = models.CharField(max_length=500, blank=True, help_text="Where they gave it")
    reference = models.CharField(max_length=100, blank=True, help_text="inbound:<id>, upload:<id>, or a file's name")
    lead_id = models.UUIDField(null=True, blank=True, help_text="About which lead")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who entered it: a user's id")
    created_at = models.DateTimeField(help_text="When it was entered")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "key_kind", "digest", "channel", "kind", "given_at", "text_hash"], name="consent_once"
            ),
            models.CheckConstraint(condition=Q(key_kind__in=[1, 2]), name="consent_key_kind_known"),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "prerecorded", "call", "email"]), name="consent_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["written", "express", "inquiry", "transaction", "reply", "start"]),
                name="consent_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(how__in=["form", "paper", "spoken", "inbound", "import"]), name="consent_how_known"
            ),
            models.CheckConstraint(
                condition=~Q(kind="written") | ~Q(text_hash="") & ~Q(how="spoken"), name="consent_written_has_text"
            ),
            models.CheckConstraint(
                condition=Q(given_at__lte=F("created_at") + timedelta(minutes=5)), name="consent_not_from_the_future"
            ),
        ]
        indexes = [models.Index(fields=["digest", "channel", "-given_at"], name="consent_by_key")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_channel_display()}, {self.hint}"


class Scrub(UUIDModel):
    """Answers: was this number on a registry, by which version of it, and whose check was it? Append-only."""

    class Source(models.TextChoices):
        FILE = "file", "Registry file"
        CONNECTOR = "connector", "Connector"
        VENDOR_FLAG = "vendor_flag", "Skip trace flag"

    seller = models.ForeignKey(
        "leads.Seller", models.PROTECT, related_name="+", db_index=False, help_text="Whose check"
    )
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of the phone")
    list = models.CharField(max_length=20, help_text="federal, state:TX, litigator, reassigned")
    listed = models.BooleanField(help_text="Whether it was on it")
    checked_at = models.DateTimeField(help_text="When")
    version_date = models.DateField(null=True, blank=True, help_text="Of the registry's file")
    source = models.CharField(max_length=11, choices=Source, help_text="How it was checked")
    san = models.CharField(max_length=40, blank=True, help_text="Subscription account number")
    upload = models.ForeignKey(
        "leads.Upload",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="By which file",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "digest", "list", "checked_at"], name="scrub_once"),
            models.CheckConstraint(
                condition=Q(source__in=["file", "connector", "vendor_flag"]), name="scrub_source_known"
            ),
            models.CheckConstraint(
                condition=~Q(source="file") | Q(version_date__isnull=False), name="scrub_file_has_version"
            ),
            models.CheckConstraint(
                condition=Q(list__regex=r"^(federal|litigator|reassigned|state:[A-Z]{2})$"), name="scrub_list_known"
            ),
        ]
        indexes = [models.Index(fields=["digest", "list", "-checked_at"], name="scrub_by_key")]

    def __str__(self) -> str:
        return f"{self.list}, {self.checked_at:%Y-%m-%d}"


class EvidenceText(models.Model):
    """Answers: what exactly did they say, or were they shown, and from which address? Of a consent or a suppression.

    The one part of the evidence that names a person: forgetting her empties it, and nothing else can change it, which
    the database sees to.
    """

    parent = models.UUIDField(primary_key=True, help_text="The consent or suppression")
    text = models.TextField(max_length=10_000, null=True, blank=True, help_text="The words")
    ip = models.GenericIPAddressField(null=True, blank=True, help_text="From which address")
    file = models.CharField(max_length=200, null=True, blank=True, help_text="A scan, a recording")
    created_at = models.DateTimeField(help_text="When it was written")

    def __str__(self) -> str:
        return f"Of {self.parent}"
