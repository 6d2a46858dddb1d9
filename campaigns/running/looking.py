"""What every approval asks: who may, and that the dry run is the one she looked at."""

from __future__ import annotations

from typing import Any

from accounts.access import Access, Scope
from campaigns import clock
from campaigns.models import Campaign, Preview
from campaigns.planning.refusals import CampaignError
from campaigns.previews.reading import Difference, difference


def may_run(access: Access, campaign: Campaign) -> None:
    """Raises CampaignError FORBIDDEN for who may not contact owners in the campaign's team."""
    if not access.can_in(campaign.team_id, Scope.CAMPAIGN):
        raise CampaignError("FORBIDDEN", "A manager approves, launches and stops campaigns.")


def check_looked_at(preview: Preview, digest: str) -> None:
    """Raises CampaignError PREVIEW_CHANGED where the digest is another's, PREVIEW_EXPIRED."""
    if digest != preview.digest:
        old = Preview.objects.filter(campaign=preview.campaign_id, digest=digest).order_by("-pk").first()
        raise changed(preview, difference(old, preview) if old and not old.texts and not preview.texts else None)
    if preview.expires_at is None or preview.expires_at <= clock.now():
        raise CampaignError("PREVIEW_EXPIRED", "This dry run is older than a day: make it again.")


def nobody(preview: Preview) -> CampaignError:
    reasons = ", ".join(f"{reason} {many:,}" for reason, many in list(preview.left_out.items())[:5])
    words = f"Nobody would get a message: all {preview.leads:,} leads are left out ({reasons})."
    if not preview.leads:
        words = "Nobody would get a message: the audience holds no lead."
    return CampaignError("NOBODY", words, "audience", more={"leftOut": preview.left_out})


def changed(latest: Preview, told: Difference | None) -> CampaignError:
    """told: None where the dry run that she looked at is not kept any more."""
    more: dict[str, Any] = {"digest": latest.digest}
    words = "The list has changed since that dry run: look at the new one, then approve it."
    if told is not None:
        more |= {"added": told.added, "gone": told.gone, "changed": told.changed, "examples": told.examples}
        words = (
            f"The list has changed since that dry run: {told.added:,} added, {told.gone:,} gone, {told.changed:,} "
            "changed. Look at the new one, then approve it."
        )
    return CampaignError("PREVIEW_CHANGED", words, "digest", more=more)
