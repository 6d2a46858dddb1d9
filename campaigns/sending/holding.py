"""Holding people: out of office, they get nothing until they are back; the release is `steps.release_held`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest

from campaigns.locks import lock_members
from campaigns.models import Member
from campaigns.sending.stopping import members_of

OUT_OF_OFFICE = "out_of_office"


def hold_members(key_ids: Collection[int], until: datetime, why: str = OUT_OF_OFFICE) -> int:
    """Holds whoever one of these keys is of, in every campaign of all teams, until that moment of the campaigns' clock:
    nothing falls due for her, and the gate says later to what waits. In the caller's transaction, which has locked the
    keys. Who is held already is held until the later of both. Returns how many people.
    """
    rows = Member.objects.filter(pk__in=members_of(key_ids), status__in=Member.OPEN)
    locked = list(lock_members(rows))
    held = [one.pk for one in locked if one.status == Member.Status.HELD]
    others = [one.pk for one in locked if one.status != Member.Status.HELD]
    Member.objects.filter(pk__in=held).update(held_until=Greatest("held_until", until))
    Member.objects.filter(pk__in=others).update(
        status=Member.Status.HELD, why=why[:30], held_until=until, planned_at=F("next_at"), next_at=None,
        taken_by=None, taken_at=None, lease_until=None,
    )  # fmt: skip
    return len(locked)
