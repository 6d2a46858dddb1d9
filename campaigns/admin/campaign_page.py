"""What a campaign's page shows, and which buttons it has for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from accounts.access import Scope, access
from campaigns import clock
from campaigns.admin.campaign_form import audience_in_words
from campaigns.admin.words import CHANNEL_WORDS, counted, dollars, places, reason_in_words
from campaigns.models import Campaign, Delivery, Member, Preview, Step, Variant
from campaigns.planning.audience import PRESETS, Audience
from campaigns.planning.campaigns import may_draft
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import current
from campaigns.previews.making import STARTED as STARTED_NOW
from campaigns.previews.reading import labels_of, sums_of
from campaigns.running.approval import ACKNOWLEDGEMENTS, needed
from campaigns.running.breakdown import BY, breakdown_of
from campaigns.running.looking import may_run
from campaigns.running.results import Results, results_of
from campaigns.running.revising import pending
from common.charts import chart
from common.dates import clock as time_of_day

Status = Campaign.Status
STARTED = (Status.RUNNING, Status.PAUSED, Status.COMPLETED, Status.CANCELLED)
STEPS = ("Draft", "Dry run", "Approval", "Launch", "Results")
_AT = {
    Status.DRAFT: 1, Status.PREVIEWING: 1, Status.PREVIEWED: 2, Status.APPROVED: 3, Status.RUNNING: 4,
    Status.PAUSED: 4, Status.COMPLETED: 4, Status.CANCELLED: 4,
}  # fmt: skip
_KINDS = {"paused": "warning", "completed": "success", "cancelled": "", "draft": ""}
ZONES_SHOWN = 12  # of the table by zone; the rest stands in the file
LINES_SHOWN = 12  # of each list of what came of it


def context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """Everything of the page."""
    person = access(request)
    drafts, runs = _allowed(lambda: may_draft(person, campaign)), _allowed(lambda: may_run(person, campaign))
    preview = Preview.objects.filter(campaign=campaign).order_by("-pk").first()
    audience = Audience.from_json(campaign.audience)
    is_editable, told = campaign.status in Campaign.EDITABLE, live(request, campaign)
    return {
        "campaign": campaign,
        "kind": _KINDS.get(campaign.status, "info"),
        "stages": [(name, place == _AT[Status(campaign.status)]) for place, name in enumerate(STEPS)],
        "whom": campaign.bucket_name if campaign.bucket_name else audience_in_words(audience),
        "preset": PRESETS.get(audience.preset, ""),
        "audience": audience,
        "hours": hours(campaign),
        "limit": dollars(campaign.max_cost) if campaign.max_cost is not None else "",
        "steps": _steps(campaign),
        "standing": standing(campaign),
        "revision": pending(campaign),
        "may_revise": runs and campaign.status in STARTED_NOW,
        "is_editable": is_editable,
        "may_edit": drafts and is_editable,
        "may_remove": drafts and campaign.status == Status.DRAFT,
        "may_run": runs,
        "may_send_again": drafts and campaign.failed > 0,
        "may_export": person.can_in(campaign.team_id, Scope.EXPORT),
        "is_moving": campaign.status in (Status.PREVIEWING, Status.RUNNING, Status.PAUSED)
        or _is_awaited(told["results"]),
        "came_of": came_of(campaign, told["results"]),
        **dry_run(preview),
        **told,
    }


def standing(campaign: Campaign) -> str:
    """What the page is made for: its state, and whether a dry run of another text is being made."""
    is_at_work = Preview.objects.filter(Preview.AT_WORK, campaign=campaign, texts__isnull=False).exists()
    return f"{campaign.status}{'-dry-run' * is_at_work}"


def _steps(campaign: Campaign) -> list[tuple[Step, list[Variant], int]]:
    """Each step with its texts as they stand, and how often they were changed after the launch."""
    rows = campaign.steps.prefetch_related("variants__version__template")
    return [(step, current(step.variants.all()), len(step.variants.all())) for step in rows]


def _is_awaited(results: Results | None) -> bool:
    """Whether the vendor has yet to say what became of a message: also after the campaign is over."""
    return results is not None and any(
        results.states[one] for one in (Delivery.State.INTENDED, Delivery.State.ACCEPTED)
    )


def _allowed(check: Callable[[], object]) -> bool:
    """Whether the service would let her: its own check is asked."""
    try:
        check()
    except CampaignError:
        return False
    return True


def hours(campaign: Campaign) -> str:
    """When it texts, where that is narrower than the law."""
    if not campaign.window:
        return ""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    days = ", ".join(names[day] for day in campaign.window["weekdays"])
    opens, closes = (time_of_day(time.fromisoformat(campaign.window[name])) for name in ("open", "close"))
    return f"{opens} to {closes}, {days}"


def dry_run(preview: Preview | None) -> dict[str, Any]:
    """The latest one, in words."""
    if preview is None or preview.made_at is None:
        return {"preview": preview}
    return {
        "preview": preview,
        "is_old": preview.expires_at is None or preview.expires_at <= clock.now(),
        "cost_min": dollars(preview.cost_min),
        "cost_max": dollars(preview.cost_max),
        "left_out": counted(preview.left_out),
        "left_out_sum": sum(preview.left_out.values()),
        "zones": places(preview.by_zone)[:ZONES_SHOWN],
        "zones_more": max(0, len(preview.by_zone) - ZONES_SHOWN),
        "states": places(preview.by_state),
        "needs": [(code, ACKNOWLEDGEMENTS[code]) for code in needed(preview)],
        "sums": [(one, CHANNEL_WORDS[one.channel], dollars(one.cost)) for one in sums_of(preview)],
    }


def difference(request: HttpRequest, error: CampaignError) -> list[tuple[str, int, list[tuple[Any, str, str]]]] | None:
    """Of a refusal PREVIEW_CHANGED: added, gone and changed, each with how many and some of the leads."""
    if error.code != "PREVIEW_CHANGED" or "examples" not in error.more:
        return None
    examples: Mapping[str, Any] = error.more["examples"]
    names = labels_of([lead_id for rows in examples.values() for lead_id, _ in rows])
    titles = {"added": "Added", "gone": "Gone", "changed": "Another text, number or price"}
    return [
        (title, error.more[how], [(pk, names.get(pk, "Lead"), reason_in_words(why) if why else "") for pk, why in rows])
        for how, title in titles.items()
        for rows in [examples.get(how, ())]
        if error.more[how]
    ]


def live(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """The counters, from the rows themselves."""
    if campaign.started_at is None:
        return {"campaign": campaign, "results": None}
    results = results_of(campaign)
    State = Delivery.State
    return {
        "campaign": campaign,
        "results": results,
        "pause": campaign.get_paused_by_display() if campaign.status == Status.PAUSED else "",
        "messages_by": _by_state(results),
        "people_by": [(Member.Status[name.upper()].label, many) for name, many in results.people.items() if many],
        "stopped": counted(results.stopped),
        "to_check": results.states[State.IN_DOUBT],
        "cost": dollars(results.cost),
        "reserved": dollars(results.reserved) if results.reserved else "",
        "cost_per_reply": dollars(results.cost_per_reply) if results.cost_per_reply is not None else "",
        "variants": [(one, _percent(one.share)) for one in results.variants],
        "has_mail": any(one.channel == "email" for one in results.variants),
        "comparisons": [words for one in results.comparisons if (words := _compared(one))],
    }


def _by_state(results: Results) -> list[tuple[str, str, int]]:
    """(states in an address, label, how many): those that one label calls alike are counted together."""
    found: dict[str, tuple[list[str], int]] = {}
    for state, many in results.states.items():
        label = str(Delivery.State(state).label)
        codes, before = found.get(label, ([], 0))
        found[label] = ([*codes, state], before + many)
    return [(",".join(codes), label, many) for label, (codes, many) in found.items() if many]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f}%"


def _compared(one: Any) -> str:
    found = one.comparison
    if found is None:
        return f"Step {one.step}: nothing to compare yet."
    if found.is_clear:
        better, worse = (one.b, one.a) if found.difference > 0 else (one.a, one.b)
        low, high = sorted(abs(end) * 100 for end in found.interval)
        by = f"by {low:.1f} to {high:.1f} points"
        return f"Step {one.step}: text {better} gets more {one.measure} than {worse}, {by}."
    more = f" It would take about {found.needed:,} people a text to tell." if found.needed else ""
    return f"Step {one.step}: no clear difference in {one.measure} between {one.a} and {one.b} yet.{more}"


def came_of(campaign: Campaign, results: Results | None) -> dict[str, Any] | None:
    """From people to deals, and what each came to cost; None: it was not launched yet."""
    if results is None:
        return None
    found = breakdown_of(campaign)
    total = found.total
    stages = [
        ("People", total.people),
        ("Contacted", total.contacted),
        *([("Clicked", total.clicked)] if campaign.track_clicks else []),
        ("Replied", total.replied),
        ("Conversations", total.conversations),
        ("Appointments", total.appointments),
        ("Deals", total.deals),
    ]
    return {
        "figures": [
            ("Messages and calls", dollars(total.contact_cost)), ("Data", dollars(total.facts_cost)),
            ("Per reply", _each(total.cost_per_reply)), ("Per conversation", _each(total.cost_per_conversation)),
        ],
        "funnel": [(words, many, _percent(many / total.people if total.people else None)) for words, many in stages],
        "chart": chart([words for words, _ in stages], [many for _, many in stages], "People"),
        "lists": [
            (BY[by], [
                (one, dollars(one.cost), _each(one.cost_per_reply), _each(one.cost_per_conversation))
                for one in lines[:LINES_SHOWN]
            ])
            for by, lines in found.lists.items()
        ],
    }  # fmt: skip


def _each(cost: Decimal | None) -> str:
    return "–" if cost is None else dollars(cost)
