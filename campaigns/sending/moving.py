"""Writing what became of messages: their rows, the people of their campaigns, counters and leads, in one transaction.

Everything that changes a message's state goes through here, so that counters are always the count of the rows and a
lead is contacted once: by the worker that sends, by the vendor's events in any order, by a decision, by a stop.

The caller locks first, in this order: calls and budgets, keys, members (`members_of`), messages (`lock_deliveries`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from campaigns.locks import ids_of, lock_deliveries, lock_members
from campaigns.models import Campaign, Delivery, DeliveryEvent, Member, Step
from campaigns.sending import events, states
from campaigns.sending.contacted import Contacted, note_contacts
from campaigns.sending.people import Ending, end_steps
from campaigns.sending.talked import is_unsaid, note_words

State = Delivery.State
EMAIL = "email"  # its vendor's own id comes with the answer alone: what is told later finds it by its token

# What a move may change, with its type in SQL.
_COLUMNS = {
    "state": "text",
    "rank": "smallint",
    "vendor": "text",
    "vendor_id": "text",
    "call_id": "uuid",
    "receipt_id": "uuid",
    "error": "text",
    "error_words": "text",
    "refusal": "text",
    "not_before": "timestamptz",
    "tries": "smallint",
    "faults": "smallint",
    "intended_at": "timestamptz",
    "accepted_at": "timestamptz",
    "delivered_at": "timestamptz",
    "ended_at": "timestamptz",
    "bounced_at": "timestamptz",
    "complained_at": "timestamptz",
    "clicked_at": "timestamptz",
    "replied_at": "timestamptz",
    "opted_out_at": "timestamptz",
    "resolved_by_id": "bigint",
    "token": "uuid",
    "lease_until": "timestamptz",
}


class NotRunning(Exception):
    """The campaign was stopped meanwhile: the caller's transaction is to be rolled back."""


def lock_with_members(ids: Iterable[UUID], **still: object) -> list[Delivery]:
    """These messages and, before them, their members, locked; those no longer as `still` says are left out."""
    rows = Delivery.objects.filter(pk__in=list(ids))
    members = rows.exclude(member=None).values_list("member_id", flat=True)
    ids_of(lock_members(Member.objects.filter(pk__in=list(members))))
    locked = list(lock_deliveries(rows.filter(**still)))
    campaigns = Campaign.objects.in_bulk({row.campaign_id for row in locked if row.campaign_id})
    steps = Step.objects.in_bulk({row.step_id for row in locked if row.step_id})
    for row in locked:  # of many messages campaign and step are read once
        row.campaign = campaigns.get(row.campaign_id) if row.campaign_id else None
        row.step = steps.get(row.step_id) if row.step_id else None
    return locked


