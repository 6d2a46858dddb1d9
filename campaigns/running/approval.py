"""Approval of a dry run by a manager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.access import Access
from accounts.audit import record
from campaigns import clock
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Preview
from campaigns.planning.campaigns import back_to_draft
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import check_steps, plans_of
from campaigns.previews.computing import compute
from campaigns.previews.making import STARTED, copy_lines, fill, forget_older
from campaigns.previews.reading import difference
from campaigns.running.looking import changed, check_looked_at, may_run, nobody
from campaigns.running.revising import approve_revision

# code -> the sentence that is acknowledged
ACKNOWLEDGEMENTS = {
    "foreclosure": "Some of these owners are in pre-foreclosure or foreclosure. Several states restrict what may be "
    "offered to them; our texts keep to that.",
    "bankruptcy": "Some of these owners have a bankruptcy on record. Our texts ask for no payment.",
}


def needed(preview: Preview) -> list[str]:
    """The codes of what must be acknowledged before it is approved."""
    return [code for code in ACKNOWLEDGEMENTS if code in preview.needs]


def approve(*, campaign: Campaign, access: Access, digest: str, acknowledgements: Sequence[str] = ()) -> Campaign:
    """Approves the latest dry run.

    1. It must be the latest, and not older than a day.
    2. It is computed again, outside any transaction; where another digest comes out, that dry run is stored as the
       latest, and nothing is approved.
    3. The campaign is approved, if it was not changed since.

    That of an edit after the launch is approved as `revising.approve_revision` says.

    Raises CampaignError: NOT_PREVIEWED, PREVIEW_EXPIRED, PREVIEW_CHANGED (`more`: digest, added, gone, changed,
    examples), NOBODY, INVALID `acknowledgements`.
    """
    may_run(access, campaign)
    if Campaign.objects.filter(pk=campaign.pk, status__in=STARTED).exists():
        return approve_revision(campaign=campaign, access=access, digest=digest)
    preview = _latest(campaign)
    check_looked_at(preview, digest)
    if not preview.people:
        raise nobody(preview)
    unknown = sorted(set(acknowledgements) - set(ACKNOWLEDGEMENTS))
    if unknown:
        raise CampaignError("INVALID", f"There is no such acknowledgement: {unknown[0][:40]}.", "acknowledgements")
    lacking = [code for code in needed(preview) if code not in acknowledgements]
    if lacking:
        words = f"Acknowledge {lacking[0]}: {ACKNOWLEDGEMENTS[lacking[0]]}"
        raise CampaignError("INVALID", words, "acknowledgements", more={"needed": lacking})
    fresh = Campaign.objects.select_related("seller", "sender", "mail_sender", "owner").get(pk=campaign.pk)
    check_steps(plans_of(fresh), team_id=fresh.team_id, seller=fresh.seller)
    computed = compute(fresh)
    with transaction.atomic():
        locked = _unchanged(campaign, preview)
        if computed.digest == preview.digest:
            locked.status = Campaign.Status.APPROVED
            locked.approved_digest, locked.approved_by_id = preview.digest, access.user.pk
            locked.approved_at, locked.acknowledgements = clock.now(), sorted(set(acknowledgements))
            locked.save()
            after: dict[str, Any] = {"preview": preview.pk, "people": preview.people, "messages": preview.lines}
            after |= {"cost_max": preview.cost_max, "acknowledgements": locked.acknowledgements}
            record(
                "campaign.approved", by=access.user, team_id=locked.team_id, about=locked, name=locked.name, after=after
            )
            return locked
        back_to_draft(locked)
        newer = Preview(campaign=locked, by_id=access.user.pk)
        fill(newer, computed)
        newer.save(force_insert=True)
        copy_lines(newer, computed)
        locked.preview, locked.status = newer, Campaign.Status.PREVIEWED
        locked.save()
        told = difference(preview, newer)
        forget_older(locked)
    raise changed(newer, told)


def _latest(campaign: Campaign) -> Preview:
    """Raises CampaignError where there is none to approve."""
    now = Campaign.objects.select_related("preview").filter(pk=campaign.pk).first()
    if now is None:
        raise CampaignError("NOT_FOUND", "The campaign is gone.")
    if now.status != Campaign.Status.PREVIEWED or now.preview is None:
        words = f"The campaign is {now.is_now}: make a dry run, look at it, then approve it."
        raise CampaignError("NOT_PREVIEWED", words)
    return now.preview


def _unchanged(campaign: Campaign, preview: Preview) -> Campaign:
    """The campaign, held and locked, with this dry run still its latest."""
    hold_campaign(campaign.pk)
    locked = lock_campaign(campaign.pk)
    if locked is None or locked.status != Campaign.Status.PREVIEWED or locked.preview_id != preview.pk:
        raise CampaignError("NOT_PREVIEWED", "Somebody else changed the campaign at this moment: look at it again.")
    return locked
