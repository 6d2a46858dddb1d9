"""Asking for a dry run, and waiting for it."""

from __future__ import annotations

import time
from uuid import UUID

from django.db import connection, transaction

from accounts.access import Access
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Preview
from campaigns.planning.campaigns import back_to_draft, may_draft
from campaigns.planning.refusals import CampaignError
from common.enqueue import enqueue_on_commit
from common.server.threads import stopping

TASK = "campaigns.preview"
POLL = 0.1  # seconds between two looks: one read by primary key


def start_preview(*, campaign: Campaign, access: Access) -> Preview:
    """A worker makes it. One that is being made is given back: a button pressed twice asks once.

    An approval there was counts no longer. Raises CampaignError NOT_EDITABLE once it was launched, FORBIDDEN.
    """
    may_draft(access, campaign)
    with transaction.atomic():
        hold_campaign(campaign.pk)
        locked = lock_campaign(campaign.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        if locked.status not in Campaign.EDITABLE:
            words = f"The campaign is {locked.is_now}: a dry run comes before the launch."
            raise CampaignError("NOT_EDITABLE", words)
        at_work = Preview.objects.filter(Preview.AT_WORK, campaign=locked).first()
        if at_work is None:
            back_to_draft(locked)
            at_work = Preview.objects.create(campaign=locked, by_id=access.user.pk)
            locked.status = Campaign.Status.PREVIEWING
            locked.save()
        enqueue(at_work)
    return at_work


def enqueue(preview: Preview) -> None:
    """A worker is asked to make it once the transaction is committed."""
    enqueue_on_commit(TASK, preview_id=str(preview.pk))


def wait_for(preview_id: UUID, seconds: float) -> Preview | None:
    """Waits until it is made, or so many seconds have passed. Holds no transaction. None: its campaign was deleted."""
    deadline = time.monotonic() + seconds
    while True:
        preview = Preview.objects.filter(pk=preview_id).first()
        left = deadline - time.monotonic()
        if preview is None or not preview.is_at_work or left <= 0 or stopping.is_set():
            return preview
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(min(POLL, left))
