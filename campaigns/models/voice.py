"""What calls by a vendor keep besides the calls themselves."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.db.models import Timestamped


class PhoneCode(Timestamped):
    """Answers: which code was told to this caller's phone, so that the phone is hers? One a caller, the newest; gone
    once it was typed.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", help_text="Whose phone"
    )
    phone = models.CharField(max_length=16, help_text="+1…")
    by_text = models.BooleanField(default=False, help_text="Texted; else spoken in a call")
    digest = models.CharField(max_length=64, help_text="Of the code, keyed")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Wrong codes typed")
    sent_at = models.DateTimeField(help_text="When it was asked for (database clock)")
    asked_today = models.PositiveSmallIntegerField(default=1, help_text="Codes asked for since `day_began_at`")
    day_began_at = models.DateTimeField(help_text="When the first of them was")
    call = models.ForeignKey(
        "integrations.VendorCall", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Its money"
    )

    def __str__(self) -> str:
        return f"Code of {self.user_id}"


class RecordingFile(models.Model):
    """Answers: what is heard? Beside the recording's row, which lists read: in the database, as rows of uploaded files
    are, so that every host has it and a backup holds it.
    """

    recording = models.OneToOneField(
        "campaigns.Recording", models.CASCADE, primary_key=True, related_name="content", help_text="Of which"
    )
    content = models.BinaryField(max_length=5_242_880, help_text="The file as it was uploaded")

    def __str__(self) -> str:
        return f"File of {self.recording_id}"
