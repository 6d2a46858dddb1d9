"""The steps of a campaign and the texts among which each draws."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID

from campaigns.models import Campaign, Step, TemplateVersion, Variant
from campaigns.planning.refusals import CampaignError
from leads.models import Seller

STEPS_MAX, VARIANTS_MAX = 10, 5
SMS, EMAIL, CALL = "sms", "email", "call"
CHANNELS = (EMAIL, SMS, CALL)
CONDITIONS = ("always", "no_reply", "no_human_click")
NAMES = "ABCDE"
DELAY_MAX = {"minutes": 1440, "hours": 720, "days": 365, "business_days": 260}
STOP_EVERY = timedelta(days=30)  # a text says how to end it at first, and then at least as often
_SPANS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
_BUSINESS_DAY = timedelta(days=1.4)  # five in seven
_CALLED = {SMS: "text", EMAIL: "e-mail"}
_STOP = re.compile(r"\bstop\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """template_id: its newest version is kept; or version_id: exactly this one. weight: percent."""

    template_id: UUID | None = None
    version_id: UUID | None = None
    weight: int = 100


@dataclass(frozen=True, slots=True)
class StepPlan:
    """delay_unit: minutes, hours, days, business_days. at_local: not before this time of the recipient's day.
    condition: always, no_reply, no_human_click. channel: email, sms, or call: a caller makes it, and it has no texts.
    """

    variants: Sequence[VariantPlan]
    delay_amount: int = 0
    delay_unit: str = "days"
    at_local: time | None = None
    condition: str = "no_reply"
    channel: str = SMS


@dataclass(frozen=True, slots=True)
class Checked:
    """A step that can be meant, with the texts of its variants, in order."""

    plan: StepPlan
    versions: Sequence[TemplateVersion]


def check_steps(steps: Sequence[StepPlan], *, team_id: int, seller: Seller | None) -> list[Checked]:
    """Raises CampaignError naming `steps.0.variants.1.weight` and the like.

    The first text and the first e-mail must say who writes. Texts say how to end them: the first, and one in 30 days.
    Every e-mail has the company's postal address and a link to unsubscribe.
    """
    if not 1 <= len(steps) <= STEPS_MAX:
        raise CampaignError("INVALID", f"A campaign has 1 to {STEPS_MAX} steps.", "steps")
    if all(step.channel == CALL for step in steps):
        raise CampaignError("INVALID", "A campaign of calls alone is a call list: make one there.", "steps")
    versions = _versions([one for step in steps for one in step.variants], team_id)
    checked, since_stop, begun = [], timedelta(0), set[str]()
    for place, step in enumerate(steps):
        where = f"steps.{place}"
        _check_step(step, place, where)
        texts = [_version(one, versions, step.channel, f"{where}.variants.{n}") for n, one in enumerate(step.variants)]
        since_stop += step.delay_amount * _SPANS.get(step.delay_unit, _BUSINESS_DAY)
        is_first = step.channel not in begun
        if step.channel != CALL and is_first and not all(_names_company(one, seller) for one in texts):
            words = f"The first {_CALLED[step.channel]} must say who writes: use {{{{companyName}}}}."
            raise CampaignError("INVALID", words, f"{where}.variants")
        if step.channel == EMAIL:
            _check_mails(texts, seller, f"{where}.variants")
        elif step.channel == SMS:
            says_stop = all(_STOP.search(one.text) for one in texts)
            if not says_stop and (is_first or since_stop >= STOP_EVERY):
                words = (
                    "This text must say how to end it, such as “Reply STOP to end”: the first does, and one in 30 days."
                )
                raise CampaignError("INVALID", words, f"{where}.variants")
            since_stop = timedelta(0) if says_stop else since_stop
        begun.add(step.channel)
        checked.append(Checked(step, texts))
    return checked


def _check_mails(mails: Sequence[TemplateVersion], seller: Seller | None, where: str) -> None:
    address = " ".join(seller.postal_address.split()).casefold() if seller else ""
    for one in mails:
        said = " ".join(one.text.split()).casefold()
        if "companyAddress" not in one.variables and not (address and address in said):
            words = "An e-mail must have your postal address: use {{companyAddress}}."
            raise CampaignError("INVALID", words, where)
        if "unsubscribeUrl" not in one.variables:
            words = "An e-mail must have a link to unsubscribe: use {{unsubscribeUrl}}."
            raise CampaignError("INVALID", words, where)


def _check_step(step: StepPlan, place: int, where: str) -> None:
    if step.delay_unit not in Step.Unit.values:
        raise CampaignError("INVALID", f"A unit is one of {', '.join(Step.Unit.values)}.", f"{where}.delayUnit")
    most = DELAY_MAX[step.delay_unit]
    if place == 0 and step.delay_amount:
        raise CampaignError("INVALID", "The first step has no delay: it goes when you launch.", f"{where}.delayAmount")
    if place and not 1 <= step.delay_amount <= most:
        raise CampaignError("INVALID", f"A delay is 1 to {most:,} {step.delay_unit}.", f"{where}.delayAmount")
    if step.condition not in CONDITIONS:
        raise CampaignError("INVALID", f"A condition is one of {', '.join(CONDITIONS)}.", f"{where}.condition")
    if step.channel not in CHANNELS:
        raise CampaignError("INVALID", f"A step is one of {', '.join(CHANNELS)}.", f"{where}.channel")
    if step.channel == CALL:
        if step.variants:
            raise CampaignError("INVALID", "A call has no text: the caller speaks.", f"{where}.variants")
        return
    if not 1 <= len(step.variants) <= VARIANTS_MAX:
        raise CampaignError("INVALID", f"A step has 1 to {VARIANTS_MAX} texts.", f"{where}.variants")
    for number, one in enumerate(step.variants):
        if not 1 <= one.weight <= 100:
            raise CampaignError("INVALID", "A weight is 1 to 100 percent.", f"{where}.variants.{number}.weight")
    total = sum(one.weight for one in step.variants)
    if total != 100:
        raise CampaignError("INVALID", f"The weights of a step sum to 100, not {total}.", f"{where}.variants")


def _versions(variants: Sequence[VariantPlan], team_id: int) -> Mapping[UUID, TemplateVersion]:
    """The newest version of each template, and each version that is named: by that id."""
    rows = TemplateVersion.objects.filter(template__team_id=team_id).select_related("template")
    templates = [one.template_id for one in variants if one.template_id]
    named = [one.version_id for one in variants if one.version_id]
    newest = rows.filter(template__in=templates).order_by("template_id", "-number").distinct("template_id")
    return {row.template_id: row for row in newest} | {row.pk: row for row in rows.filter(pk__in=named)}


def _version(one: VariantPlan, versions: Mapping[UUID, TemplateVersion], channel: str, where: str) -> TemplateVersion:
    wanted = one.version_id or one.template_id
    if wanted is None:
        raise CampaignError("INVALID", "Name a template.", f"{where}.templateId")
    found = versions.get(wanted)
    if found is None:
        raise CampaignError("NOT_FOUND", "There is no such template.", f"{where}.templateId")
    if found.template.channel != channel:
        words = f"“{found.template.name}” is no template of {'e-mails' if channel == EMAIL else 'texts'}."
        raise CampaignError("INVALID", words, f"{where}.templateId")
    return found


def _names_company(version: TemplateVersion, seller: Seller | None) -> bool:
    company = seller.company.casefold() if seller else ""
    said = f"{version.subject}\n{version.text}".casefold()
    return "companyName" in version.variables or bool(company and company in said)


def write_steps(campaign: Campaign, steps: Sequence[Checked]) -> None:
    """Replaces the steps of a draft. In the caller's transaction. Who draws which text stays, where the step stays."""
    seeds = dict(Variant.objects.filter(step__campaign=campaign).values_list("step__position", "seed"))
    campaign.steps.all().delete()
    rows = Step.objects.bulk_create(
        [
            Step(
                campaign=campaign,
                position=position,
                channel=step.plan.channel,
                delay_amount=step.plan.delay_amount,
                delay_unit=step.plan.delay_unit,
                at_local=step.plan.at_local,
                condition=step.plan.condition,
            )
            for position, step in enumerate(steps, start=1)
        ]
    )
    Variant.objects.bulk_create(
        [
            Variant(step=row, name=name, weight=one.weight, version=version, seed=seed)
            for row, step in zip(rows, steps, strict=True)
            for seed in [seeds.get(row.position) or secrets.token_hex(8)]
            for name, one, version in zip(NAMES, step.plan.variants, step.versions, strict=False)
        ]
    )


def current(variants: Iterable[Variant]) -> list[Variant]:
    """Of a step's variants, each by its latest revision: by the name's order."""
    latest = {one.name: one for one in sorted(variants, key=lambda one: one.revision)}
    return [latest[name] for name in sorted(latest)]


def plans_of(campaign: Campaign) -> list[StepPlan]:
    """The steps as they stand, each text by its version."""
    return [
        StepPlan(
            variants=[
                VariantPlan(version_id=one.version_id, weight=one.weight) for one in current(step.variants.all())
            ],
            delay_amount=step.delay_amount,
            delay_unit=step.delay_unit,
            at_local=step.at_local,
            condition=step.condition,
            channel=step.channel,
        )
        for step in campaign.steps.prefetch_related("variants").order_by("position")
    ]
