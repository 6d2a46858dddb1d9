"""Other texts after the launch, for whom their step has not reached: proposed, seen in a dry run, approved by digest.

Messages that were made keep theirs. Weights and draws stay: each person gets the new version of what she had drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from accounts.access import Access
from accounts.audit import record
from campaigns import clock
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Preview, PreviewLine, Step, Variant
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import StepPlan, VariantPlan, check_steps, current
from campaigns.previews.asking import enqueue
from campaigns.previews.lines import Line
from campaigns.previews.making import STARTED, forget_older
from campaigns.previews.revisions import compute_revision
from campaigns.running.looking import changed, check_looked_at, may_run, nobody

Texts = Mapping[int, Mapping[str, UUID]]  # step -> text's name -> template


def revise(*, campaign: Campaign, access: Access, texts: Texts) -> Preview:
    """Proposes other texts, by the newest versions of these templates, for steps of a running or paused campaign, and
    asks for their dry run over the people whom these steps have not reached. A proposal that was not approved is
    replaced. Nothing changes before its approval.

    Raises CampaignError: FORBIDDEN, NOT_STARTED (a draft is changed instead), INVALID or NOT_FOUND with the field.
    """
    may_run(access, campaign)
    with transaction.atomic():
        hold_campaign(campaign.pk)
        locked = lock_campaign(campaign.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        _check_started(locked)
        versions = _checked(locked, texts)
        words = "Another edit was proposed meanwhile."
        Preview.objects.filter(Preview.AT_WORK, campaign=locked).update(error=words, lease_until=None)
        preview = Preview.objects.create(campaign=locked, by_id=access.user.pk, texts=versions)
        after = {"preview": preview.pk, "steps": sorted(texts)}
        record(
            "campaign.revision_proposed", by=access.user, team_id=locked.team_id, about=locked, name=locked.name,
            after=after,
        )  # fmt: skip
        enqueue(preview)
    return preview


def _check_started(campaign: Campaign) -> None:
    if campaign.status not in STARTED:
        words = f"The campaign is {campaign.is_now}: change it as a draft, or make a new one."
        raise CampaignError("NOT_STARTED", words)


def _checked(campaign: Campaign, texts: Texts) -> dict[str, dict[str, str]]:
    """The versions proposed, as `Preview.texts` keeps them, where the steps with them can be meant."""
    steps = list(campaign.steps.prefetch_related("variants").order_by("position"))
    known = {step.position: [one.name for one in current(step.variants.all())] for step in steps}
    for position, of in texts.items():
        if not known.get(position):
            raise CampaignError("INVALID", f"There is no step {position} with a text.", "texts")
        if unknown := sorted(set(of) - set(known[position])):
            raise CampaignError("INVALID", f"Step {position} has no text {unknown[0][:10]}.", "texts")
    if not any(texts.values()):
        raise CampaignError("INVALID", "Say which text is another from here on.", "texts")
    plans = [_plan(step, texts.get(step.position, {})) for step in steps]
    checked = check_steps(plans, team_id=campaign.team_id, seller=campaign.seller)
    found: dict[str, dict[str, str]] = {}
    for step, one in zip(steps, checked, strict=True):
        for variant, version in zip(current(step.variants.all()), one.versions, strict=True):
            if variant.name in texts.get(step.position, {}) and version.pk != variant.version_id:
                found.setdefault(str(step.position), {})[variant.name] = str(version.pk)
    if not found:
        raise CampaignError("INVALID", "These are the texts it has already: edit a template first.", "texts")
    return found


def _plan(step: Step, texts: Mapping[str, UUID]) -> StepPlan:
    return StepPlan(
        variants=[
            VariantPlan(template_id=texts[one.name], weight=one.weight)
            if one.name in texts
            else VariantPlan(version_id=one.version_id, weight=one.weight)
            for one in current(step.variants.all())
        ],
        delay_amount=step.delay_amount,
        delay_unit=step.delay_unit,
        at_local=step.at_local,
        condition=step.condition,
        channel=step.channel,
    )


def pending(campaign: Campaign) -> Preview | None:
    """The edit that was proposed last and is not approved."""
    latest = Preview.objects.filter(campaign=campaign).order_by("-pk").first()
    is_open = latest is not None and latest.texts is not None and latest.pk != campaign.preview_id
    return latest if is_open else None


def approve_revision(*, campaign: Campaign, access: Access, digest: str) -> Campaign:
    """Approves the latest edit after the launch.

    1. Its dry run must be the one she looked at, and not older than a day.
    2. It is computed again. People who were reached meanwhile, or have stopped, may be gone; anything added or changed
       refuses it.
    3. The variants of the next revision are made, with the weights and seeds there are. What falls due from now on is
       written by them, as the dry run shows it.

    Raises CampaignError: NOT_PREVIEWED, PREVIEW_EXPIRED, PREVIEW_CHANGED, NOBODY.
    """
    may_run(access, campaign)
    preview = pending(campaign)
    if preview is None or preview.made_at is None or preview.texts is None:
        raise CampaignError("NOT_PREVIEWED", "No edit of its texts waits for approval: propose one, look at it first.")
    check_looked_at(preview, digest)
    if not preview.people:
        raise nobody(preview)
    fresh = Campaign.objects.select_related("seller", "sender", "mail_sender", "owner").get(pk=campaign.pk)
    if not _only_shrinks(preview, compute_revision(fresh, preview.texts).lines):
        raise changed(preview, None)
    with transaction.atomic():
        hold_campaign(campaign.pk)
        locked = lock_campaign(campaign.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        _check_started(locked)
        if pending(locked) != preview:
            raise CampaignError("NOT_PREVIEWED", "Somebody else changed it at this moment: look at it again.")
        locked.revision += 1
        _make_variants(locked, preview.texts)
        locked.preview, locked.approved_digest = preview, preview.digest
        locked.approved_by_id, locked.approved_at = access.user.pk, clock.now()
        locked.save()
        after = {"preview": preview.pk, "revision": locked.revision, "people": preview.people}
        record("campaign.revised", by=access.user, team_id=locked.team_id, about=locked, name=locked.name, after=after)
        forget_older(locked)
    return locked


def _only_shrinks(preview: Preview, lines: Sequence[Line]) -> bool:
    rows = PreviewLine.objects.filter(preview=preview, step__gte=1)
    seen = {(lead, step): (digest, verdict) for lead, step, digest, verdict in
            rows.values_list("lead_id", "step", "body_digest", "verdict")}  # fmt: skip
    return all(
        seen.get((line.lead_id, one.step)) == (one.digest, "no" if one.passed else "yes")
        for line in lines
        for one in line.messages
    )


def _make_variants(campaign: Campaign, texts: Mapping[str, Mapping[str, str]]) -> None:
    rows = []
    for step in campaign.steps.prefetch_related("variants"):
        for one in current(step.variants.all()):
            version = texts.get(str(step.position), {}).get(one.name)
            if version is not None:
                rows.append(
                    Variant(
                        step=step, name=one.name, weight=one.weight, seed=one.seed, revision=campaign.revision,
                        version_id=UUID(version),
                    )
                )  # fmt: skip
    Variant.objects.bulk_create(rows)
