from __future__ import annotations

from django.db import models


class UnreadableAnswer(models.Model):
    """Answers: what did the vendor send that cannot be used, paid for or in doubt? Once a call; no byte of a trace."""

    call = models.OneToOneField(
        "integrations.VendorCall",
        models.CASCADE,
        primary_key=True,
        related_name="unreadable",
        help_text="Which request",
    )
    raw = models.BinaryField(null=True, blank=True, help_text="Its first 64 KiB; empty for skip traces")
    length = models.PositiveIntegerField(help_text="Bytes of the whole answer")
    sha256 = models.CharField(max_length=64, help_text="SHA-256 of the whole answer, in hexadecimal")
    why = models.CharField(max_length=300, help_text="What is wrong with it, and where it breaks off")
    created_at = models.DateTimeField(help_text="When it came (database clock)")

    def __str__(self) -> str:
        return f"{self.length} bytes, {self.why}"
