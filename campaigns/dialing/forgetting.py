"""A forgotten person in calls: number and note go, the rows, their keys and counts stay."""

from __future__ import annotations

from uuid import UUID

from campaigns.models import CallAttempt
from leads.privacy.places import PIECE, Her, Piece, first_changed


def in_calls(after: str, her: Her) -> Piece:
    """Calls to a number of hers lose it and their note; of other notes, her numbers and e-mails."""

    def change(pk: UUID, note: str, number: str | None, kind: int, digest: bytes) -> int:
        if (kind, bytes(digest)) in her.digests:
            return CallAttempt.objects.filter(pk=pk).update(number=None, note="") if number or note else 0
        left = her.text(note)
        return 0 if left == note else CallAttempt.objects.filter(pk=pk, note=note).update(note=left)

    rows = CallAttempt.objects.order_by("pk")
    found = rows.values_list("pk", "note", "number", "key__kind", "key__digest")
    return first_changed((found.filter(pk__gt=UUID(after)) if after else found)[:PIECE], change)
