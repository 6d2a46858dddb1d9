"""The counters of campaigns, proved or mended: each is what its rows say.

People who replied or opted out are counted as it happens: a person's row keeps the last of both alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from campaigns.locks import lock_campaign
from campaigns.models import Campaign, Delivery, Member
from campaigns.sending.states import COUNTED, MARKS

MARKED = {column: counter for column, counter in MARKS.items() if counter}
COUNTERS = (
    "members", "due", "sent", "accepted", "delivered", "failed", "refused", "expired", "cancelled", "in_doubt",
    *MARKED.values(),
)  # fmt: skip


def recount(*, campaign_ids: Sequence[UUID] | None = None, mend: bool = True) -> dict[UUID, dict[str, tuple[int, int]]]:
    """campaign -> counter -> (stored, real), where they differ. mend False: nothing is changed."""
    ids = campaign_ids
    if ids is None:
        ids = list(Campaign.objects.exclude(started_at=None).order_by("pk").values_list("pk", flat=True))
    return {campaign_id: found for campaign_id in ids if (found := _recount(campaign_id, mend=mend))}


def _recount(campaign_id: UUID, *, mend: bool) -> dict[str, tuple[int, int]]:
    """Whoever changes a message changes its campaign's counters last, in the same transaction: while the campaign's row
    is locked, what is committed is all that is counted.
    """
    with transaction.atomic():
        campaign = lock_campaign(campaign_id)
        if campaign is None:
            return {}
        real = dict.fromkeys(COUNTERS, 0)
        real["members"] = Member.objects.filter(campaign=campaign).count()
        states = Delivery.objects.filter(campaign=campaign).order_by().values_list("state").annotate(many=Count("pk"))
        for state, many in states:
            for name in ("due", *COUNTED[state]):
                real[name] += many
        marked = Delivery.objects.filter(campaign=campaign).aggregate(
            **{counter: Count(column) for column, counter in MARKED.items()}
        )
        real |= marked
        wrong = {
            name: (getattr(campaign, name), many) for name, many in real.items() if getattr(campaign, name) != many
        }
        if wrong and mend:
            Campaign.objects.filter(pk=campaign_id).update(**{name: right for name, (_, right) in wrong.items()})
    return wrong
