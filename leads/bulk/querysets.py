"""Who may see which bulk jobs."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from accounts.access import Access
from common.db.work import LeasedQuerySet

M = TypeVar("M", bound=models.Model, covariant=True)


class BulkQuerySet(LeasedQuerySet[M]):
    def seen_by(self, access: Access) -> Self:
        """Her team's; a caller's: her own."""
        rows = self.filter(team_id=access.team_id)  # none where she has no team
        return rows.filter(by_id=access.user.pk) if access.only_assigned else rows

    def worked_by(self, access: Access) -> Self:
        """What she may stop and undo, where the kind of job allows it."""
        return self.seen_by(access)
