"""Moving a lead on: its status, and the team's label under it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.webhooks import emit
from leads.counters import change_counters
from leads.locks import lock_shown
from leads.models import Activity, Lead, StatusLabel

EARLY = (Lead.Status.NEW, Lead.Status.CONTACTED)


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a lead has come: one of the five statuses, and a label of its team under it, or none."""

    status: str
    label_id: UUID | None = None

    @property
    def key(self) -> str:
        """As pages and the board's addresses have it: contacted, or contacted:<id of the label>."""
        return f"{self.status}:{self.label_id}" if self.label_id else self.status


class BadStage(ValueError):
    """There is no such status, or the label is not one of this team's, under it, that is offered."""


class MovedMeanwhile(Exception):
    """Somebody else has moved the lead since the page was drawn; nothing was changed. now: where it is."""

    def __init__(self, now: Stage, words: str) -> None:
        super().__init__(f"Somebody has moved this lead meanwhile: it is at {words} now. Nothing was changed.")
        self.now = now


@dataclass(frozen=True, slots=True)
class Moved:
    """before, after: where the lead was and is; equal: nothing was changed. lead_id: of the one that it was merged into
    meanwhile, if it was.
    """

    before: Stage
    after: Stage
    lead_id: UUID

    @property
    def is_new(self) -> bool:
        return self.before != self.after


def stage_of(lead: Lead) -> Stage:
    return Stage(lead.status, lead.status_label_id)


def stage_at(key: str, team_id: int | None) -> Stage:
    """The stage of a key, which this team may move leads to. Raises BadStage."""
    status, _, label = key.partition(":")
    if status not in Lead.Status.values:
        raise BadStage("There is no such status.")
    if not label:
        return Stage(status)
    try:
        row = StatusLabel.objects.filter(pk=UUID(label), team=team_id, status=status).first()
    except ValueError:
        row = None
    if row is None or row.retired_at is not None:
        raise BadStage("Your team has no such status label.")
    return Stage(status, row.pk)


def words_of(stage: Stage) -> str:
    """Contacted, or Contacted · Warm."""
    label = StatusLabel.objects.filter(pk=stage.label_id).first() if stage.label_id else None
    status = str(Lead.Status(stage.status).label)
    return f"{status} · {label.name}" if label else status


def move_lead(
    lead_id: UUID, *, by: User, to: Stage, was: Stage | None = None, never_back: bool = False, keeps: bool = False
) -> Moved | None:
    """Moves a lead, counts it in its bucket, notes it in its history and tells the team's webhooks; where it is there
    already nothing is changed. Merged into another while this waited for it, that one is moved. None: it is gone.

    was: where the page showed it. never_back: to new or contacted only a new lead is moved. keeps: a lead that has the
    status already keeps the label it has. Raises MovedMeanwhile.
    """
    with transaction.atomic(savepoint=False):
        locked = lock_shown(lead_id, "pk", "status", "status_label_id", "bucket_id", "team_id")
        if locked is None:
            return None
        now = stage_of(locked)
        stays = never_back and to.status in EARLY and now.status != Lead.Status.NEW
        if now == to or stays or (keeps and now.status == to.status):
            return Moved(now, now, locked.pk)
        is_elsewhere = was is not None and now != was
        if not is_elsewhere:
            _move(locked, now, to, by)
    if is_elsewhere:  # raised within, it would take the caller's transaction along
        raise MovedMeanwhile(now, words_of(now))
    return Moved(now, to, locked.pk)


def _move(lead: Lead, now: Stage, to: Stage, by: User) -> None:
    """In the transaction that holds the lead."""
    text = f"{_in_history(now)} → {_in_history(to)}"
    activity = Activity.objects.create(lead=lead, by=by, kind=Activity.Kind.STATUS, text=text)
    Lead.objects.filter(pk=lead.pk).update(
        status=to.status,
        status_label_id=to.label_id,
        activity_count=F("activity_count") + 1,
        last_activity_at=activity.created_at,
        updated_at=timezone.now(),
    )
    before, after = (stage.status in Lead.CONTACTED_STATUSES for stage in (now, to))
    change_counters(lead.bucket_id, contacted_leads=after - before)
    _tell(lead, now, to)


def _in_history(stage: Stage) -> str:
    label = StatusLabel.objects.filter(pk=stage.label_id).first() if stage.label_id else None
    return f"{stage.status} ({label.name})" if label else stage.status


def _tell(lead: Lead, before: Stage, after: Stage) -> None:
    """The label's ids only where there is one: an event of a team without labels is as it always was."""
    told: dict[str, str | None] = {
        "leadId": str(lead.pk), "bucketId": str(lead.bucket_id), "before": before.status, "after": after.status,
    }  # fmt: skip
    if before.label_id or after.label_id:
        told |= {
            "labelBefore": str(before.label_id) if before.label_id else None,
            "labelAfter": str(after.label_id) if after.label_id else None,
        }
    emit("lead.status_changed", team_id=lead.team_id, object_id=lead.pk, data=told)
