"""A status and the team's labels under it, as pages offer and show them."""

from __future__ import annotations

from typing import Any

from leads.models import Lead, StatusLabel
from leads.pipeline.labels import labels_of
from leads.pipeline.moving import Stage, stage_of

Choices = list[tuple[str, Any]]


def stage_choices(team_id: int | None, lead: Lead | None = None) -> Choices:
    """The five statuses, each with its labels in a group of its own: by key of `Stage`. lead: with the label that it
    has, retired or not.
    """
    offered = labels_of(team_id, retired=lead is not None)
    now = lead.status_label_id if lead is not None else None
    offered = [one for one in offered if one.retired_at is None or one.pk == now]
    found: Choices = []
    for status, words in Lead.Status.choices:
        own = [(Stage(status, one.pk).key, str(one)) for one in offered if one.status == status]
        found.append((words, [(status, f"{words}, no label"), *own]) if own else (status, words))
    return found


def stage_words(lead: Lead) -> str:
    """Contacted, or Warm (Contacted): what the team calls it comes first."""
    label = lead.status_label
    status = str(lead.get_status_display())
    return f"{label} ({status})" if label else status


def label_of(lead: Lead) -> StatusLabel | None:
    return lead.status_label if lead.status_label_id else None


def key_of(lead: Lead) -> str:
    return stage_of(lead).key