class Moves:
    """at: by the campaigns' clock. Collects, and `write` writes."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._changed: dict[UUID, Delivery] = {}
        self._columns: set[str] = set()
        self._deltas: dict[UUID, dict[str, int]] = {}
        self._contacted: list[Contacted] = []
        self._endings: list[Ending] = []
        self._told: dict[str, list[Delivery]] = {}
        self._said: set[UUID] = set()
        self._unsaid: set[UUID] = set()

    def to(self, delivery: Delivery, state: str, **changes: Any) -> None:
        """Moves a locked message to a state. Its worker is done with it."""
        for name, step in states.deltas(delivery.state, state).items():
            self.count(delivery.campaign_id, **{name: step})
        rank = Delivery.RANKS.get(state, delivery.rank)
        self.change(delivery, state=State(state), rank=rank, token=None, lease_until=None, **changes)
        if delivery.conversation_id is not None and is_unsaid(delivery):
            self._unsaid.add(delivery.conversation_id)
        if event := events.OF_STATE.get(state):
            self._told.setdefault(event, []).append(delivery)

    def change(self, delivery: Delivery, **changes: Any) -> None:
        """Changes columns of a locked message, and not its state."""
        for name, value in changes.items():
            setattr(delivery, name, value)
        self._columns |= changes.keys()
        self._changed[delivery.pk] = delivery

    def taken_by_vendor(self, delivery: Delivery, at: datetime | None = None) -> None:
        """The vendor has it: the first time that is known, its lead is contacted."""
        if delivery.accepted_at is not None:
            return
        self.change(delivery, accepted_at=at or self.at)
        self._contacted.append(Contacted.by(delivery))
        if delivery.conversation_id is not None:
            self._said.add(delivery.conversation_id)

    def mark(self, delivery: Delivery, column: str, at: datetime | None = None) -> bool:
        """Notes when something first happened to a message (MARKS), and counts it. False: it was known."""
        if getattr(delivery, column) is not None:
            return False
        self.change(delivery, **{column: at or self.at})
        if counter := states.MARKS[column]:
            self.count(delivery.campaign_id, **{counter: 1})
        return True

    def end_step(self, delivery: Delivery, *, stop: str = "", passes: str = "") -> None:
        """The step is over for its person: she goes on to the next, or stops for this reason. passes: as `Ending`."""
        if delivery.member_id is not None and delivery.step is not None:
            self._endings.append(Ending(delivery.member_id, delivery.step.position, self.at, stop, passes))

    def pass_over(self, member: Member, channels: Collection[str], why: str, *, is_over: bool) -> None:
        """The steps of these channels are passed over for a locked member. is_over: her step's message was cancelled;
        else it is over where it waits for its time and is of them. She stops for this reason if no other is left.
        """
        position = member.step - (not is_over)
        self._endings.append(Ending(member.pk, position, self.at, why, " ".join(channels)))

    def count(self, campaign_id: UUID | None, **deltas: int) -> None:
        """Adds to counters of the campaign."""
        if campaign_id is None:
            return
        counters = self._deltas.setdefault(campaign_id, {})
        for name, step in deltas.items():
            counters[name] = counters.get(name, 0) + step

    def write(self, *, running: UUID | None = None) -> None:
        """Writes all of it, in the order of locks: members, messages, campaigns, conversations, leads, buckets.

        running: a campaign that must still be running; its row is locked in any case, so that a pause comes before this
        transaction or after it. Raises NotRunning.
        """
        end_steps(self._endings)
        _save(self._changed.values(), self._columns)
        for campaign_id in sorted({*self._deltas, *([running] if running else [])}):
            rows = Campaign.objects.filter(pk=campaign_id)
            if campaign_id == running:
                rows = rows.filter(status=Campaign.Status.RUNNING)
            steps = {name: F(name) + step for name, step in self._deltas.get(campaign_id, {}).items() if step}
            if not rows.update(**(steps or {"due": F("due") + 0})) and campaign_id == running:
                raise NotRunning
        note_words(self._said, self._unsaid, self.at)
        note_contacts(self._contacted)
        for event, deliveries in sorted(self._told.items()):
            events.tell_messages(event, deliveries)


def _save(deliveries: Iterable[Delivery], changed: Collection[str]) -> None:
    """One statement, which names only the columns that any of them changes."""
    rows = list(deliveries)
    if not rows:
        return
    kinds = {name: kind for name, kind in _COLUMNS.items() if name in changed}
    columns = [[getattr(row, name) for row in rows] for name in kinds]
    names = ", ".join(kinds)
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds.values())
    sets = ", ".join(f"{name} = c.{name}" for name in kinds)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE campaigns_delivery d SET {sets}, updated_at = now()
              FROM unnest(%s::uuid[], {arrays}) AS c(id, {names}) WHERE d.id = c.id
            """,  # noqa: S608  # our own words alone
            [[row.pk for row in rows], *columns],
        )


def apply(moves: Moves, delivery: Delivery, event: DeliveryEvent | Mapping[str, Any]) -> None:
    """Moves a locked message as an event of its vendor says, if that outranks its state. Any order of events gives the
    same end: a lower rank is heard only as far as the vendor took the message at all.
    """
    of = event if isinstance(event, Mapping) else vars(event)
    kind = str(of["kind"])
    if delivery.state not in Delivery.LEFT:
        return
    if delivery.vendor_id is None and of.get("vendor_id") and delivery.channel != EMAIL:
        moves.change(delivery, vendor_id=str(of["vendor_id"]), vendor=str(of["vendor"]))
    if kind in states.TAKES:
        moves.taken_by_vendor(delivery)
    is_first = kind in states.MARKED_BY and moves.mark(delivery, states.MARKED_BY[kind], of.get("at"))
    if not states.outranks(kind, delivery.state, delivery.rank):
        if is_first and kind == "bounced":  # it had arrived, said the vendor
            moves.change(delivery, **_why(of, kind))
        return
    first = delivery.state in (State.INTENDED, State.IN_DOUBT)
    if delivery.resolved_by_id and delivery.state == State.FAILED:  # an operator had said that it was not sent
        events.decided_wrongly(delivery)
    state = states.SAYS[kind]
    changes: dict[str, Any] = {"error": "", "error_words": "", "refusal": ""}
    if state == State.FAILED:
        changes = {**_why(of, kind), "ended_at": moves.at}
    elif state == State.DELIVERED:
        changes |= {"delivered_at": moves.at, "ended_at": moves.at}
    if kind == "decided":
        changes = {}
    moves.to(delivery, state, **changes)
    if changes.get("refusal") == states.HARD:
        moves.end_step(delivery, stop=states.HARD, passes=delivery.channel)
    elif first:
        moves.end_step(delivery)


def _why(of: Mapping[str, Any], kind: str) -> dict[str, str]:
    return {
        "error": str(of.get("error") or kind)[:60],
        "error_words": str(of.get("error_words") or "")[:300],
        "refusal": str(of.get("refusal") or "")[:13],
    }
