"""A call in the middle of a sequence (T14): planned, previewed, taken by a caller, and the next text follows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import own_access
from accounts.models import Membership
from campaigns.dialing.disposing import dispose
from campaigns.dialing.offering import Nobody, next_lead
from campaigns.models import Delivery, Member, PreviewLine
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.running.lifecycle import launch
from campaigns.sending import lifecycle, steps
from campaigns.sending.people import Ending, end_steps
from leads.models import Lead, Scrub
from tests.campaigns.dialing.world import call, offer
from tests.campaigns.samples import NOON, world
from tests.campaigns.sending.world import at_time, digest, move

pytestmark = pytest.mark.django_db(transaction=True)


def test_t14_a_call_in_the_middle_is_a_callers_and_the_next_step_follows_it(settings: Any) -> None:
    at_time(settings, NOON)
    made = world(1)
    Membership.objects.filter(user=made.ann).update(role="manager")
    text = [VariantPlan(template_id=made.template.pk)]
    plans = [
        StepPlan(text), StepPlan([], delay_amount=1, delay_unit="hours", channel="call"),
        StepPlan(text, delay_amount=2),
    ]  # fmt: skip
    campaign = made.approved(steps=plans)
    assert campaign.channel == "mixed"
    lines = list(PreviewLine.objects.filter(preview=campaign.preview).order_by("step"))
    assert [(one.step, bool(one.text), one.segments, one.price) for one in lines][1] == (2, False, 0, 0)
    assert campaign.preview is not None and (campaign.preview.lines, len(lines)) == (2, 3)
    Lead.objects.filter(pk=made.leads[0].pk).update(email=None)
    launch(campaign=campaign, access=made.access)
    assert steps.make_due() == 1
    member = Member.objects.get()
    end_steps([Ending(member.pk, 1, NOON)])
    member.refresh_from_db()
    assert (member.status, member.calls, member.step) == (Member.Status.ACTIVE, True, 2)
    assert member.next_at is not None and NOON + timedelta(hours=1) <= member.next_at < NOON + timedelta(hours=2)
    Delivery.objects.all().delete()
    move(timedelta(hours=2))
    assert steps.make_due() == 0 and lifecycle.complete_campaigns() == 0  # it is a caller's, not a worker's
    at = NOON - timedelta(days=5)
    Scrub.objects.create(
        seller=made.seller, digest=digest(str(made.leads[0].phone)), list="federal", listed=False, checked_at=at,
        version_date=at.date(), source="file",
    )  # fmt: skip
    found = offer(made.access)
    assert (found.campaign, found.member) == (campaign, member)
    dispose(made.access, call(made.access, found).pk, code="busy")
    member.refresh_from_db()
    assert (member.calls, member.step, member.attempts) == (True, 2, 1)  # busy: once more
    move(timedelta(hours=2))
    attempt = call(made.access)
    from campaigns.models import Disposition

    Disposition.objects.filter(code="voicemail").update(max_attempts=1)
    dispose(made.access, attempt.pk, code="voicemail")
    member.refresh_from_db()
    assert (member.status, member.calls, member.step, member.attempts, member.taken_by) == (
        Member.Status.ACTIVE, False, 3, 0, None,
    )  # fmt: skip
    assert member.next_at is not None and member.next_at > NOON + timedelta(days=2)
    assert isinstance(next_lead(made.access), Nobody)
    move(timedelta(days=3))
    assert steps.make_due() == 1
    assert Delivery.objects.get().step is not None


def test_a_spoken_word_ends_a_sequence_that_ends_on_a_reply(settings: Any) -> None:
    at_time(settings, NOON)
    made = world(1)
    Membership.objects.filter(user=made.ann).update(role="manager")
    text = [VariantPlan(template_id=made.template.pk)]
    campaign = made.draft(steps=[StepPlan(text), StepPlan([], delay_amount=1, channel="call")])
    with pytest.raises(CampaignError) as error:
        made.draft("Calls", steps=[StepPlan([], channel="call")])
    assert error.value.field == "steps"
    with pytest.raises(CampaignError) as texts:
        made.draft("Both", steps=[StepPlan(text), StepPlan(text, delay_amount=1, channel="call")])
    assert texts.value.field == "steps.1.variants"
    assert campaign.channel == "mixed" and own_access(made.ann).can("campaign")
