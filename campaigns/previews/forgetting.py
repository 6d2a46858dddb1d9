"""What forgets a person in dry runs: their texts name her."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Case, Q, Value, When

from campaigns.models import PreviewLine
from leads.privacy.places import Her
from leads.privacy.texts import GONE


def forget_in_lines(lead_id: UUID, _her: Her, _names: Collection[str]) -> int:
    """The texts that dry runs wrote for her lead. Nothing is sent by them: sending writes anew."""
    mine = PreviewLine.objects.filter(lead_id=lead_id).exclude(text__in=["", GONE])
    return mine.update(text=GONE, subject=Case(When(~Q(subject=""), then=Value(GONE)), default=Value("")))
