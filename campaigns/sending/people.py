"""The people of a campaign: the next step after one is over, the end of the last."""

from __future__ import annotations

import time as clocks
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.gate.facts import SMS_MARGIN, window_of
from campaigns.gate.rule_rows import load_rules
from campaigns.models import Campaign, Member, Step
from campaigns.rules import steps as rules_of_steps
from campaigns.rules.rule_set import RuleSet

Status = Member.Status
CALL = "call"
RULES_FOR = 60.0  # seconds that a worker keeps the rule table: only when a step is due depends on it here
_kept: list[tuple[float, RuleSet]] = []


@dataclass(frozen=True, slots=True)
class Ending:
    """The step at this position is over for a member, at this moment of the campaigns' clock. stop: why she stops with
    it; '': she goes on. passes: a channel by which she is not to be reached: its other steps are passed over, and she
    stops only where no step of another channel is left.
    """

    member_id: UUID
    position: int
    at: datetime
    stop: str = ""
    passes: str = ""


def end_steps(endings: Sequence[Ending]) -> None:
    """Plans the next step of each member, from the end of this one, or ends her. In the caller's transaction, which has
    locked them. Who is done or stopped, or is at another step by now, stays as she is; but a channel is passed over
    from now on also for who has gone on since, as when an e-mail comes back a day later.
    """
    if not endings:
        return
    of = {ending.member_id: ending for ending in endings}
    members = list(Member.objects.filter(pk__in=of, status__in=Member.OPEN).order_by())
    campaigns = Campaign.objects.in_bulk({member.campaign_id for member in members})
    rows: list[tuple[Any, ...]] = []  # of `_save`
    steps: dict[UUID, dict[int, Step]] = {}
    for member in members:
        ending, member.campaign = of[member.pk], campaigns[member.campaign_id]
        if member.step != ending.position and not (ending.passes and member.step > ending.position):
            continue
        if member.campaign_id not in steps:
            steps[member.campaign_id] = {s.position: s for s in Step.objects.filter(campaign=member.campaign_id)}
        passed = {*member.passed.split(), *ending.passes.split()}
        of_campaign = steps[member.campaign_id]
        ahead = [step for position, step in sorted(of_campaign.items()) if position > member.step]
        if member.step != ending.position:
            if member.status == Status.WAITING or of_campaign[member.step].channel not in passed:
                # her step is of another channel, or its message is there already and the gate decides
                Member.objects.filter(pk=member.pk).update(passed=" ".join(sorted(passed)))
                continue
            ending = replace(ending, at=member.next_at or member.planned_at or ending.at)
        rows.append((member.pk, *_next(member, ending, ahead, passed), " ".join(sorted(passed))))
    if rows:
        _save(rows)


def _next(member: Member, ending: Ending, ahead: Sequence[Step], passed: Collection[str]) -> tuple[Any, ...]:
    """status, why, step, next_at, planned_at, whether it is a call.

    A step that is passed over takes its time all the same: the one behind it is due when it would have been.
    """
    if ending.stop and not (ending.passes and any(step.channel not in passed for step in ahead)):
        return Status.STOPPED, ending.stop[:30], member.step, None, None, False
    at = ending.at
    for step in ahead:
        due = due_at(step, member, at)
        if due is None:
            return Status.STOPPED, "closed", member.step, None, None, False
        at = due
        if step.channel in passed:
            continue
        if member.status == Status.HELD:
            return Status.HELD, member.why, step.position, None, at, step.channel == CALL
        return Status.ACTIVE, "", step.position, at, None, step.channel == CALL
    return Status.DONE, "", member.step, None, None, False


def due_at(step: Step, member: Member, ended_at: datetime) -> datetime | None:
    """When this step is due for a member whose step before ended then. None: nobody may ever be contacted there."""
    delay = rules_of_steps.Delay(step.delay_amount, step.delay_unit, step.at_local)  # type: ignore[arg-type]
    return rules_of_steps.after(
        delay,
        ended_at,
        tuple(member.zones),
        tuple(member.states),
        rules(),
        window_of(member.campaign),
        channel=step.channel,  # type: ignore[arg-type]  # a step's is one of the rules'
        margin=SMS_MARGIN if step.channel == "sms" else 0,
        jitter=str(member.pk),
    )


def rules() -> RuleSet:
    """The rule table, at most RULES_FOR old."""
    now = clocks.monotonic()
    if not _kept or now - _kept[0][0] > RULES_FOR:
        _kept[:] = [(now, load_rules())]
    return _kept[0][1]


def _save(rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE campaigns_member m
               SET status = c.status, why = c.why, step = c.step, next_at = c.next_at, planned_at = c.planned_at,
                   held_until = CASE WHEN c.status = 3 THEN m.held_until END,
                   calls = CASE WHEN c.step = m.step THEN m.calls ELSE c.calls END,
                   attempts = CASE WHEN c.step = m.step THEN m.attempts ELSE 0 END, passed = c.passed,
                   taken_by_id = NULL, taken_at = NULL, lease_until = NULL
              FROM unnest(%s::uuid[], %s::smallint[], %s::text[], %s::smallint[], %s::timestamptz[], %s::timestamptz[],
                          %s::boolean[], %s::text[])
                   AS c(id, status, why, step, next_at, planned_at, calls, passed)
             WHERE m.id = c.id
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )
