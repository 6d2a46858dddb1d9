"""A forgotten person in messages: number and text go, the rows, their digests and counters stay."""

from __future__ import annotations

from uuid import UUID

from campaigns.models import Delivery
from leads.privacy.places import PIECE, Her, Piece


def in_messages(after: str, her: Her) -> Piece:
    """The next messages: those to a number of hers lose it and their text; one that waits is refused by the gate."""
    rows = Delivery.objects.filter(pk__gt=UUID(after) if after else UUID(int=0), address__isnull=False)
    found = list(rows.order_by("pk").values_list("pk", "key__kind", "key__digest")[:PIECE])
    hers = [pk for pk, kind, digest in found if (kind, bytes(digest)) in her.digests]
    changed = Delivery.objects.filter(pk__in=hers).update(address=None, body=None) if hers else 0
    return Piece(str(found[-1][0]) if len(found) == PIECE else None, len(found), changed)
