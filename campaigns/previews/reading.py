"""Reading a dry run: its lines by person, as CSV, and against another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum

from campaigns.models import Campaign, Preview, PreviewLine
from campaigns.planning.owners import hints_of
from common.contact_access import masked_text
from common.values.numbers import plain
from leads.models import Lead
from leads.selection.export import BOM, guarded, line_of

EXAMPLES = 20
_AT_ONCE = 500  # people
HEADER = (
    "Lead id", "Lead", "To", "Contacted", "Reason", "Instead", "States", "Time zones", "Step", "Local time",
    "UTC", "Channel", "Text", "Subject", "Message", "Segments", "Cost ($)",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two dry runs: people who came, who went, and those whose number, text or price is another.

    examples: of each (`added`, `gone`, `changed`) at most EXAMPLES as (lead, in words).
    """

    added: int
    gone: int
    changed: int
    examples: Mapping[str, Sequence[tuple[UUID, str]]]


def latest_made(campaign: Campaign) -> Preview | None:
    """The campaign's latest dry run that is not at work and has not failed."""
    return Preview.objects.filter(campaign=campaign, made_at__isnull=False).order_by("-pk").first()


def people_of(preview: Preview, *, verdict: str = "", reason: str = "") -> QuerySet[PreviewLine]:
    """One line a person: of step 1, of an edit after the launch of the first that has not reached her, or 0 where she
    is left out. verdict: yes, no, later. reason: as in `left_out`.
    """
    rows = PreviewLine.objects.filter(preview=preview)
    if preview.texts is None:
        rows = rows.filter(step__lte=1)
    else:
        before = PreviewLine.objects.filter(preview=preview, lead_id=OuterRef("lead_id"), step__lt=OuterRef("step"))
        rows = rows.exclude(Exists(before))
    rows = rows.filter(verdict=verdict) if verdict else rows
    return rows.filter(reason=reason) if reason else rows


def messages_of(preview: Preview, lead_ids: Sequence[UUID]) -> dict[UUID, list[PreviewLine]]:
    """Every step of these people, in order."""
    found: dict[UUID, list[PreviewLine]] = {lead_id: [] for lead_id in lead_ids}
    rows = PreviewLine.objects.filter(preview=preview, lead_id__in=lead_ids, step__gte=1)
    for line in rows.order_by("lead_id", "step"):
        found[line.lead_id].append(line)
    return found


@dataclass(frozen=True, slots=True)
class StepSum:
    """Of one step: messages it would send (calls it would have made), people it passes over, US dollars, and the first
    and last minute at which one would leave, as far as that can be told.
    """

    step: int
    channel: str
    messages: int
    passed: int
    cost: Decimal
    first_at: datetime | None
    last_at: datetime | None


def sums_of(preview: Preview) -> list[StepSum]:
    """What each step would do. One statement."""
    goes = Q(verdict="yes")
    rows = PreviewLine.objects.filter(preview=preview, step__gte=1).order_by("step").values_list("step", "channel")
    told = rows.annotate(
        messages=Count("pk", filter=goes), passed=Count("pk", filter=~goes), cost=Sum("price", default=Decimal(0)),
        first=Min("first_at"), last=Max("first_at"),
    )  # fmt: skip
    return [StepSum(*row) for row in told]


def local(at: datetime | None, zones: Sequence[str]) -> str:
    """The minute by the clock of the first of her zones: "2026-09-15 09:00"; "" where none is known."""
    return at.astimezone(ZoneInfo(zones[0])).strftime("%Y-%m-%d %H:%M") if at and zones else ""


