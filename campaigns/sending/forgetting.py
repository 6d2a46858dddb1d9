"""A forgotten person in messages: number and text go, the rows, their digests and counters stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.gate.facts import Contact, persons_of
from campaigns.models import Delivery, Member
from leads.models import Suppression
from leads.permission.suppressing import in_force
from leads.privacy.places import PIECE, Her, Piece


def in_messages(after: str, her: Her) -> Piece:
    """The next messages: those to a number of hers lose it and their text; one that waits is refused by the gate."""
    rows = Delivery.objects.filter(pk__gt=UUID(after) if after else UUID(int=0), address__isnull=False)
    found = list(rows.order_by("pk").values_list("pk", "key__kind", "key__digest")[:PIECE])
    hers = [pk for pk, kind, digest in found if (kind, bytes(digest)) in her.digests]
    blank = {"address": None, "subject": None, "body": None, "html": None}
    changed = Delivery.objects.filter(pk__in=hers).update(**blank) if hers else 0
    return Piece(str(found[-1][0]) if len(found) == PIECE else None, len(found), changed)


def erased_of(rows: Sequence[Delivery], at: datetime) -> list[UUID]:
    """Those of these messages, of one channel, whose person asked to be forgotten, as the gate would say it. at: by the
    campaigns' clock.
    """
    if not rows:
        return []
    channel: Any = rows[0].channel
    people = persons_of([Contact(row.lead_id, row.key_id, row.address, channel) for row in rows])
    named = Member.objects.filter(pk__in=[row.member_id for row in rows], owner_key__isnull=False)
    owners = {
        pk: (kind, bytes(digest))
        for pk, kind, digest in named.values_list("pk", "owner_key__kind", "owner_key__digest")
    }
    hers = [
        {*person.own, *person.others, *([owners[row.member_id]] if row.member_id in owners else [])}
        for row, person in zip(rows, people, strict=True)
    ]
    asked = {digest for of in hers for digest in of}
    kept = in_force(asked, rows[0].channel, at=at) if asked else {}
    erased = {digest for digest, of in kept.items() if any(one.reason == Suppression.Reason.ERASED for one in of)}
    return [row.pk for row, of in zip(rows, hers, strict=True) if erased & of]
