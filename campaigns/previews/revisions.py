"""The dry run of an edit after the launch: what those whom a step has not reached would get from here on. Reads only.

The gate is not asked: it was at the approval, and is at every sending. Who lacks a value of the new text, or would get
too long a one, is left out: she stops at that step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from campaigns import clock
from campaigns.gate.facts import window_of
from campaigns.gate.rule_rows import load_rules
from campaigns.models import Campaign, Delivery, Member, PreviewLine, Step, TemplateVersion
from campaigns.planning.owners import LeadKeys, keys_of
from campaigns.previews.computing import MISSING, TOO_LONG, Computed
from campaigns.previews.lines import Line, Written, delays_of, digest_of_lines, is_too_long, plan_later_steps
from campaigns.texts.rendering import PERSON_COLUMNS, company_of
from leads.models import Lead


def compute_revision(campaign: Campaign, texts: Mapping[str, Mapping[str, str]]) -> Computed:
    """texts: as `Preview.texts`. Of each member still in it, every step that has not reached her."""
    now = clock.now()
    steps = _with(list(campaign.steps.prefetch_related("variants__version").order_by("position")), texts)
    positions = [step.position for step in steps]
    members = list(Member.objects.filter(campaign=campaign, status__in=Member.OPEN, lead__isnull=False).order_by("pk"))
    reached = _reached(members)
    leads = {
        row["pk"]: row
        for row in Lead.every.filter(pk__in=[one.lead_id for one in members]).values("pk", *PERSON_COLUMNS)
    }
    keys = keys_of(list(leads))
    passed = _passed(campaign)
    write = Written(steps, company_of(campaign.seller, campaign.owner))
    delays, rules, window = delays_of(steps), load_rules(), window_of(campaign)
    lines = []
    for member in members:
        row: dict[str, Any] | None = leads.get(member.lead_id) if member.lead_id else None
        ahead = [one for one in positions if one >= member.step and (member.pk, one) not in reached]
        if row is None or not ahead:
            continue
        line = _line(member, row, keys.get(row["pk"], LeadKeys()))
        missing = write(line, row, ahead)
        if missing:
            line.verdict, line.reason = "no", f"{MISSING}:{','.join(missing)}"[:60]
        elif is_too_long(line):
            line.verdict, line.reason, line.messages = "no", TOO_LONG, []
        for message in line.messages:
            if why := passed.get((line.lead_id, message.step)):
                message.pass_over(why)
            elif message.channel in member.passed.split():
                message.pass_over("passed")
        if line.messages and ahead[0] == member.step:
            line.messages[0].at = member.next_at or member.planned_at or now
        plan_later_steps(line, delays, rules, window)
        lines.append(line)
    return Computed(now, lines, digest_of_lines(campaign, steps, lines), ())


def _line(member: Member, row: Mapping[str, Any], keys: LeadKeys) -> Line:
    return Line(
        row["pk"], LeadKeys(member.key_id, member.owner_key_id, frozenset(), (), keys.digests), "yes", member.key_id,
        member.mail_key_id, zones=tuple(member.zones), states=tuple(member.states),
    )  # fmt: skip


def _with(steps: list[Step], texts: Mapping[str, Mapping[str, str]]) -> list[Step]:
    """The steps as they would be; nothing is saved."""
    ids = [UUID(version) for of in texts.values() for version in of.values()]
    versions = TemplateVersion.objects.in_bulk(ids)
    for step in steps:
        for name, version in texts.get(str(step.position), {}).items():
            for one in step.variants.all():
                if one.name == name:
                    one.version = versions[UUID(version)]
    return steps


def _reached(members: list[Member]) -> set[tuple[UUID | None, int]]:
    """(member, step) of every message that was made."""
    rows = Delivery.objects.filter(member__in=[one.pk for one in members])
    return {(member, step) for member, step in rows.values_list("member_id", "step__position")}


def _passed(campaign: Campaign) -> dict[tuple[UUID, int], str]:
    """Steps that the dry run which was approved passes over, and why."""
    rows = PreviewLine.objects.filter(preview=campaign.preview_id, step__gte=1, verdict="no")
    return {(lead, step): why for lead, step, why in rows.values_list("lead_id", "step", "reason")}