def labels_of(lead_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What each lead is called: its address, else what it is known by."""
    return {
        lead.pk: str(lead)
        for lead in Lead.every.filter(pk__in=set(lead_ids)).only("property_address", "property_id", "apn")
    }


def people_told(preview: Preview, lines: Sequence[PreviewLine], *, is_masked: bool) -> list[dict[str, Any]]:
    """Each person with her messages, in the API's names. Who may not see contacts is not told who shares a number."""
    messages = messages_of(preview, [line.lead_id for line in lines])
    names = labels_of([line.lead_id for line in lines])
    keys = {one.key_id for of in messages.values() for one in of} | {line.key_id for line in lines}
    hints = hints_of({key for key in keys if key})
    return [
        {
            "leadId": line.lead_id,
            "lead": names.get(line.lead_id, ""),
            "number": hints.get(line.key_id or 0, ""),
            "verdict": line.verdict,
            "reason": line.reason,
            "insteadLeadId": None if is_masked else line.other_lead_id,
            "zones": line.zones,
            "states": line.states,
            "messages": [
                {
                    "step": one.step,
                    "channel": one.channel,
                    "to": hints.get(one.key_id or 0, ""),
                    "passedOver": one.reason,
                    "variant": one.variant,
                    "subject": masked_text(one.subject) if is_masked else one.subject,
                    "text": masked_text(one.text) if is_masked else one.text,
                    "segments": one.segments,
                    "cost": one.price,
                    "at": one.first_at,
                    "localTime": local(one.first_at, one.zones),
                }
                for one in messages[line.lead_id]
            ],
        }
        for line in lines
    ]


def csv_of(preview: Preview, *, texts: bool) -> Iterator[bytes]:
    """Every line, in the order people are contacted. texts: whether the reader may see what names a person, and who
    shares a number with whom.
    """
    yield BOM + line_of(HEADER)
    after = 0
    while lines := list(PreviewLine.objects.filter(preview=preview, pk__gt=after).order_by("pk")[:_AT_ONCE]):
        after = lines[-1].pk
        names = labels_of(
            [*(line.lead_id for line in lines), *(line.other_lead_id for line in lines if line.other_lead_id)]
        )
        hints = hints_of({line.key_id for line in lines if line.key_id})
        yield b"".join(_row(line, names, hints, texts=texts) for line in lines)


def _row(line: PreviewLine, names: Mapping[UUID, str], hints: Mapping[int, str], *, texts: bool) -> bytes:
    other = names.get(line.other_lead_id, "") if texts and line.other_lead_id else ""
    cells = [
        str(line.lead_id),
        names.get(line.lead_id, ""),
        hints.get(line.key_id or 0, ""),
        "yes" if line.verdict == "yes" else "no",
        line.reason,
        other,
        ", ".join(line.states),
        ", ".join(line.zones),
        str(line.step or ""),
        local(line.first_at, line.zones),
        line.first_at.strftime("%Y-%m-%dT%H:%M:%SZ") if line.first_at else "",
        line.channel if line.step else "",
        line.variant,
        line.subject if texts else "",
        line.text if texts else "",
        str(line.segments or ""),
        str(plain(line.price)) if line.step else "",
    ]
    return line_of([guarded(cell) for cell in cells])


def difference(old: Preview, new: Preview) -> Difference:
    """What a person has to look at before she approves `new`."""
    sides = """
        SELECT lead_id, bool_or(verdict = 'yes') AS goes, min(reason) AS reason,
               array_agg((step, key_id, channel, verdict, variant, body_digest, segments, price)::text ORDER BY step)
               AS messages
          FROM campaigns_previewline WHERE preview_id = %s GROUP BY lead_id
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT coalesce(o.lead_id, n.lead_id),
                   CASE WHEN n.goes AND o.goes THEN 'changed' WHEN n.goes THEN 'added' ELSE 'gone' END,
                   coalesce(n.reason, '')
              FROM ({sides}) o FULL JOIN ({sides}) n ON n.lead_id = o.lead_id
             WHERE coalesce(n.goes, false) <> coalesce(o.goes, false) OR (n.goes AND n.messages <> o.messages)
             ORDER BY 1
            """,  # noqa: S608  # text of this function only
            [old.pk, new.pk],
        )
        rows = cursor.fetchall()
    examples: dict[str, list[tuple[UUID, str]]] = {"added": [], "gone": [], "changed": []}
    counts = dict.fromkeys(examples, 0)
    for lead_id, how, reason in rows:
        counts[how] += 1
        if len(examples[how]) < EXAMPLES:
            examples[how].append((lead_id, reason or ("not in the audience any more" if how == "gone" else "")))
    return Difference(counts["added"], counts["gone"], counts["changed"], examples)
