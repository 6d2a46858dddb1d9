"""How a team's calls can end: ten shipped outcomes at first use, which its managers may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.access import Access
from campaigns.models import Disposition


def of_team(team_id: int, *, retired: bool = False) -> list[Disposition]:
    """The outcomes of a team, by their keys 1 to 9, then 0. retired: those that are offered no more, too."""
    raise NotImplementedError


def make(access: Access, values: Mapping[str, Any]) -> Disposition:
    """A new outcome, of Disposition's fields. Raises CampaignError FORBIDDEN, INVALID naming the field."""
    raise NotImplementedError


def change(access: Access, disposition_id: UUID, values: Mapping[str, Any]) -> Disposition:
    """Raises as `make`; NOT_FOUND. What `dnc` and `bad_number` do stays: their outcome and what they suppress."""
    raise NotImplementedError


def retire(access: Access, disposition_id: UUID) -> Disposition:
    """It is offered no more; calls still tell of it. Raises CampaignError FORBIDDEN, NOT_FOUND, INVALID."""
    raise NotImplementedError
