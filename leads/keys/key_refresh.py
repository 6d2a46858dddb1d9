"""Keys for leads that are older than keys: a piece at a time, by the sweep after a migration, or by command."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from leads.keys import contact_keys
from leads.locks import lock_leads
from leads.models import KeyRefresh, Lead

PIECE = 2_000  # leads of one transaction: about half a second
_HAS_SOME = (
    Q(phone__isnull=False)
    | Q(secondary_phone__isnull=False)
    | Q(email__isnull=False)
    | Q(mailing_zip__isnull=False)
    | Q(other_facts__isnull=False)
)


def start_refresh() -> None:
    """Begins again with the oldest lead; where it goes on already, it begins anew."""
    KeyRefresh.objects.update_or_create(pk=1, defaults={"after": None})


def refresh_piece() -> int | None:
    """Rewrites the keys of the next leads. Returns how many; None: it is done, or another process has gone on.

    Killed in the middle, the same piece is done again; two at once do each piece once: the one that comes later finds
    that the place has moved.
    """
    row = KeyRefresh.objects.filter(pk=1).first()
    if row is None:
        return None
    leads = Lead.objects.order_by("pk") if row.after is None else Lead.objects.order_by("pk").filter(pk__gt=row.after)
    last = list(leads.values_list("pk", flat=True)[:PIECE])
    same = KeyRefresh.objects.filter(pk=1, **({"after": row.after} if row.after else {"after__isnull": True}))
    with transaction.atomic():
        if not last:
            same.delete()
            return None
        if not same.update(after=last[-1]):
            return None
        return _refresh(list(Lead.objects.filter(_HAS_SOME, pk__in=last).values_list("pk", flat=True)))


def _refresh(lead_ids: list[UUID]) -> int:
    keys = contact_keys.prepare({lead_id: {} for lead_id in lead_ids})
    held = [lead.pk for lead in lock_leads(lead_ids).only("pk")]
    contact_keys.relink(held, keys)
    return len(held)
