"""Reads of leads that are more than a filter."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from leads.models import Lead


def tag_names(leads: Iterable[Lead]) -> dict[UUID, list[str]]:
    """The names of their tags by lead, in alphabetical order; a lead without any is left out. One statement."""
    names: dict[UUID, list[str]] = {}
    links = Lead.tags.through.objects.filter(lead__in=[lead.pk for lead in leads]).order_by("tag__name")
    for lead_id, name in links.values_list("lead_id", "tag__name"):
        names.setdefault(lead_id, []).append(name)
    return names
