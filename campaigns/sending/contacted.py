"""A message has reached its vendor: its lead has been contacted, and its history says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.webhooks import emit
from accounts.webhooks.selectors import teams_that_want
from campaigns.models import Delivery
from leads.calendar import callbacks
from leads.calendar import clock as calendar_clock
from leads.counters import change_counters
from leads.locks import lock_leads
from leads.models import Activity, Lead

Purpose = Delivery.Purpose
EVENT = "lead.status_changed"


@dataclass(frozen=True, slots=True)
class Contacted:
    """words: of its line in the history. is_persons: written by a person, who has answered a callback with it. moves:
    whether a new lead is contacted by it; the confirmation of an opt-out is no contact.
    """

    delivery_id: UUID
    lead_id: UUID | None
    by_id: int | None
    words: str
    is_persons: bool
    moves: bool
    kind: str = Activity.Kind.SMS

    @classmethod
    def by(cls, delivery: Delivery) -> Self:
        words = {Purpose.REPLY: "Reply", Purpose.CONFIRM: "Opt-out confirmed"}.get(Purpose(delivery.purpose), "")
        if delivery.campaign is not None:
            step = f", step {delivery.step.position}" if delivery.step else ""
            words = f"{delivery.campaign.name}{step}"
        persons = delivery.purpose in (Purpose.MANUAL, Purpose.REPLY)
        moves = delivery.purpose != Purpose.CONFIRM
        kind = Activity.Kind.EMAIL if delivery.channel == "email" else Activity.Kind.SMS
        return cls(delivery.pk, delivery.lead_id, delivery.by_id, words, persons, moves, kind)


def note_contacts(contacts: Sequence[Contacted]) -> None:
    """Moves new leads to contacted (never backwards), counts them in their buckets and adds the line to their history.

    In the caller's transaction: leads are locked here, and buckets last. Of a lead that is gone nothing is noted; of
    one that was merged into another, that one is contacted. An automatic message closes no callback; a person's does.
    """
    shown = _shown({one.lead_id for one in contacts if one.lead_id is not None})
    by_lead: dict[UUID, list[Contacted]] = {}
    for one in contacts:
        if one.lead_id in shown:
            by_lead.setdefault(shown[one.lead_id], []).append(one)
    if not by_lead:
        return
    columns = ("pk", "status", "bucket_id", "team_id")
    locked = {row["pk"]: row for row in lock_leads(by_lead).values(*columns)}
    by_lead = {lead_id: of for lead_id, of in by_lead.items() if lead_id in locked}
    now = timezone.now()
    Activity.objects.bulk_create(
        [
            Activity(
                lead_id=lead_id, by_id=one.by_id, kind=one.kind, text=one.words, ref=one.delivery_id,
                created_at=now,
            )
            for lead_id, of in by_lead.items()
            for one in of
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    rows = [
        (lead_id, len(of), any(o.is_persons for o in of), any(o.moves for o in of)) for lead_id, of in by_lead.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_lead l
               SET status = CASE WHEN l.status = 'new' AND c.moves THEN 'contacted' ELSE l.status END,
                   activity_count = l.activity_count + c.n, last_activity_at = greatest(l.last_activity_at, now()),
                   last_contact_at = CASE WHEN c.persons THEN greatest(l.last_contact_at, now())
                                          ELSE l.last_contact_at END,
                   callback_at = CASE WHEN c.persons AND l.callback_at < %s THEN NULL ELSE l.callback_at END,
                   updated_at = now()
              FROM unnest(%s::uuid[], %s::int[], %s::bool[], %s::bool[]) AS c(id, n, persons, moves)
             WHERE l.id = c.id
            """,
            [calendar_clock.now(), *(list(column) for column in zip(*rows, strict=True))],
        )
    callbacks.follow(by_lead)
    moved = [locked[lead_id] for lead_id, _, _, moves in rows if moves and locked[lead_id]["status"] == Lead.Status.NEW]
    grown: dict[UUID, int] = {}
    for lead in moved:
        grown[lead["bucket_id"]] = grown.get(lead["bucket_id"], 0) + 1
    for bucket_id, count in sorted(grown.items()):
        change_counters(bucket_id, contacted_leads=count)
    _tell(moved)


def _shown(lead_ids: set[UUID]) -> dict[UUID, UUID]:
    """By lead: itself, or the one that it was merged into."""
    rows = Lead.every.filter(pk__in=lead_ids).order_by().values_list("pk", "merged_into_id")
    return {pk: into or pk for pk, into in rows}


def _tell(moved: Sequence[Mapping[str, Any]]) -> None:
    if not moved:
        return
    wanting = set(teams_that_want(EVENT))
    for lead in moved:
        if lead["team_id"] in wanting:
            told = {"leadId": str(lead["pk"]), "bucketId": str(lead["bucket_id"])}
            told |= {"before": "new", "after": "contacted"}
            emit(EVENT, team_id=lead["team_id"], object_id=lead["pk"], data=told)
